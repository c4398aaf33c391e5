"""The table of the model's labels: names to edit, colours to pick, and the structures of Slicer's terminology."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import ctk
import qt
from slicer.i18n import tr as _

from DiNTSLib.terminology import SegmentStyle, meaning, structures
from DiNTSSearchLib.tables import EDITABLE, fill

NAME, COLOR, TERMINOLOGY = "name", "color", "terminology"  # what can be chosen for a label
NAME_COLUMN, COLOR_COLUMN, TERMINOLOGY_COLUMN = 1, 2, 3


class LabelsTable:
    """Shows labels as they will be exported, and takes changes.

    Args:
        onChanged: called with the label's value, what the user chose (`NAME`, `COLOR` or `TERMINOLOGY`) and its text;
            "" takes back what was chosen.
    """

    def __init__(self, table: qt.QTableWidget, onChanged: Callable[[int, str, str], None]) -> None:
        self._table, self._onChanged = table, onChanged
        self._values: list[int] = []
        self._shown: tuple[Mapping[int, SegmentStyle], Mapping[int, str]] | None = None
        self._isShowing = False
        table.connect("cellChanged(int,int)", self._onCellChanged)

    def show(self, styles: Mapping[int, SegmentStyle], named: Mapping[int, str]) -> None:
        """Shows `DiNTSLib.terminology.SegmentStyle`s. `named`: the terminology entries that follow from the names."""
        if (styles, named) == self._shown:
            return  # an editor that is open keeps its text
        self._shown, self._isShowing = (styles, named), True
        if list(styles) != self._values:
            self._values = list(styles)
            self._makeRows()
        for row, (value, style) in enumerate(styles.items()):
            self._showRow(row, style, named[value])
        self._table.resizeColumnToContents(NAME_COLUMN)
        self._isShowing = False

    def _makeRows(self) -> None:
        headers = [_("Value"), _("Name"), _("Colour"), _("Terminology")]
        fill(self._table, headers, [[str(value), "", "", ""] for value in self._values])
        entries = structures()
        for row, value in enumerate(self._values):
            self._table.item(row, NAME_COLUMN).setFlags(EDITABLE)
            button = ctk.ctkColorPickerButton()
            button.displayColorName = False
            button.toolTip = _("Colour of the segments of this label. Click to choose another.")
            button.connect("colorChanged(QColor)", self._tell(value, COLOR, lambda color: color.name()))
            self._table.setCellWidget(row, COLOR_COLUMN, button)
            box = qt.QComboBox()
            box.toolTip = _("Code of the segments of this label. The first entry follows from the name.")
            box.addItem("", "")
            for entry in entries:
                box.addItem(meaning(entry), entry)
            chosen = self._tell(value, TERMINOLOGY, box.itemData)
            box.connect("activated(int)", chosen)
            self._table.setCellWidget(row, TERMINOLOGY_COLUMN, box)

    def _showRow(self, row: int, style: SegmentStyle, named: str) -> None:
        self._table.item(row, NAME_COLUMN).setText(style.name)
        button = self._table.cellWidget(row, COLOR_COLUMN)
        button.color = qt.QColor(*(round(255 * part) for part in style.color))
        box = self._table.cellWidget(row, TERMINOLOGY_COLUMN)
        box.setItemText(0, meaning(named))
        box.currentIndex = 0 if style.terminology == named else max(0, box.findData(style.terminology))

    def _tell(self, value: int, kind: str, text: Callable[[Any], str]) -> Callable[[Any], None]:
        """A slot that passes on what the user chose."""

        def changed(given: qt.QColor | int) -> None:
            if not self._isShowing:
                self._onChanged(value, kind, text(given))

        return changed

    def _onCellChanged(self, row: int, column: int) -> None:
        if not self._isShowing:
            self._shown = None  # the table is brought up to date, with what was accepted
            self._onChanged(self._values[row], NAME, self._table.item(row, column).text().strip())
