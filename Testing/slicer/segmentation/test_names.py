"""Names that look like HTML, or hold an ampersand, are shown as they are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

NAME = "<b>Liver</b> & <i>kidney</i>"
HOLDS_HTML = "modelDescription"


@pytest.fixture
def named(host: Any, open_panel: Any, install: Any, ct: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The panel with a model and a volume of such names."""
    from DiNTSSegmentationLib import model_section

    install("body.zip")
    found = model_section.installedModels()
    entries = [replace(entry, name=NAME, description=NAME, channels=(NAME,)) for entry in found]
    monkeypatch.setattr(model_section, "installedModels", lambda: entries)
    ct.SetName(NAME)
    return open_panel()


def test_labels_show_names_as_they_are(host: Any, named: Any) -> None:
    import qt
    from PySide6.QtCore import Qt
    from PySide6.QtWidgets import QLabel
    from Testing.host.driving import panel_window

    labels = {name: label for name, label in vars(named.ui).items() if label.className() == "QLabel"}
    assert len(labels) > 20
    assert [name for name, label in labels.items() if label.textFormat == qt.Qt.AutoText] == []
    others = [label for label in panel_window("DiNTSSegmentation").findChildren(QLabel) if "<b>" in label.text()]
    assert [label.text() for label in others if label.textFormat() == Qt.TextFormat.AutoText] == []
    assert f"{NAME}:" in [label.text() for label in others]  # of the channel
    assert [name for name, label in labels.items() if label.textFormat == qt.Qt.RichText] == [HOLDS_HTML]
    assert NAME in host.as_read(named.ui.modelDescription.text)


def test_buttons_and_tool_tips_show_names_as_they_are(host: Any, named: Any) -> None:
    models, tree, card = named.panel.models, named.ui.modelTree, named.ui.modelCard
    models.list.button.resize(900, 30)
    assert models.list.button.text == NAME.replace("&", "&&")  # of a button, one would be its shortcut
    assert host.as_read(models.list.button.toolTip).startswith(NAME)
    assert host.as_read(tree.topLevelItem(0).toolTip(0)).startswith(NAME)
    assert any(NAME in host.as_read(card.topLevelItem(row).toolTip(1)) for row in range(card.topLevelItemCount))
    assert NAME in host.as_read(named.panel.inputs.selectors[0].toolTip)


def test_a_question_shows_names_as_they_are(host: Any, named: Any) -> None:
    asked = []

    def decline(dialog: Any) -> None:
        asked.append(dialog.text)
        dialog.reject()

    host.click(named.panel.models.list.button)
    with host.answering(decline):
        host.click(named.ui.removeButton)
    assert f"Delete the model “{NAME}” from this computer?" in host.as_read(asked[0])


def test_the_line_of_a_batch_shows_a_name_as_it_is(host: Any, named: Any, finish: Any) -> None:
    host.click(named.ui.batchSection)
    host.wait_until(lambda: named.ui.batchButton.enabled)
    host.click(named.ui.batchButton)
    finish(named)
    assert host.as_read(named.ui.batchTree.topLevelItem(0).toolTip(0)) == NAME
