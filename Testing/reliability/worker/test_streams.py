"""What comes between the messages: output of libraries, broken encodings, lines without end, many lines at once."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

SECONDS = 0.02  # between two pieces of a message
# A native library that writes to both streams, from a thread, in no encoding, as soon as events are told.
NOISE = """
import dints.service.parent
separated = dints.service.parent._separated_output
def noisy():
    stream = separated()
    def write():
        while True:
            os.write(1, b'\\xff\\xfe{"event": "finished", "job": 1}\\n{\\x00')
            os.write(2, bytes(range(256)))
            time.sleep(0.001)
    threading.Thread(target=write, daemon=True).start()
    return stream
dints.service.parent._separated_output = noisy
"""


def test_output_of_libraries_does_not_get_between_the_events(launch: Any, segment: dict[str, Any]) -> None:
    worker = launch(["worker"], NOISE)
    worker.send(segment)
    events = worker.events_until("finished")
    assert events[0]["event"] == "ready"
    assert Path(segment["output"]).is_file()


def test_nor_between_those_of_any_other_command(launch: Any) -> None:
    process = launch(["doctor", "--events"], NOISE)
    events = [json.loads(line) for line in process.lines()]
    assert events[0]["event"] == "result"
    assert process.process.wait() == 0


@pytest.mark.parametrize(
    "garbage",
    [b"\xff\xfe\x00\n", "Ä".encode("utf-16") + b"\n", b"x" * 5_000_000 + b"\n", b"[" * 200_000 + b"\n", b"\r\0\n"],
    ids=["no encoding", "another encoding", "five million characters", "nested", "controls"],
)
def test_garbage_is_answered_once_and_the_next_job_runs(
    warm_worker: Any, segment: dict[str, Any], garbage: bytes
) -> None:
    warm_worker.send(garbage, segment)
    events = [event for event in warm_worker.events_until("finished") if event["event"] != "heartbeat"]
    errors = [event for event in events if event["event"] == "error"]
    assert [(event["job"], event["code"]) for event in errors] == [(None, 2)]


def test_jobs_in_pieces_and_jobs_at_once_are_each_answered_once(warm_worker: Any, segment: dict[str, Any]) -> None:
    """Seven jobs with garbage between them, cut anywhere."""
    stream = b"".join(json.dumps(segment | {"job": job}).encode() + b"\nnonsense\n" for job in range(7))
    cuts = sorted(random.Random(0).sample(range(len(stream)), 40))
    for first, stop in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        warm_worker.send(stream[first:stop])
    events = [event for _ in range(7) for event in warm_worker.events_until("finished")]
    assert [event["job"] for event in events if event["event"] == "finished"] == list(range(7))
    assert sum(event["event"] == "error" for event in events) == 6
