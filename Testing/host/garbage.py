"""Python's garbage collection in the main thread alone.

By itself it runs in whichever thread makes an object when enough have been made. Where that is not the main thread and
the garbage holds widgets, PySide6 destroys them there, and Qt crashes the next time that it handles events.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer

INTERVAL = 200  # milliseconds
OLDEST = 2  # generation


class GarbageCollector(QObject):
    """Takes the place of the automatic collection, with its thresholds."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        gc.disable()
        self._timer = QTimer(self)
        self._timer.setInterval(INTERVAL)
        self._timer.timeout.connect(self._collect)
        self._timer.start()

    def _collect(self) -> None:
        """The oldest generation whose threshold is passed; with it go the younger ones."""
        for generation in range(OLDEST, -1, -1):
            if gc.get_count()[generation] > gc.get_threshold()[generation]:
                gc.collect(generation)
                return
