"""Watching the event loop, and answering dialogs while it is inside one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QWidget

from .convert import wrap
from .errors import HostError, report

POLL_MILLISECONDS = 10


SCHEDULER_STATISTICS = Path("/proc/thread-self/schedstat")  # Linux: nanoseconds run, nanoseconds kept waiting, slices


def _seconds_without_processor() -> float:
    """How long this thread has been ready to run while other programs had the processors; 0 where no one counts it."""
    if not SCHEDULER_STATISTICS.is_file():
        return 0.0
    return int(SCHEDULER_STATISTICS.read_text(encoding="ascii").split()[1]) / 1e9


class PauseMeter:
    """Measures how long Qt's event loop was kept from running: `longest` is the longest pause in seconds.

    What other programs on a busy machine took of it is left out. Used as a context manager around what must not block
    the window.
    """

    def __init__(self) -> None:
        self.longest = 0.0
        self._last = 0.0
        self._timer = QTimer()
        self._timer.setInterval(POLL_MILLISECONDS)
        self._timer.timeout.connect(self._tick)

    def _tick(self) -> None:
        now = time.perf_counter() - _seconds_without_processor()
        self.longest = max(self.longest, now - self._last - POLL_MILLISECONDS / 1000)
        self._last = now

    def __enter__(self) -> PauseMeter:
        self._last = time.perf_counter() - _seconds_without_processor()
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._tick()
        self._timer.stop()


@contextmanager
def answering(answer: str | Callable[[Any], None]) -> Iterator[list[str]]:
    """Answer the modal dialog that the code in the block opens.

    answer: text of the button to click, or a function that gets the dialog. Yields the list of the titles of the
    dialogs answered. HostError where none opened or where the dialog has no such button.
    """
    titles: list[str] = []
    timer = QTimer()
    timer.setInterval(POLL_MILLISECONDS)

    def look() -> None:
        dialog = QApplication.activeModalWidget()
        if dialog is None or titles:
            return
        titles.append(dialog.windowTitle())
        try:
            answer(wrap(dialog)) if callable(answer) else _press(dialog, answer)
        except Exception as error:
            report(error)
            dialog.close()

    timer.timeout.connect(look)
    timer.start()
    try:
        yield titles
    finally:
        timer.stop()
    if not titles:
        raise HostError("no dialog was opened")


def _press(dialog: QWidget, text: str) -> None:
    buttons = {b.text().replace("&", ""): b for b in dialog.findChildren(QAbstractButton) if b.isVisible()}
    if text not in buttons:
        raise HostError(f"'{dialog.windowTitle()}' has no button '{text}', only {', '.join(buttons)}")
    QTest.mouseClick(buttons[text], Qt.MouseButton.LeftButton)
