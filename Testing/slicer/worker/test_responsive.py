"""The window while processes work: it must never stand still for long."""

from __future__ import annotations

import sys
from typing import Any

START_SECONDS = 120.0  # of a worker on a busy machine: it imports PyTorch
PAUSE_SECONDS = 0.1


def test_the_window_stays_responsive_while_a_job_runs(
    host: Any, worker: Any, record: Any, segment: dict[str, Any]
) -> None:
    recorder = record()
    with host.PauseMeter() as meter:
        worker.submit(segment, *recorder.callbacks())
        host.wait_until(lambda: recorder.endings, START_SECONDS)
    assert recorder.endings == [(0, "")]
    assert meter.longest < PAUSE_SECONDS


def test_an_event_storm_does_not_block_the_window(host: Any, record: Any) -> None:
    from DiNTSLib.processes import EngineProcess

    event = "{'event': 'progress', 'stage': 'storm', 'step': i, 'total': 20000}"
    program = f"import json\nfor i in range(20000): print(json.dumps({event}))"

    recorder = record()
    process = EngineProcess([], *recorder.callbacks(), command=[sys.executable, "-c", program])
    with host.PauseMeter() as meter:
        process.start()
        host.wait_until(lambda: recorder.endings, START_SECONDS)
    assert [event["step"] for event in recorder.events] == list(range(20000))
    assert meter.longest < PAUSE_SECONDS
