"""What comes from a worker beside whole events of the job at work, in any encoding and of any length."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

PROGRESS = {"event": "progress", "job": 1, "stage": "segment", "step": 1, "total": 2}
PREAMBLE = """if True:
    import json, os, sys
    def tell(event, stream=1, end=b"\\n"):
        os.write(stream, (event if isinstance(event, bytes) else json.dumps(event).encode()) + end)
    sys.stdin.readline()
"""
GARBAGE = {
    "bytes of no encoding": "tell(bytes(range(256)) * 40)",
    "another encoding": "tell('Ä event'.encode('utf-16'))",
    "no line end": "tell(b'{' * 5000, end=b'\\r')",
    "a line of three million characters": "[tell(b'x' * 65536, end=b'') for _ in range(48)]; tell(b'')",
    "nested without end": "tell(b'[' * 60000)",
    "half an event": 'tell(b\'{"event": "progress", "job": 1\')',
    "an event without its fields": "tell({'event': 'progress', 'job': 1, 'step': '1'})",
    "an event of wrong types": "tell({'event': 'result', 'job': 1, 'name': 'segmentation', 'values': [1]})",
    "an error without a code": "tell({'event': 'error', 'job': 1, 'text': 'no code', 'code': 'one'})",
    "no event": "tell({'event': ['progress'], 'job': 1})",
    "an event of another job": "tell({'event': 'finished', 'job': 2})",
    "an event of no job": "tell({'event': 'error', 'job': None, 'text': 'old', 'code': 1})",
    "garbage on standard error": "tell(bytes(range(256)) * 40, stream=2)",
    "a carriage return": "tell(b'\\r 50 %\\r 100 %')",
}


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE.keys())
def test_garbage_is_passed_over(host: Any, run: Any, garbage: str) -> None:
    from DiNTSLib.worker import EngineWorker

    body = f"""
    {garbage}
    tell({PROGRESS!r})
    {garbage}
    tell({{"event": "finished", "job": 1}})
    sys.stdin.read()
    """
    worker = EngineWorker([sys.executable, "-c", PREAMBLE + body])
    recorder = run(worker, {"command": "segment"})
    assert recorder.endings == [(0, "")]
    assert recorder.events == [PROGRESS]
    worker.shutdown()


def test_a_log_without_end_stays_small(host: Any, run: Any) -> None:
    from DiNTSLib.child import LOG_LINES, LONGEST_LOG_LINE
    from DiNTSLib.worker import EngineWorker

    body = """
    for _ in range(100):
        tell(b'x' * 65536, stream=2, end=b'')
    tell({"event": "finished", "job": 1})
    sys.stdin.read()
    """
    worker = EngineWorker([sys.executable, "-c", PREAMBLE + body])
    assert run(worker, {"command": "segment"}).endings == [(0, "")]
    assert sum(map(len, worker.log)) <= LOG_LINES * LONGEST_LOG_LINE
    worker.shutdown()


def test_events_of_two_jobs_are_kept_apart(host: Any, record: Any) -> None:
    """Both jobs' events come mixed; only those of the job at work are handed on, each to its own."""
    from DiNTSLib.worker import EngineWorker

    body = """
    for own, other in ((1, 2), (2, 1)):
        if own == 2:
            sys.stdin.readline()
        for job in (own, other):
            tell({"event": "message", "job": job, "text": f"of {job} while {own} is at work"})
        tell({"event": "finished", "job": other if own == 2 else own})
    tell({"event": "finished", "job": 2})
    sys.stdin.read()
    """
    worker = EngineWorker([sys.executable, "-c", PREAMBLE + body])
    recorders = [record(), record()]
    numbers = [worker.submit({"command": "segment"}, *recorder.callbacks()) for recorder in recorders]
    assert worker.waitForFinished(numbers[1], 60)
    assert [recorder.endings for recorder in recorders] == [[(0, "")], [(0, "")]]
    texts = [json.dumps(recorder.events) for recorder in recorders]
    assert "of 1 while 1" in texts[0]
    assert "of 2" not in texts[0]
    assert "of 2 while 2" in texts[1]
    assert "of 1" not in texts[1]
    worker.shutdown()
