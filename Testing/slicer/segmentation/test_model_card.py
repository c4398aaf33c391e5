"""The six lines on the chosen model."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from .states import CARD, models


def lines_of(panel: Any) -> list[str]:
    tree = panel.ui.modelCard
    items = [tree.topLevelItem(row) for row in range(tree.topLevelItemCount)]
    return [f"{item.text(0)} {item.text(1)}" for item in items]


@pytest.fixture
def lines(host: Any) -> Any:
    """Function that gives the lines of a model with other fields."""
    from DiNTSSegmentationLib.model_card import cardLines

    def tell(**changes: Any) -> dict[str, str]:
        return dict(cardLines(replace(models()[0], **changes)))

    return tell


def test_a_model_says_what_it_is_for_and_how_good_it_is(lines: Any) -> None:
    found = lines(card={**CARD, "stated": {"data": "Task04.", "licence": "CC0", "limits": "crops only"}})
    assert list(found.items()) == [
        ("Segments:", "Anterior, Posterior"),
        ("In images:", "MR (MRI) of 31–43 × 40–59 × 24–47 mm"),
        ("Dice:", "Anterior 0.89, Posterior 0.89 (200 cases, each by a network that had not seen it)"),
        ("Trained on:", "200 cases: Task04."),
        ("Licence:", "CC0"),
        ("Limits:", "crops only"),
    ]


def test_what_a_model_does_not_say_is_said_to_be_missing(lines: Any) -> None:
    unknown = {"label": "Anterior", "dice": None, "cases": None}
    nothing = {"scores": [unknown], "cases": None, "extent": None, "stated": {}}
    assert list(lines(card=nothing).values())[1:] == [
        "MR (MRI); their size is not stated",
        "not measured",
        "which ones is not stated",
        "not stated; it is that of its data",
        "not stated",
    ]
    some = [{**unknown, "dice": 0.8}, {**unknown, "label": "Posterior"}]
    assert lines(card={**nothing, "scores": some})["Dice:"] == "Anterior 0.80 (in how many cases is not stated)"


def test_labels_that_not_all_cases_have_and_later_versions_are_told(lines: Any) -> None:
    scores = [{"label": name, "dice": 0.8, "cases": cases} for name, cases in (("a", 12), ("b", 9))]
    lessons = "Version 2 learned from 12 corrections (2026-11-27)."
    found = lines(card={**CARD, "scores": scores, "stated": {"data": "Task04."}}, learnedFrom=lessons)
    assert found["Dice:"] == "a 0.80, b 0.80 (9–12 cases, each by a network that had not seen it)"
    assert found["Trained on:"] == f"{lessons} Before that: Task04."


def test_the_card_is_in_sight_and_follows_the_choice(
    host: Any, open_panel: Any, install: Any, choose_model: Any, models_folder: Any
) -> None:
    install("body.zip", "hippocampus.zip", "cut.zip")
    panel = open_panel()
    assert host.is_shown(panel.ui.modelCard)
    assert not host.is_shown(panel.ui.modelDescription)
    assert len(lines_of(panel)) == 6
    assert lines_of(panel)[0] == "Segments: liver, kidney"
    choose_model(panel, "Hippocampus")
    assert lines_of(panel)[0] == "Segments: Anterior, Posterior"
    assert panel.ui.modelCard.topLevelItem(4).toolTip(1) == "not stated; it is that of its data"
    choose_model(panel, "cut.zip")
    assert not host.is_shown(panel.ui.modelCard)
    assert host.is_shown(panel.ui.modelDescription)
    assert "Damaged:" in panel.ui.modelDescription.text
