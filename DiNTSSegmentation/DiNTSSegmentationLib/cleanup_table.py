"""The table in which the cleanup of each label of the model is chosen."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import qt
from slicer.i18n import tr as _

from DiNTSSegmentationLib.parameters import AUTOMATIC, CLEANUP_CHOICES


class CleanupTable:
    """Automatic, on or off for each label of the model.

    Args:
        onChanged: called with {label name: "on" or "off"} of all labels that are not automatic.
    """

    def __init__(self, ui: SimpleNamespace, onChanged: Callable[[dict[str, str]], None]) -> None:
        self.table, self._onChanged = ui.cleanupTable, onChanged
        self.labels: tuple[str, ...] = ()
        self.boxes: list[qt.QComboBox] = []
        self.table.verticalHeader().visible = False
        self.table.horizontalHeader().setSectionResizeMode(qt.QHeaderView.Stretch)

    def show(self, labels: tuple[str, ...], choices: dict[str, str]) -> None:
        if labels != self.labels:
            self.labels = labels
            self.boxes = [self._box() for _label in labels]
            self.table.setRowCount(len(labels))
            for row, (label, box) in enumerate(zip(labels, self.boxes, strict=True)):
                item = qt.QTableWidgetItem(label)
                item.setFlags(qt.Qt.ItemIsEnabled)
                self.table.setItem(row, 0, item)
                self.table.setCellWidget(row, 1, box)
        for label, box in zip(labels, self.boxes, strict=True):
            wanted = CLEANUP_CHOICES.index(choices.get(label, AUTOMATIC))
            if box.currentIndex != wanted:
                box.currentIndex = wanted

    def _box(self) -> qt.QComboBox:
        box = qt.QComboBox()
        for text in (_("Automatic"), _("On"), _("Off")):
            box.addItem(text)
        box.connect("activated(int)", self._onActivated)
        return box

    def _onActivated(self) -> None:
        chosen = {label: CLEANUP_CHOICES[box.currentIndex] for label, box in zip(self.labels, self.boxes, strict=True)}
        self._onChanged({label: choice for label, choice in chosen.items() if choice != AUTOMATIC})
