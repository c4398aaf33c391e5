"""Python's garbage collection in the main thread alone.

By itself it runs in whichever thread makes an object when enough have been made. Where that is not the main thread and
the garbage holds widgets, PySide6 destroys them there, and Qt crashes the next time that it handles events.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer

INTERVAL = 200  # milliseconds
OLDEST = 2  # generation
FULL_COLLECTION = 1.25  # times the objects that survived the last one


class GarbageCollector(QObject):
    """Takes the place of the automatic collection, with its thresholds."""

    _survivors = 0  # of the last collection of all objects, but for those that are left out

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        gc.disable()
        self._timer = QTimer(self)
        self._timer.setInterval(INTERVAL)
        self._timer.timeout.connect(self._collect)
        self._timer.start()

    @classmethod
    def keep(cls) -> None:
        """Leaves all that there is now out of later collections: a quarter of a million objects of Slicer's classes,
        which stay for good, and what a thousand tests left. To look at either takes the 0.1 s that a window may stand
        still."""
        gc.collect()
        gc.freeze()
        cls._survivors = 0

    def _collect(self) -> None:
        """The oldest generation whose threshold is passed; with it go the younger ones."""
        for generation in range(OLDEST, -1, -1):
            if gc.get_count()[generation] > gc.get_threshold()[generation] and self._is_worth(generation):
                gc.collect(generation)
                if generation == OLDEST:
                    type(self)._survivors = len(gc.get_objects(OLDEST))
                return

    def _is_worth(self, generation: int) -> bool:
        """As in Python itself, all objects are looked at only when a quarter has come since the last time."""
        return generation < OLDEST or len(gc.get_objects(OLDEST)) > self._survivors * FULL_COLLECTION
