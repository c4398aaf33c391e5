"""The program that started the engine is gone: the engine ends with all that it started."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

SECONDS_TO_END = 5.0
CHILD = """
import subprocess
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, file=sys.stderr, flush=True)
"""
SLEEPING_COMMAND = """
import dints.commands.doctor_command as command
command.run = lambda arguments, reporter: (reporter.message("at work"), time.sleep(600))
"""


def is_running(pid: int) -> bool:
    """A zombie that nobody waits for has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def ends(*pids: int) -> bool:
    """Whether all of them are gone soon."""
    limit = time.monotonic() + SECONDS_TO_END
    while any(map(is_running, pids)) and time.monotonic() < limit:
        time.sleep(0.05)
    return not any(map(is_running, pids))


def test_a_worker_at_work_ends_with_its_children(launch: Any, segment: dict[str, Any]) -> None:
    worker = launch(["worker"], CHILD)
    worker.send(segment | {"options": {"overlap": 0.9, "mirror": True}})
    worker.events_until("progress")
    child = int(worker.log.split()[0])
    assert is_running(child)
    worker.process.stdin.close()
    assert ends(worker.process.pid, child)


def test_any_command_at_work_ends_with_its_children(launch: Any) -> None:
    process = launch(["doctor", "--events"], CHILD + SLEEPING_COMMAND)
    process.events_until("message")
    child = int(process.log.split()[0])
    assert is_running(child)
    process.process.stdin.close()
    assert ends(process.process.pid, child)


def test_a_command_that_nobody_watches_over_goes_on_without_input(launch: Any, monkeypatch: Any) -> None:
    """As under nohup: only who starts the engine in a group of its own ends it by closing the input."""
    process = launch(["doctor", "--events"], "del os.environ['DINTS_OWN_GROUP']\n" + SLEEPING_COMMAND)
    process.process.stdin.close()
    process.events_until("message")
    time.sleep(0.5)
    assert is_running(process.process.pid)
    os.kill(process.process.pid, 9)
