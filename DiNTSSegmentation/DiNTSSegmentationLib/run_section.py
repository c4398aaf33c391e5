"""The section "Run": cleanup of each label, and what the run will take."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import qt
from slicer.i18n import tr as _

from DiNTSLib.durations import duration
from DiNTSSegmentationLib.models import ModelEntry
from DiNTSSegmentationLib.parameters import SegmentationParameters, Vote

AUTOMATIC, ON, OFF = "auto", "on", "off"  # choices of a label's cleanup
CHOICES = (AUTOMATIC, ON, OFF)
ESTIMATE_DELAY = 500  # milliseconds without a change before the worker is asked
GIBIBYTE = 2**30


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
            wanted = CHOICES.index(choices.get(label, AUTOMATIC))
            if box.currentIndex != wanted:
                box.currentIndex = wanted

    def _box(self) -> qt.QComboBox:
        box = qt.QComboBox()
        for text in (_("Automatic"), _("On"), _("Off")):
            box.addItem(text)
        box.connect("activated(int)", self._onActivated)
        return box

    def _onActivated(self) -> None:
        chosen = {label: CHOICES[box.currentIndex] for label, box in zip(self.labels, self.boxes, strict=True)}
        self._onChanged({label: choice for label, choice in chosen.items() if choice != AUTOMATIC})


class EstimateLine:
    """Asks for memory and time a moment after the last change, and shows the answer to the last question only."""

    def __init__(self, ui: SimpleNamespace, ask: Callable[[Callable[[dict[str, Any]], None]], None]) -> None:
        self.label, self._ask = ui.estimateLabel, ask
        self._question = 0
        self._timer = qt.QTimer()
        self._timer.setSingleShot(True)
        self._timer.setInterval(ESTIMATE_DELAY)
        self._timer.connect("timeout()", self._onTimeout)

    def restart(self) -> None:
        self._question += 1
        self._timer.start()

    def stop(self) -> None:
        self._question += 1
        self._timer.stop()
        self.label.text = ""

    def _onTimeout(self) -> None:
        question = self._question
        self._ask(lambda values: self._show(values) if question == self._question else None)

    def _show(self, values: dict[str, Any]) -> None:
        self.label.text = estimateText(values)


def estimateText(values: dict[str, Any]) -> str:
    """The worker's estimate in a sentence; a warning where the GPU's memory will not do."""
    text = _("Needs up to {memory:.1f} GiB; ").format(memory=values["memory"] / GIBIBYTE)
    windows = values["windows"]
    text += _("1 window") if windows == 1 else _("{windows} windows").format(windows=windows)
    if values["seconds"] is not None:
        text += _("; about {time}").format(time=duration(values["seconds"]))
    text += _("; on the GPU") if values["device"].startswith("cuda") else _("; on the CPU")
    available = values["device_memory"]
    if available is not None and values["memory"] > available:
        text += _(", which has {memory:.1f} GiB: it will go on in smaller steps").format(memory=available / GIBIBYTE)
    return text + "."


def engineOptions(parameters: SegmentationParameters, model: ModelEntry) -> dict[str, Any]:
    """The advanced settings in the engine's words."""
    options: dict[str, Any] = {"batch_size": parameters.batchSize}
    if parameters.vote is not Vote.MODEL:
        options["vote"] = parameters.vote.value
    cleanup = dict(parameters.cleanup)
    choices = {value: cleanup.get(name, AUTOMATIC) for value, name in model.labels}
    if any(choice != AUTOMATIC for choice in choices.values()):
        options["largest_component"] = [
            value
            for value, choice in choices.items()
            if choice == ON or (choice == AUTOMATIC and value in model.cleaned)
        ]
    return options
