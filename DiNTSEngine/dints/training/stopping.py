"""Stopping without a loss: an interruption is heard at the end of the step under way, which is saved first.

An interruption is Ctrl-C, or what the program that started this one wrote (`dints.service.parent`).
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from dints.process_group import world_size

ECHO_SECONDS = 1.0  # within which a second interruption is the same one: launchers hand on what a whole group gets


class StopRequest:
    """Whether an interruption has come."""

    def __init__(self) -> None:
        self._since: float | None = None

    @property
    def requested(self) -> bool:
        return self._since is not None

    def heed(self, save: Callable[[], None] | None = None) -> None:
        """KeyboardInterrupt if one has come, after `save` was called; else nothing is done."""
        if not self.requested:
            return
        if save is not None:
            save()
        raise KeyboardInterrupt

    def _take(self, _number: int, _frame: Any) -> None:
        now = time.monotonic()
        if self._since is not None and now - self._since > ECHO_SECONDS:
            raise KeyboardInterrupt
        self._since = self._since if self._since is not None else now


@contextmanager
def stoppable() -> Iterator[StopRequest]:
    """Within the block the first interruption is noted only; another one, a second later, is raised at once.

    Where interruptions are ignored or come to another thread, and where several processes train together, which would
    hear of them at different steps, they are left as they are.
    """
    request = StopRequest()
    is_ours = signal.getsignal(signal.SIGINT) is not signal.SIG_IGN and world_size() == 1
    if not is_ours or threading.current_thread() is not threading.main_thread():
        yield request
        return
    before = signal.signal(signal.SIGINT, request._take)
    try:
        yield request
    finally:
        signal.signal(signal.SIGINT, before)
