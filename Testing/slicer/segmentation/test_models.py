"""The list of models: search, import, removal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .conftest import SECONDS


def test_models_are_found_by_any_of_their_words(open_panel: Any, install: Any, host: Any, search_models: Any) -> None:
    install("body.zip", "hippocampus.zip", "pair.zip", "cut.zip")
    panel = open_panel()
    host.click(panel.panel.models.list.button)

    def shown() -> list[str]:
        tree = panel.ui.modelTree
        return [tree.topLevelItem(row).text(0) for row in range(tree.topLevelItemCount)]

    assert shown() == ["Body", "cut.zip", "Hippocampus", "Pair"]
    search_models(panel, "mr")
    assert shown() == ["Hippocampus", "Pair"]
    search_models(panel, "MR tumor")
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
    host.click(panel.panel.models.list.button)
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


def test_a_model_that_came_with_the_engine_is_there_without_set_up_and_stays(
    host: Any, open_panel: Any, install: Any, model_files: Path, models_folder: Path, choose_model: Any, ct: Any
) -> None:
    from dints.model import folder

    folder.SHIPPED_FOLDER.mkdir()
    (folder.SHIPPED_FOLDER / "body.zip").symlink_to(model_files / "body.zip")
    panel = open_panel()
    assert panel.panel.models.chosen.name == "Body"
    host.wait_until(lambda: panel.ui.applyButton.enabled)
    assert "Came with DiNTS." in panel.ui.modelDescription.text
    assert not panel.ui.removeButton.enabled
    assert "came with DiNTS and stays" in panel.ui.removeButton.toolTip
    install("pair.zip")
    panel.exit()
    panel.enter()
    choose_model(panel, "Pair")
    assert panel.ui.removeButton.enabled
    assert panel.ui.removeButton.toolTip == "Deletes the chosen model from this computer."


@pytest.mark.shown  # a place in the list is clicked
def test_a_file_of_the_same_name_hides_no_model_that_came_with_the_engine(
    host: Any, open_panel: Any, install: Any, model_files: Path, models_folder: Path
) -> None:
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest
    from Testing.host.convert import unwrap

    from dints.model import folder

    folder.SHIPPED_FOLDER.mkdir()
    (folder.SHIPPED_FOLDER / "body.zip").symlink_to(model_files / "body.zip")
    install("body.zip")
    panel = open_panel()
    assert not panel.panel.models.chosen.shipped
    host.click(panel.panel.models.list.button)
    tree = unwrap(panel.ui.modelTree)
    place = tree.visualItemRect(tree.topLevelItem(1)).center()
    QTest.mouseClick(tree.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert panel.panel.models.chosen.shipped


def test_a_search_without_hits_does_not_lose_the_chosen_model(
    host: Any, open_panel: Any, install: Any, choose_model: Any, search_models: Any, ct: Any
) -> None:
    install("body.zip", "hippocampus.zip")
    panel = open_panel()
    choose_model(panel, "Hippocampus")
    host.click(panel.panel.models.list.button)
    for text in ("nothing like it", "body"):
        search_models(panel, text)
        assert panel.panel.models.chosen.name == "Hippocampus"
        assert panel.panel.parameters.model == "hippocampus.zip"
        assert "Anterior" in panel.ui.modelDescription.text
    panel.ui.modelSearch.clear()
    assert [item.text(0) for item in panel.ui.modelTree.selectedItems()] == ["Hippocampus"]
    host.wait_until(lambda: panel.ui.applyButton.enabled)


def test_models_of_one_title_are_told_apart(
    open_panel: Any, model_files: Path, models_folder: Path, install: Any
) -> None:
    from dints.model import folder

    folder.SHIPPED_FOLDER.mkdir()
    (folder.SHIPPED_FOLDER / "body.zip").symlink_to(model_files / "body.zip")
    (models_folder / "other.zip").symlink_to(model_files / "body.zip")
    install("body.zip", "pair.zip")
    tree = open_panel().ui.modelTree
    shown = [tree.topLevelItem(row).text(0) for row in range(tree.topLevelItemCount)]
    paths = [home / "body.zip" for home in (models_folder, folder.SHIPPED_FOLDER)]
    assert sorted(shown) == sorted([f"Body ({path})" for path in paths] + ["Body (other.zip)", "Pair"])


def test_a_model_that_cannot_be_deleted_is_said_and_stays(
    host: Any, open_panel: Any, install: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from DiNTSSegmentationLib import model_section

    def refuse(entry: Any) -> None:
        raise PermissionError(13, "Permission denied", entry.path)

    install("body.zip")
    panel = open_panel()
    monkeypatch.setattr(model_section, "removeModel", refuse)
    host.click(panel.panel.models.list.button)
    with host.answering("OK"):
        host.click(panel.ui.removeButton)
    assert "“Body” was not deleted: " in panel.ui.modelMessage.text
    assert "Permission denied" in panel.ui.modelMessage.text
    assert panel.panel.models.chosen.name == "Body"
