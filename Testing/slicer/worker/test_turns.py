"""Jobs that are asked in their turn what they want, and whose results are read before they are finished."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

ECHO = """if True:
    import json, sys
    for line in sys.stdin:
        print(json.dumps({"event": "finished", "job": json.loads(line)["job"]}), flush=True)
"""  # a worker to which every job is easy
SECONDS = 30.0


@pytest.fixture
def echo(host: Any) -> Iterator[Any]:
    from DiNTSLib.worker import EngineWorker

    worker = EngineWorker([sys.executable, "-c", ECHO])
    yield worker
    worker.shutdown()


def test_a_job_is_asked_after_those_before_it_are_finished(echo: Any, record: Any) -> None:
    told, first, second = [], record(), record()

    def ask(name: str) -> dict[str, Any]:
        told.append((name, list(first.endings)))
        return {"command": "segment"}

    echo.submit(lambda: ask("first"), *first.callbacks())
    number = echo.submit(lambda: ask("second"), *second.callbacks())
    assert told == [("first", [])]
    assert echo.waitForFinished(number, SECONDS)
    assert told == [("first", []), ("second", [(0, "")])]
    assert second.endings == [(0, "")]


def test_a_job_with_nothing_to_do_is_done_and_one_that_cannot_be_prepared_says_why(echo: Any, record: Any) -> None:
    idle, failing = record(), record()

    def fail() -> None:
        raise LookupError("the scan is gone")

    echo.submit(lambda: None, *idle.callbacks())
    echo.submit(fail, *failing.callbacks())
    assert idle.endings == [(0, "")]
    assert failing.endings == [(1, "the scan is gone")]
    assert not echo.isRunning


@pytest.mark.parametrize("message", [None, {"command": "segment"}])
def test_a_job_may_be_cancelled_while_it_is_asked(echo: Any, record: Any, message: Any) -> None:
    first, recorder, other = record(), record(), record()

    def ask() -> Any:
        echo.cancel(numbers[1])
        return message

    numbers = [echo.submit({"command": "segment"}, *first.callbacks())]
    numbers.append(echo.submit(ask, *recorder.callbacks()))
    numbers.append(echo.submit({"command": "segment"}, *other.callbacks()))
    assert echo.waitForFinished(numbers[2], SECONDS)
    assert recorder.endings == [(130, "Cancelled.")]
    assert first.endings == other.endings == [(0, "")]


def test_an_error_without_words_is_named(echo: Any, record: Any) -> None:
    recorder = record()

    def load() -> None:
        raise MemoryError

    assert echo.waitForFinished(echo.submit({"command": "segment"}, *recorder.callbacks(), load), SECONDS)
    assert recorder.endings == [(1, "MemoryError")]


def test_a_result_is_read_in_a_thread_before_the_job_is_finished(host: Any, echo: Any, record: Any) -> None:
    gate, threads, recorder = threading.Event(), [], record()

    def load() -> None:
        threads.append(threading.current_thread())
        gate.wait(SECONDS)

    number = echo.submit({"command": "segment"}, *recorder.callbacks(), load)
    host.wait_until(lambda: threads, SECONDS)
    assert threads[0] is not threading.main_thread()
    assert recorder.endings == []
    gate.set()
    assert echo.waitForFinished(number, SECONDS)
    assert recorder.endings == [(0, "")]


def test_a_result_that_cannot_be_read_is_said_and_the_next_job_runs(echo: Any, record: Any) -> None:
    failing, other = record(), record()

    def load() -> None:
        raise ValueError("labels.nrrd cannot be read")

    echo.submit({"command": "segment"}, *failing.callbacks(), load)
    number = echo.submit({"command": "segment"}, *other.callbacks())
    assert echo.waitForFinished(number, SECONDS)
    assert failing.endings == [(1, "labels.nrrd cannot be read")]
    assert other.endings == [(0, "")]


def test_a_process_that_ends_while_a_result_is_read_does_not_lose_it(host: Any, echo: Any, record: Any) -> None:
    gate, recorder, other = threading.Event(), record(), record()
    number = echo.submit({"command": "segment"}, *recorder.callbacks(), lambda: gate.wait(SECONDS))
    host.wait_until(lambda: echo._current.loading is not None, SECONDS)
    echo._child.kill()
    host.wait_until(lambda: not echo.isRunning, SECONDS)
    gate.set()
    assert echo.waitForFinished(number, SECONDS)
    assert recorder.endings == [(0, "")]
    assert echo.waitForFinished(echo.submit({"command": "segment"}, *other.callbacks()), SECONDS)
    assert other.endings == [(0, "")]


def test_ten_thousand_jobs_with_nothing_to_do_or_cancelled_are_no_matter(echo: Any, record: Any) -> None:
    recorder = record()
    numbers = [echo.submit({"command": "segment"}, *recorder.callbacks())]
    numbers += [echo.submit(lambda: None, *recorder.callbacks()) for _number in range(10_000)]
    assert echo.waitForFinished(numbers[-1], SECONDS)
    assert recorder.endings == [(0, "")] * 10_001
    numbers = [echo.submit({"command": "segment"}, *recorder.callbacks()) for _number in range(10_000)]
    for number in reversed(numbers[1:]):
        echo.cancel(number)
    assert echo.waitForFinished(numbers[0], SECONDS)
    assert recorder.endings[10_001:] == [(130, "Cancelled.")] * 9_999 + [(0, "")]
