"""Watching the event loop, and answering dialogs while it is inside one."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QWidget

from .convert import wrap
from .errors import HostError, report
from .garbage import GarbageCollector

POLL_MILLISECONDS = 10
THREADS = Path("/proc/self/task")  # of Linux: a folder each, with a file `schedstat`: nanoseconds at work, kept waiting
NANOSECONDS = 1e9  # in a second


@dataclass(frozen=True)
class _Clocks:
    """Times so far, in seconds. Those of the scheduler are 0 where no one counts them."""

    wall: float
    work: float  # of this thread, on a processor
    kept: float  # this thread was ready to work, and other programs had the processors
    others_work: float  # of the other threads of this process
    others_kept: float

    @classmethod
    def read(cls) -> _Clocks:
        own, total, me = (0.0, 0.0), (0.0, 0.0), str(threading.get_native_id())
        for folder in THREADS.iterdir() if THREADS.is_dir() else ():
            try:
                text = (folder / "schedstat").read_text(encoding="ascii")
            except (FileNotFoundError, ProcessLookupError):  # it ended just now
                continue
            work, kept = (int(part) / NANOSECONDS for part in text.split()[:2])
            total = total[0] + work, total[1] + kept
            own = (work, kept) if folder.name == me else own
        return cls(time.perf_counter(), time.thread_time(), own[1], total[0] - own[0], total[1] - own[1])

    def since(self, before: _Clocks) -> _Clocks:
        """Of threads that ended meanwhile nothing is known any more."""
        return _Clocks(*(max(0.0, getattr(self, name) - getattr(before, name)) for name in vars(self)))


class PauseMeter:
    """Measures how long Qt's event loop was kept from running. Used as a context manager around what must not block it.

    Where the lines that tests reach are counted, they are not meanwhile: counting takes a third of the time. Objects
    that there were before are not looked at for garbage: those of all tests before take as long as a pause may.

    Attributes:
        longest: the longest pause in seconds, without the time for which other programs kept this thread, or those
            that it may have waited for, from the processors. On a busy machine it may still hold what this thread
            waited for the disk or for a new process, because other programs used them.
        longest_at_work: the same of what was certainly done here: work of this thread, and work of the process's other
            threads while this one waited, for example for the interpreter's lock.
    """

    def __init__(self) -> None:
        self.longest = self.longest_at_work = 0.0
        self._last = _Clocks.read()
        self._coverage = sys.modules["coverage"].Coverage.current() if "coverage" in sys.modules else None
        self._timer = QTimer()
        self._timer.setInterval(POLL_MILLISECONDS)
        self._timer.timeout.connect(self._tick)

    def _tick(self) -> None:
        clocks = _Clocks.read()
        past, self._last = clocks.since(self._last), clocks
        waited = max(0.0, past.wall - past.work - past.kept - POLL_MILLISECONDS / 1000)
        at_work = past.work + min(waited, past.others_work)
        self.longest_at_work = max(self.longest_at_work, at_work)
        self.longest = max(self.longest, at_work, past.work + waited - past.others_kept)

    def __enter__(self) -> PauseMeter:
        GarbageCollector.keep()
        if self._coverage is not None:
            self._coverage.stop()
        self._last = _Clocks.read()
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._tick()
        self._timer.stop()
        if self._coverage is not None:
            # It would look for what was imported before, and stumble over modules that PyTorch makes up.
            self._coverage._warn_preimported_source = False
            self._coverage.start()


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
