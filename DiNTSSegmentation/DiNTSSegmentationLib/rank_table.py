"""The table of ranked scans: which one to correct first."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import qt
from slicer.i18n import tr as _

from dints.improvement.preview import preview_file
from DiNTSLib.plain_text import plain

CASE_COLUMN, DISAGREEMENT_COLUMN, DICE_COLUMN = range(3)
PREVIEW_PIXELS = 48  # of the picture in a row


class RankTable:
    """A row for each scan, the most unsure one at the top.

    Args:
        tree: the widget.
        onOpened: called with the row of a scan on a double click or Return, see docs/correct-and-learn.md.
    """

    def __init__(self, tree: qt.QTreeWidget, onOpened: Callable[[dict[str, Any]], None]) -> None:
        self._tree, self._onOpened = tree, onOpened
        self._rows: list[dict[str, Any]] = []
        header = tree.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(CASE_COLUMN, qt.QHeaderView.Stretch)
        for column in (DISAGREEMENT_COLUMN, DICE_COLUMN):
            header.setSectionResizeMode(column, qt.QHeaderView.ResizeToContents)
        tree.setIconSize(qt.QSize(PREVIEW_PIXELS, PREVIEW_PIXELS))
        tree.visible = False
        tree.connect("itemActivated(QTreeWidgetItem*,int)", self._onActivated)

    def clear(self) -> None:
        self.show([])

    def add(self, row: dict[str, Any]) -> None:
        """A scan that was done just now; the order comes at the end."""
        if row not in self._rows:
            self.show([*self._rows, row])

    def show(self, rows: Sequence[dict[str, Any]]) -> None:
        """All scans in their order."""
        self._rows = list(rows)
        self._tree.visible = bool(self._rows)
        self._tree.clear()
        for row in self._rows:
            doubt = _("nothing found") if row["disagreement"] is None else f"{row['disagreement']:.3f}"
            item = qt.QTreeWidgetItem([row["case"], doubt, predictedDice(row)])
            _picture(item, preview_file(Path(row["proposal"])), row["case"])
            self._tree.addTopLevelItem(item)

    def _onActivated(self, item: qt.QTreeWidgetItem, column: int) -> None:
        self._onOpened(self._rows[self._tree.indexOfTopLevelItem(item)])


def _picture(item: qt.QTreeWidgetItem, file: Path, case: str) -> None:
    """A preview in the row, and a larger one at the pointer."""
    item.setToolTip(CASE_COLUMN, plain(case))
    if file.is_file():  # rankings of before have none
        item.setIcon(CASE_COLUMN, qt.QIcon(str(file)))
        # Qt takes a path there as it is, and decodes no &amp; of it.
        item.setToolTip(CASE_COLUMN, f'{html.escape(case)}<br><img src="{file.as_posix()}">')


def predictedDice(values: Mapping[str, Any]) -> str:
    """Predicted Dice with its mean absolute error on scans that the networks had not seen; "" where it is not known."""
    if values.get("predicted_dice") is None:
        return ""
    if values.get("error") is None:
        return f"{values['predicted_dice']:.2f}"
    return f"{values['predicted_dice']:.2f} ± {values['error']:.2f}"
