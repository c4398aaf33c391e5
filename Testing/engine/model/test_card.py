"""The facts of a model's card, from manifests that say all, little or nonsense."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dints.config import Config
from dints.model.archive import read_manifest
from dints.model.card import card, stated
from dints.model.folder import SHIPPED_FOLDER
from dints.model.manifest import Fold, Manifest
from dints.space.architecture import Architecture
from dints.space.search_space import SearchSpace


@pytest.fixture
def manifest(tiny_config: Config) -> Manifest:
    """Of two networks and three labels, without a cross-validation."""
    space = SearchSpace(tiny_config.search.layers, tiny_config.search.levels)
    folds = Fold("a", "", (0.9, None, 0.5)), Fold("b", "", (0.8, None))
    labels = {0: "background", 1: "liver", 2: "kidney", 3: "aorta"}
    config = replace(tiny_config, task=replace(tiny_config.task, labels=labels))
    return Manifest(config, Architecture.random(space, 1), folds)


def test_the_shipped_model_says_all_of_it() -> None:
    found = card(read_manifest(SHIPPED_FOLDER / "hippocampus-mr.zip"))
    assert [(own["label"], round(own["dice"], 2), own["cases"]) for own in found["scores"]] == [
        ("Anterior", 0.89, 200),
        ("Posterior", 0.88, 200),
    ]
    assert found["cases"] == 200
    assert found["extent"] == [[31, 43], [40, 59], [24, 47]]
    assert found["stated"]["data"].startswith("Task04_Hippocampus")
    assert found["stated"]["licence"] == "CC-BY-SA 4.0; it is that of its data."
    assert found["stated"]["limits"].startswith("whole heads and other modalities are segmented wrongly")


def test_without_a_cross_validation_the_networks_tell_their_own_dice(manifest: Manifest) -> None:
    found = card(manifest)
    assert [own["label"] for own in found["scores"]] == ["liver", "kidney", "aorta"]
    assert [own["dice"] for own in found["scores"]] == [pytest.approx(0.85), None, 0.5]
    assert {own["cases"] for own in found["scores"]} == {None}
    assert (found["cases"], found["extent"]) == (None, None)
    assert found["stated"] == {"data": "", "licence": "", "limits": ""}


def test_labels_of_the_cross_validation_have_the_names_of_the_model(manifest: Manifest) -> None:
    rows = [
        {"fold": fold, "value": 1, "label": "before it was renamed", "dice": {"mean": mean, "count": 7}}
        for fold, mean in ((0, 0.1), (None, 0.7))
    ]
    (first, *others) = card(replace(manifest, training={"cross_validation": rows}))["scores"]
    assert first == {"label": "liver", "dice": 0.7, "cases": 7}
    assert [own["dice"] for own in others] == [None, None]


@pytest.mark.parametrize(
    "training",
    [
        {"cross_validation": [3, {"fold": None, "value": 1, "dice": 3}], "cases": "many", "range": 3},
        {"cross_validation": [{"fold": None, "value": 1, "dice": {"mean": "x", "count": -1}}], "cases": True},
        {"cross_validation": [{"fold": None, "value": []}], "range": {"extent": [[1, 2], [3]]}},
        {"cross_validation": [{"fold": None, "value": 1, "dice": {"mean": float("nan")}}], "range": {"extent": 1}},
    ],
)
def test_nonsense_is_unknown(manifest: Manifest, training: dict[str, Any]) -> None:
    found = card(replace(manifest, training=training))
    assert {own["dice"] for own in found["scores"]} == {None}
    assert (found["cases"], found["extent"]) == (None, None)


def test_lines_of_the_notes_are_told_by_the_word_before_their_colon() -> None:
    notes = "For tests: none.\nlicense: CC0: really\n Data :\tours \nLimits are many\n"
    assert stated(notes) == {"data": "ours", "licence": "CC0: really", "limits": ""}
