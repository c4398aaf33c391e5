"""Workers that are cancelled, killed, stopped or never start: what is said, and that nothing stays behind."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

START_SECONDS = 120.0  # of a worker on a busy machine: it imports PyTorch
SECONDS_TO_SAY_SO = 5.0
CANCEL_SECONDS = 1.0
SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)"]


def test_cancelling_ends_the_whole_tree_within_a_second_and_what_waits_runs(
    host: Any, worker: Any, start: Any, record: Any, tree: Any, long_segment: dict[str, Any], segment: dict[str, Any]
) -> None:
    number, recorder = start(worker, long_segment)
    assert len(tree.remember()) >= 2  # PythonSlicer and the engine's Python
    waiting = record()
    second = worker.submit(segment, *waiting.callbacks())
    started = time.monotonic()
    worker.cancel(number)
    host.wait_until(lambda: recorder.endings, SECONDS_TO_SAY_SO)
    assert time.monotonic() - started < CANCEL_SECONDS
    assert recorder.endings == [(130, "Cancelled.")]
    assert not tree.survivors()
    assert worker.waitForFinished(second, START_SECONDS)
    assert waiting.endings == [(0, "")]


def test_what_a_cancelled_job_left_half_written_is_removed(host: Any, record: Any, tmp_path: Path) -> None:
    """A worker that is ended in the middle of writing; the name is that of `dints.files.storage.temporary_path`."""
    from DiNTSLib.worker import EngineWorker

    program = f"""if True:
        import os, pathlib, signal, time
        from dints.files.storage import temporary_path
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        temporary_path(pathlib.Path({str(tmp_path)!r}) / "scan.nii.gz").write_bytes(b"half")
        time.sleep(60)
    """
    worker, recorder = EngineWorker([sys.executable, "-c", program]), record()
    number = worker.submit({"command": "segment", "output": str(tmp_path / "scan.nii.gz")}, *recorder.callbacks())
    host.wait_until(lambda: list(tmp_path.iterdir()), START_SECONDS)
    worker.cancel(number)
    host.wait_until(lambda: recorder.endings, SECONDS_TO_SAY_SO)
    host.wait_until(lambda: not list(tmp_path.iterdir()), SECONDS_TO_SAY_SO)


def test_a_killed_worker_is_told_and_a_new_one_starts(
    host: Any, worker: Any, start: Any, run: Any, tree: Any, long_segment: dict[str, Any], segment: dict[str, Any]
) -> None:
    _number, recorder = start(worker, long_segment)
    os.kill(max(tree.pids()), signal.SIGKILL)
    host.wait_until(lambda: recorder.endings, SECONDS_TO_SAY_SO)
    ((code, sentence),) = recorder.endings
    assert code != 0
    assert "ended by the system" in sentence
    assert "try again" in sentence
    assert run(worker, segment).endings == [(0, "")]


def test_a_worker_whose_launcher_is_killed_ends_too(
    host: Any, worker: Any, start: Any, tree: Any, long_segment: dict[str, Any]
) -> None:
    _number, recorder = start(worker, long_segment)
    os.kill(min(tree.remember()), signal.SIGKILL)
    host.wait_until(lambda: recorder.endings, SECONDS_TO_SAY_SO)
    host.wait_until(lambda: not tree.survivors(), SECONDS_TO_SAY_SO)


def test_a_worker_that_crashes_is_quoted(host: Any, run: Any) -> None:
    from DiNTSLib.worker import EngineWorker

    program = "import os; os.write(2, b'\\xff\\xfe torch\\x00: no such kernel \\x1b\\n\\xff\\n'); os.abort()"
    ((code, sentence),) = run(EngineWorker([sys.executable, "-c", program]), {"command": "segment"}).endings
    assert code == -signal.SIGABRT
    assert sentence == "The engine ended unexpectedly (code -6): torch: no such kernel; try again."


def test_silence_is_told_and_then_its_end(
    host: Any, worker: Any, start: Any, tree: Any, long_segment: dict[str, Any], monkeypatch: Any
) -> None:
    import DiNTSLib.worker as module

    assert module.QUIET_SECONDS < SECONDS_TO_SAY_SO
    monkeypatch.setattr(module, "QUIET_SECONDS", 1.5)
    _number, recorder = start(worker, long_segment)
    engine = max(tree.pids())
    os.kill(engine, signal.SIGSTOP)
    host.wait_until(lambda: recorder.named("silence"), START_SECONDS)
    assert recorder.named("silence")[0]["seconds"] > 0
    assert not recorder.endings
    os.kill(engine, signal.SIGCONT)
    host.wait_until(lambda: len(recorder.named("silence")) > 1, START_SECONDS)
    assert recorder.named("silence")[1]["seconds"] == 0


def test_a_worker_that_gives_no_sign_of_life_is_ended(host: Any, run: Any, monkeypatch: Any) -> None:
    import DiNTSLib.worker as module

    monkeypatch.setattr(module, "SILENCE_SECONDS", 0.3)
    ((code, sentence),) = run(module.EngineWorker(SLEEPER), {"command": "segment"}).endings
    assert code == 1
    assert "did not answer" in sentence
    assert "try again" in sentence


def test_garbage_is_no_sign_of_life(host: Any, run: Any, monkeypatch: Any) -> None:
    import DiNTSLib.worker as module

    monkeypatch.setattr(module, "SILENCE_SECONDS", 0.3)
    program = "while True: print('tick')"
    ((_code, sentence),) = run(module.EngineWorker([sys.executable, "-c", program]), {"command": "segment"}).endings
    assert "did not answer" in sentence


def test_a_worker_that_cannot_start_says_so(host: Any, run: Any) -> None:
    from DiNTSLib.worker import EngineWorker

    recorder = run(EngineWorker(["/nowhere/PythonSlicer"]), {"command": "segment"})
    assert recorder.endings == [(1, "The worker cannot be started: No such file or directory")]
