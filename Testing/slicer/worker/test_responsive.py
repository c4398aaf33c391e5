"""The window while processes work: it must never stand still for long."""

from __future__ import annotations

import sys
from typing import Any

START_SECONDS = 120.0  # of a worker on a busy machine: it imports PyTorch


def test_the_window_stays_responsive_while_a_job_runs(
    host: Any, worker: Any, record: Any, segment: dict[str, Any], stays_responsive: Any
) -> None:
    def work() -> None:
        worker.shutdown()  # so that the start of one is measured, too
        recorder = record()
        worker.submit(segment, *recorder.callbacks())
        host.wait_until(lambda: recorder.endings, START_SECONDS)
        assert recorder.endings == [(0, "")]

    stays_responsive(work)


def test_an_event_storm_does_not_block_the_window(host: Any, record: Any, stays_responsive: Any) -> None:
    from DiNTSLib.processes import EngineProcess

    event = "{'event': 'progress', 'stage': 'storm', 'step': i, 'total': 20000}"
    program = f"import json\nfor i in range(20000): print(json.dumps({event}))"

    def work() -> None:
        recorder = record()
        process = EngineProcess([], *recorder.callbacks(), command=[sys.executable, "-c", program])
        process.start()
        host.wait_until(lambda: recorder.endings, START_SECONDS)
        assert [event["step"] for event in recorder.events] == list(range(20000))

    stays_responsive(work)
