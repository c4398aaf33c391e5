"""The event loop as Slicer's behaves: it keeps Python's lock, so that a thread gets on only while the main thread runs
Python, for example in the slot of a timer. PySide6's own loop gives the lock away while it waits."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

import PySide6
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtTest import QTest

TURN = 10  # milliseconds
LIBRARY = Path(PySide6.__file__).parent / "Qt" / "lib" / "libQt6Core.so.6"
PROCESS_EVENTS = "_ZN16QCoreApplication13processEventsE6QFlagsIN10QEventLoop17ProcessEventsFlagEEi"


def wait_a_turn() -> None:
    """Run the event loop for a moment, with Python's lock where the names in Qt's library are known."""
    if not sys.platform.startswith("linux"):
        QTest.qWait(TURN)
        return
    getattr(ctypes.PyDLL(str(LIBRARY)), PROCESS_EVENTS)(0, TURN)  # PyDLL, unlike CDLL, keeps the lock
    ctypes.PyDLL(None).usleep(TURN * 1000)
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
