"""What a program that started the engine can tell it: to stop, and by its own end, to end."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator

import pytest

from dints.service.parent import OWN_GROUP_VARIABLE, STOP

SECONDS = 60.0  # that a process may take on a busy machine
BEGIN = """
    import time
    from dints.service.parent import end_with_parent
    from dints.training.stopping import stoppable
    end_with_parent()
"""


@pytest.fixture
def start() -> Iterator[Callable[[str], subprocess.Popen]]:
    """Function that starts a program, as the panels start the engine, and waits until it writes "ready"."""
    started: list[subprocess.Popen] = []

    def start(body: str) -> subprocess.Popen:
        process = subprocess.Popen(
            [sys.executable, "-u", "-c", textwrap.dedent(BEGIN) + textwrap.dedent(body)],
            env={**os.environ, OWN_GROUP_VARIABLE: "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        assert answer(process) == "ready\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            assert stream is not None
            stream.close()


def tell(process: subprocess.Popen, lines: str) -> None:
    assert process.stdin is not None
    process.stdin.write(lines)
    process.stdin.flush()


def answer(process: subprocess.Popen) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def test_a_request_to_stop_lets_the_step_be_saved(start: Callable[[str], subprocess.Popen]) -> None:
    process = start(
        """
        with stoppable() as stop:
            print("ready")
            while True:
                time.sleep(0.01)
                stop.heed(lambda: print("saved"))
        """
    )
    tell(process, f"{STOP}\n")
    assert answer(process) == "saved\n"
    assert process.wait(SECONDS) != 0


def test_a_request_to_stop_ends_what_has_nothing_to_save(start: Callable[[str], subprocess.Popen]) -> None:
    process = start(
        """
        try:
            print("ready")
            while True:
                time.sleep(0.01)
        except KeyboardInterrupt:
            print("ended")
        """
    )
    tell(process, f"{STOP}\n")
    assert answer(process) == "ended\n"


def test_other_lines_are_no_request(start: Callable[[str], subprocess.Popen]) -> None:
    process = start(
        """
        with stoppable() as stop:
            print("ready")
            time.sleep(0.5)
            print(stop.requested)
        """
    )
    tell(process, "unstoppable\nstopped\n")
    assert answer(process) == "False\n"


def test_the_end_of_the_program_ends_it(start: Callable[[str], subprocess.Popen]) -> None:
    process = start('print("ready")\ntime.sleep(600)')
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(SECONDS) is not None
