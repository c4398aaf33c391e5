"""Filling the panel's tables."""

from __future__ import annotations

from collections.abc import Sequence

import qt

from DiNTSLib.plain_text import plain

SELECTABLE = 1 | 32  # Qt::ItemIsSelectable | Qt::ItemIsEnabled
EDITABLE = SELECTABLE | 2  # Qt::ItemIsEditable
ROW_HEIGHT = 22  # pixels
MOST_ROWS_SHOWN = 8  # then the table scrolls
FRAME = 6  # pixels of borders around header and rows


def fill(
    table: qt.QTableWidget,
    headers: Sequence[str],
    rows: Sequence[Sequence[str]],
    hints: Sequence[str] = (),
    most: int = MOST_ROWS_SHOWN,
) -> None:
    """Puts texts into a QTableWidget, as high as its rows; `hints` are tool tips of the first rows, or of all."""
    table.blockSignals(True)
    table.setColumnCount(len(headers))
    table.setHorizontalHeaderLabels(list(headers))
    table.setRowCount(len(rows))
    for row, texts in enumerate(rows):
        for column, text in enumerate(texts):
            item = qt.QTableWidgetItem(text)
            item.setFlags(SELECTABLE)
            item.setToolTip(plain(hints[row] if row < len(hints) else text))
            table.setItem(row, column, item)
        table.setRowHeight(row, ROW_HEIGHT)
    table.resizeColumnsToContents()
    table.horizontalHeader().setStretchLastSection(True)
    shown = min(max(len(rows), 1), most)
    table.setFixedHeight((shown + 1) * ROW_HEIGHT + FRAME)
    table.blockSignals(False)
