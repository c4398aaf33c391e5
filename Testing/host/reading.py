"""What a user of a panel can read: texts that are cut off, and areas that must be scrolled to see all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from PySide6.QtGui import Qt, QTextDocument
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QComboBox,
    QGroupBox,
    QLabel,
    QLineEdit,
    QScrollArea,
    QTableWidget,
    QWidget,
)

from .convert import unwrap
from .driving import panel_window, process_events
from .widgets.collapsible import ARROW_SIZE, ctkCollapsibleButton
from .widgets.node_selector import qMRMLNodeComboBox

ROUNDING = 1  # pixels: fonts are measured in fractions of them
NESTED = 6  # layouts within layouts: each tells the one around it in a round of its own
COMBO_ARROW, HEADER_MARGIN, CURSOR = 24, 4, 4  # pixels beside a text


def is_shown(widget: Any) -> bool:
    """Whether a user sees the widget when the window is shown: also true in a window that is hidden now."""
    raw = unwrap(widget)
    return raw.isVisibleTo(raw.window())


def cut_off(module: str) -> list[str]:
    """Texts of a module's panel that are not seen as a whole, each with its widget."""
    window = _settled(module)
    found = [f"{area.objectName()} is too narrow for {_owner(area.widget())}" for area in _too_narrow(window)]
    for widget in window.findChildren(QWidget):
        if widget.isVisible():
            found += [f"{_owner(widget)}: {text}" for text in _cut_texts(widget)]
    return found


def scrolled(module: str) -> list[str]:
    """Areas of a module's panel that hold more than they show. Lists and tables are none of them."""
    window = _settled(module)
    areas = [area for area in (window, *window.findChildren(QScrollArea)) if area.isVisible()]
    bars = [(area, bar) for area in areas for bar in (area.horizontalScrollBar(), area.verticalScrollBar())]
    return [f"{area.objectName()} by {bar.maximum()} pixels" for area, bar in bars if bar.maximum() > 0]


def _settled(module: str) -> QScrollArea:
    """The panel's window when everything in it has its place."""
    window = panel_window(module)
    for _round in range(len(window.findChildren(QScrollArea)) + NESTED):  # each area tells the one around it
        process_events()
    return window


def _too_narrow(window: QScrollArea) -> Iterator[QScrollArea]:
    for area in (window, *window.findChildren(QScrollArea)):
        if area.isVisible() and area.widget().minimumSizeHint().width() > area.viewport().width():
            yield area


def _of_table(table: QTableWidget) -> Iterator[str]:
    header = table.horizontalHeader()
    for column in range(0 if header.isHidden() else table.columnCount()):
        text = table.horizontalHeaderItem(column).text()
        if _width(header, text) + HEADER_MARGIN > header.sectionSize(column):
            yield text


def _of_label(label: QLabel) -> Iterator[str]:
    needed, given = label.sizeHint().width(), label.width()
    if label.wordWrap():
        needed, given = label.heightForWidth(label.width()), label.height()
    if label.text() and needed > given + ROUNDING:
        yield label.text()


def _of_combo_box(box: QComboBox) -> Iterator[str]:
    """Of all entries. Names of nodes and what is in tables are data: as long as they are."""
    if box.isEditable() or isinstance(box.parentWidget(), qMRMLNodeComboBox) or _is_in_table(box):
        return
    for text in (box.itemText(index) for index in range(box.count())):
        if _width(box, text) + COMBO_ARROW > box.width():
            yield text


def _is_in_table(widget: QWidget) -> bool:
    return isinstance(widget.parentWidget().parentWidget(), QTableWidget)


def _of_section(section: ctkCollapsibleButton) -> Iterator[str]:
    if _width(section, section.text()) + 4 * ARROW_SIZE > section.width() + ROUNDING:
        yield section.text()


def _of_group(group: QGroupBox) -> Iterator[str]:
    if _width(group, group.title()) > group.width() + ROUNDING:
        yield group.title()


def _of_spin_box(box: QAbstractSpinBox) -> Iterator[str]:
    edit = box.findChild(QLineEdit)
    if _width(edit, edit.text()) + CURSOR > edit.width() + ROUNDING:
        yield edit.text()


def _of_button(button: QAbstractButton) -> Iterator[str]:
    if button.sizeHint().width() > button.width() + ROUNDING:
        yield button.text()


CUT_TEXTS: tuple[tuple[type[QWidget], Callable[[Any], Iterator[str]]], ...] = (  # the first class that fits
    (QTableWidget, _of_table),
    (QLabel, _of_label),
    (QComboBox, _of_combo_box),
    (ctkCollapsibleButton, _of_section),
    (QGroupBox, _of_group),
    (QAbstractSpinBox, _of_spin_box),
    (QAbstractButton, _of_button),
)


def _cut_texts(widget: QWidget) -> Iterator[str]:
    for kind, find in CUT_TEXTS:
        if isinstance(widget, kind):
            return find(widget)
    return iter(())


def _width(widget: QWidget, text: str) -> int:
    return widget.fontMetrics().horizontalAdvance(text)


def _owner(widget: QWidget) -> str:
    """The name of a widget, or of the one that it is a part of."""
    while not widget.objectName() and widget.parentWidget() is not None:
        widget = widget.parentWidget()
    return widget.objectName()


def as_read(text: str) -> str:
    """What a user reads of a text that Qt may take for HTML, as in a tool tip or a message box."""
    if not Qt.mightBeRichText(text):
        return text
    document = QTextDocument()
    document.setHtml(text)
    return document.toPlainText()
