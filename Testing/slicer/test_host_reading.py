"""What the host says cannot be read: texts that are cut off, areas that are scrolled; and its longer language."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

MODULE = """
import slicer
from slicer.i18n import tr as _
from slicer.ScriptedLoadableModule import ScriptedLoadableModule, ScriptedLoadableModuleWidget


class ManyTexts(ScriptedLoadableModule):
    def __init__(self, parent):
        super().__init__(parent)
        self.parent.title, self.parent.categories = "Many texts", ["Segmentation"]


class ManyTextsWidget(ScriptedLoadableModuleWidget):
    def setup(self):
        super().setup()
        widget = slicer.util.loadUI(PATH)
        self.ui = slicer.util.childWidgetVariables(widget)
        self.layout.addWidget(widget)
        self.said = _("Choose a model.")
"""
PANEL = """<ui version="4.0"><class>Panel</class><widget class="QWidget" name="Panel"><layout class="QVBoxLayout">
<item><widget class="QScrollArea" name="area"><property name="widgetResizable"><bool>true</bool></property>
<property name="minimumSize"><size><width>0</width><height>100</height></size></property>
<widget class="QWidget" name="contents"><layout class="QVBoxLayout">
<item><widget class="QLabel" name="label"><property name="text"><string>Memory</string></property></widget></item>
</layout></widget></widget></item>
<item><widget class="QPushButton" name="button"><property name="text"><string>Start search</string></property>
<property name="SlicerParameterName" stdset="0"><string>started</string></property></widget></item>
<item><widget class="QComboBox" name="combo"/></item>
<item><widget class="ctkCollapsibleButton" name="section"><property name="text"><string>Step</string></property>
</widget></item>
<item><widget class="QTableWidget" name="table"/></item>
</layout></widget></ui>"""


@pytest.fixture
def open_texts(host: Any, tmp_path: Path) -> Iterator[Callable[[], Any]]:
    """Function that opens a module with a label, a button, a list, a section and a table."""
    (tmp_path / "Panel.ui").write_text(PANEL)
    (tmp_path / "ManyTexts.py").write_text(MODULE.replace("PATH", repr(str(tmp_path / "Panel.ui"))))
    yield lambda: host.open_module(tmp_path / "ManyTexts.py", 300, 700)
    host.close_module("ManyTexts")


def test_a_panel_with_room_for_its_texts_is_fine(host: Any, open_texts: Any) -> None:
    open_texts()
    assert host.cut_off("ManyTexts") == host.scrolled("ManyTexts") == []


@pytest.mark.shown
@pytest.mark.parametrize("name", ["label", "button", "section"])
def test_a_text_that_is_wider_than_its_widget_is_cut_off(host: Any, open_texts: Any, name: str) -> None:
    widget = getattr(open_texts().ui, name)
    widget.maximumWidth = 20
    assert host.cut_off("ManyTexts") == [f"{name}: {widget.text}"]


@pytest.mark.shown
def test_a_label_that_is_lower_than_its_lines_is_cut_off(host: Any, open_texts: Any) -> None:
    label = open_texts().ui.label
    label.wordWrap, label.text = True, "one two three four five six seven eight nine ten eleven twelve thirteen"
    assert host.cut_off("ManyTexts") == []
    label.maximumHeight = 10
    assert host.cut_off("ManyTexts") == [f"label: {label.text}"]


@pytest.mark.shown
def test_an_entry_that_is_not_chosen_is_cut_off_as_well(host: Any, open_texts: Any) -> None:
    combo = open_texts().ui.combo
    combo.maximumWidth = 100
    combo.addItem("short")
    assert host.cut_off("ManyTexts") == []
    combo.addItem("longer than all of the list")
    assert host.cut_off("ManyTexts") == ["combo: longer than all of the list"]


@pytest.mark.shown
def test_a_header_that_is_wider_than_its_column_is_cut_off(host: Any, open_texts: Any) -> None:
    table = open_texts().ui.table
    table.setColumnCount(1)
    table.setHorizontalHeaderLabels(["Validation Dice"])
    table.setColumnWidth(0, 30)
    assert host.cut_off("ManyTexts") == ["table: Validation Dice"]


@pytest.mark.shown
def test_what_does_not_fit_into_its_area_is_scrolled(host: Any, open_texts: Any) -> None:
    label = open_texts().ui.label
    label.minimumHeight = 900
    assert [text.split(" by ")[0] for text in host.scrolled("ManyTexts")] == ["area"]
    label.minimumWidth = 900
    assert "area is too narrow for contents" in host.cut_off("ManyTexts")


def test_every_text_is_longer_in_the_longer_language(host: Any, open_texts: Any) -> None:
    with host.longer_texts():
        panel = open_texts()
    for text, original in ((panel.ui.button.text, "Start search"), (panel.said, "Choose a model.")):
        assert text.startswith(original)
        assert len(text) >= 1.3 * len(original)
    assert panel.ui.button.property("SlicerParameterName") == "started"


def test_a_widget_of_a_hidden_window_counts_as_shown_and_can_be_clicked(host: Any, open_texts: Any) -> None:
    from Testing.host.driving import panel_window

    ui, clicks = open_texts().ui, []
    ui.button.connect("clicked()", lambda: clicks.append(1))
    ui.label.visible = False
    panel_window("ManyTexts").hide()
    host.click(ui.button)
    assert clicks == [1]
    assert not ui.button.visible
    assert (host.is_shown(ui.button), host.is_shown(ui.label)) == (True, False)
