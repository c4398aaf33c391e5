"""Where Python's garbage is collected while threads are at work."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
from typing import Any

WIDGETS_IN_GARBAGE = """
import gc, threading
import Testing.host as host
host.start()
import slicer

class Panel:
    def __init__(self):
        self.itself, self.selector = self, slicer.qMRMLNodeComboBox()
        self.selector.setMRMLScene(slicer.mrmlScene)

def make_objects(collecting):
    if collecting:
        gc.enable()
    kept = [[] for _ in range(100_000)]

collecting = gc.isenabled()
gc.disable()  # until the thread is there
for _ in range(50):
    Panel()
thread = threading.Thread(target=make_objects, args=[collecting])
thread.start()
thread.join()
host.process_events()
"""


def test_a_thread_does_not_destroy_widgets(running_host: Any) -> None:
    """Qt would crash when it next handles events."""
    subprocess.run([sys.executable, "-c", WIDGETS_IN_GARBAGE], check=True, cwd=running_host.session.REPOSITORY)


def test_garbage_is_collected_in_the_main_thread(host: Any) -> None:
    threads: list[int] = []

    def remember(phase: str, information: dict[str, int]) -> None:
        threads.append(threading.get_ident())

    gc.callbacks.append(remember)
    try:
        kept = [[] for _ in range(100_000)]
        host.wait_until(lambda: threads)
    finally:
        gc.callbacks.remove(remember)
    assert set(threads) == {threading.main_thread().ident}
    assert len(kept) == 100_000
