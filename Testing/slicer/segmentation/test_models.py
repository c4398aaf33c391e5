"""The list of models: search, import, removal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .conftest import SECONDS


def test_models_are_found_by_any_of_their_words(host: Any, open_panel: Any, install: Any) -> None:
    install("body.zip", "hippocampus.zip", "pair.zip", "cut.zip")
    panel = open_panel()

    def shown() -> list[str]:
        tree = panel.ui.modelTree
        return [tree.topLevelItem(row).text(0) for row in range(tree.topLevelItemCount)]

    assert shown() == ["Body", "cut.zip", "Hippocampus", "Pair"]
    host.type_text(panel.ui.modelSearch, "mr")
    assert shown() == ["Hippocampus", "Pair"]
    host.type_text(panel.ui.modelSearch, "MR tumor")
    assert shown() == ["Pair"]


def test_a_model_is_dropped_on_the_panel_and_removed_again(
    host: Any, open_panel: Any, model_files: Path, models_folder: Path, ct: Any
) -> None:
    panel = open_panel()
    assert not host.drop_files(panel.panel.area, model_files / "cut.zip")
    assert host.drop_files(panel.panel.area, model_files / "body.zip")
    host.wait_until(lambda: panel.panel.models.process is None, SECONDS)
    assert panel.ui.modelMessage.text == "body.zip was imported."
    assert panel.panel.models.chosen.name == "Body"
    host.wait_until(lambda: panel.ui.applyButton.enabled)
    with host.answering("Cancel"):
        host.click(panel.ui.removeButton)
    assert (models_folder / "body.zip").exists()
    with host.answering("OK"):
        host.click(panel.ui.removeButton)
    assert not (models_folder / "body.zip").exists()
    assert panel.panel.models.chosen is None


def test_a_damaged_model_is_not_imported(host: Any, open_panel: Any, model_files: Path, models_folder: Path) -> None:
    panel = open_panel()
    assert host.drop_files(panel.panel.area, model_files / "flipped.zip")
    host.wait_until(lambda: panel.panel.models.process is None, SECONDS)
    assert "flipped.zip was not imported." in panel.ui.modelMessage.text
    assert "checksum" in panel.ui.modelMessage.text
    assert not list(models_folder.iterdir())
