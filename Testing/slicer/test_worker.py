"""The warm worker and the engine's commands, as real processes driven from the host's event loop."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ENGINE = Path(__file__).resolve().parents[2] / "DiNTSEngine"
START_SECONDS = 60.0  # of a worker on a busy machine: it imports PyTorch
CANCEL_SECONDS = 1.0
PAUSE_SECONDS = 0.1
ATTEMPTS = 4
PROC = Path("/proc")


class Recorder:
    """Takes what a job or process tells."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.endings: list[tuple[int, str]] = []

    def onFinished(self, exitCode: int, sentence: str) -> None:
        self.endings.append((exitCode, sentence))

    def named(self, name: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["event"] == name]

    def callbacks(self) -> tuple:
        return self.events.append, self.onFinished


def descendants(pid: int) -> list[int]:
    """Processes whose ancestor is `pid`, without those that ended and wait to be noticed."""
    parents = {}
    for folder in PROC.iterdir():
        if folder.name.isdecimal():
            try:
                state, parent = (folder / "stat").read_text().rsplit(")", 1)[1].split()[:2]
            except (FileNotFoundError, ProcessLookupError):
                continue
            if state != "Z":
                parents[int(folder.name)] = int(parent)
    found = [pid]
    for ancestor in found:
        found += [child for child, parent in parents.items() if parent == ancestor]
    return found[1:]


def isRunning(pid: int) -> bool:
    try:
        return (PROC / str(pid) / "stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.fixture
def volume(host: Any) -> Any:
    import slicer

    voxels = np.random.default_rng(0).normal(50, 20, (18, 20, 22)).astype(np.float32)
    return slicer.util.addVolumeFromArray(voxels, name="Scan")


def make_worker() -> Iterator[Any]:
    from DiNTSLib.worker import Worker

    worker = Worker()
    yield worker
    worker.shutdown()


@pytest.fixture(scope="module")
def warm_worker(running_host: Any) -> Iterator[Any]:
    """For tests that leave it alive."""
    yield from make_worker()


@pytest.fixture
def worker(host: Any) -> Iterator[Any]:
    """For tests that end it."""
    yield from make_worker()


@pytest.fixture
def segment(volume: Any, tiny_model: Path, tmp_path: Path) -> dict[str, Any]:
    from DiNTSLib.scene import exportVolume

    exportVolume(volume, tmp_path / "scan.nrrd")
    return {
        "command": "segment",
        "model": str(tiny_model),
        "inputs": [str(tmp_path / "scan.nrrd")],
        "output": str(tmp_path / "labels.nrrd"),
        "disagreement": str(tmp_path / "doubt.nrrd"),
        "device": "cpu",
        "options": {},
    }


@pytest.fixture
def long_segment(segment: dict[str, Any]) -> dict[str, Any]:
    """A job that takes a minute: windows that overlap almost wholly, mirrored."""
    return segment | {"options": {"overlap": 0.9, "mirror": True}}


def run(worker: Any, job: dict[str, Any]) -> Recorder:
    recorder = Recorder()
    assert worker.waitForFinished(worker.submit(job, *recorder.callbacks()), START_SECONDS)
    return recorder


def start(host: Any, worker: Any, job: dict[str, Any]) -> tuple[int, Recorder]:
    """Submits a job and waits until it computes."""
    recorder = Recorder()
    number = worker.submit(job, *recorder.callbacks())
    host.wait_until(lambda: recorder.named("progress") or recorder.endings, START_SECONDS)
    assert not recorder.endings
    return number, recorder


def test_a_job_reports_progress_and_its_result_becomes_segments(
    warm_worker: Any, segment: dict[str, Any], volume: Any
) -> None:
    import slicer

    from DiNTSLib.scene import importSegmentation, importVolume
    from DiNTSLib.terminology import segmentStyles

    recorder = run(warm_worker, segment)
    assert recorder.endings == [(0, "")]
    (result,) = recorder.named("result")
    assert result["name"] == "segmentation"
    last = recorder.named("progress")[-1]
    assert last["step"] == last["total"] == 8
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Result")
    styles = segmentStyles({1: "liver", 2: "left kidney", 3: "tumour"})
    importSegmentation(result["values"]["path"], node, styles, volume)
    assert node.GetSegmentation().GetNumberOfSegments() == 3
    doubt = importVolume(result["values"]["disagreement"], "Doubt")
    assert slicer.util.arrayFromVolume(doubt).shape == slicer.util.arrayFromVolume(volume).shape


def test_a_second_job_with_the_model_does_not_load_it_again(warm_worker: Any, segment: dict[str, Any]) -> None:
    os.utime(segment["model"])
    first, second = run(warm_worker, segment), run(warm_worker, segment)
    assert first.named("model")[0]["reused"] is False
    assert second.named("model")[0]["reused"] is True


def test_jobs_wait_for_one_another(warm_worker: Any, segment: dict[str, Any]) -> None:
    recorders = [Recorder() for _ in range(3)]
    numbers = [warm_worker.submit(segment, *recorder.callbacks()) for recorder in recorders]
    assert warm_worker.queueLength == 3
    warm_worker.cancel(numbers[1])
    assert warm_worker.queueLength == 2
    assert recorders[1].endings == [(130, "Cancelled.")]
    assert warm_worker.waitForFinished(numbers[2], START_SECONDS)
    assert recorders[0].endings == recorders[2].endings == [(0, "")]
    assert recorders[1].events == []
    assert warm_worker.queueLength == 0


def test_an_estimate_tells_windows_and_memory(warm_worker: Any, segment: dict[str, Any]) -> None:
    job = {"command": "estimate", "model": segment["model"], "size": [22, 20, 18], "spacing": [1.0, 1.0, 1.0]}
    (result,) = run(warm_worker, job | {"device": "cpu", "options": {}}).named("result")
    assert result["values"]["windows"] == 8
    assert result["values"]["memory"] > 0


def test_cancelling_ends_the_whole_tree_within_a_second_and_what_waits_runs(
    host: Any, worker: Any, long_segment: dict[str, Any], segment: dict[str, Any]
) -> None:
    before = set(descendants(os.getpid()))
    number, recorder = start(host, worker, long_segment)
    tree = set(descendants(os.getpid())) - before
    assert len(tree) >= 2  # PythonSlicer and the engine's Python
    waiting = Recorder()
    second = worker.submit(segment, *waiting.callbacks())
    started = time.monotonic()
    worker.cancel(number)
    host.wait_until(lambda: recorder.endings, 5)
    assert time.monotonic() - started < CANCEL_SECONDS
    assert recorder.endings == [(130, "Cancelled.")]
    assert not [pid for pid in tree if isRunning(pid)]
    assert worker.waitForFinished(second, START_SECONDS)
    assert waiting.endings == [(0, "")]


def test_a_killed_worker_is_told_and_a_new_one_starts(
    host: Any, worker: Any, long_segment: dict[str, Any], segment: dict[str, Any]
) -> None:
    before = set(descendants(os.getpid()))
    _number, recorder = start(host, worker, long_segment)
    engine = max(set(descendants(os.getpid())) - before)
    os.kill(engine, signal.SIGKILL)
    host.wait_until(lambda: recorder.endings, 5)
    ((code, sentence),) = recorder.endings
    assert code != 0
    assert "ended unexpectedly" in sentence
    assert run(worker, segment).endings == [(0, "")]


def test_a_worker_whose_launcher_is_killed_ends_too(host: Any, worker: Any, long_segment: dict[str, Any]) -> None:
    before = set(descendants(os.getpid()))
    _number, recorder = start(host, worker, long_segment)
    tree = set(descendants(os.getpid())) - before
    os.kill(min(tree), signal.SIGKILL)
    host.wait_until(lambda: recorder.endings, 5)
    host.wait_until(lambda: not [pid for pid in tree if isRunning(pid)], 5)
    assert "ended unexpectedly" in recorder.endings[0][1]


def test_a_job_waits_for_its_inputs_to_be_written(
    warm_worker: Any, segment: dict[str, Any], volume: Any, tmp_path: Path
) -> None:
    import threading

    from DiNTSLib import background
    from DiNTSLib.scene import exportVolume

    gate = threading.Event()
    background._executor.submit(gate.wait)  # what is written before it
    exportVolume(volume, tmp_path / "late.nrrd", True)
    recorder, cancelled = Recorder(), Recorder()
    job = segment | {"inputs": [str(tmp_path / "late.nrrd")]}
    first = warm_worker.submit(job, *cancelled.callbacks())
    second = warm_worker.submit(job, *recorder.callbacks())
    warm_worker.cancel(first)
    assert cancelled.endings == [(130, "Cancelled.")]
    assert not warm_worker.waitForFinished(second, 0.2)
    assert recorder.events == []
    gate.set()
    assert warm_worker.waitForFinished(second, START_SECONDS)
    assert recorder.endings == [(0, "")]


def test_an_input_that_cannot_be_written_is_said(warm_worker: Any, segment: dict[str, Any], volume: Any) -> None:
    from DiNTSLib.scene import exportVolume

    exportVolume(volume, "/nowhere/scan.nrrd", True)
    ((code, sentence),) = run(warm_worker, segment | {"inputs": ["/nowhere/scan.nrrd"]}).endings
    assert code == 1
    assert "/nowhere/scan.nrrd cannot be written" in sentence


def test_what_is_wrong_is_said_and_the_worker_goes_on(warm_worker: Any, segment: dict[str, Any]) -> None:
    ((code, sentence),) = run(warm_worker, segment | {"inputs": ["/nowhere.nrrd"]}).endings
    assert code == 2
    assert "/nowhere.nrrd" in sentence
    assert run(warm_worker, segment).endings == [(0, "")]


def test_a_worker_ends_with_the_application(running_host: Any, segment: dict[str, Any], tmp_path: Path) -> None:
    """The application is killed: nothing of it can tidy up."""
    program = f"""
        import os, sys
        sys.path[:0] = {[str(ENGINE), str(ENGINE.parent)]!r}
        import Testing.host as host
        host.start()
        from DiNTSLib.worker import sharedWorker
        seen = []
        sharedWorker().submit({segment!r}, seen.append, lambda *end: None)
        host.wait_until(lambda: seen, {START_SECONDS})
        print("running", flush=True)
        host.wait_until(lambda: False, 60)
    """
    command = [sys.executable, "-c", textwrap.dedent(program)]
    application = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert application.stdout.readline() == "running\n"
    tree = descendants(application.pid)
    assert tree
    application.kill()
    application.wait()
    running_host.wait_until(lambda: not [pid for pid in tree if isRunning(pid)], 10)


def test_a_worker_that_gives_no_sign_of_life_is_ended(host: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import DiNTSLib.worker as module

    monkeypatch.setattr(module, "SILENCE_SECONDS", 0.3)
    recorder = Recorder()
    worker = module.Worker([sys.executable, "-c", "import time; time.sleep(60)"])
    assert worker.waitForFinished(worker.submit({"command": "segment"}, *recorder.callbacks()), 5)
    assert "ended unexpectedly" in recorder.endings[0][1]


def test_a_worker_without_work_gives_its_memory_back(
    host: Any, warm_worker: Any, segment: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    import DiNTSLib.worker as module

    run(warm_worker, segment)
    assert warm_worker.isRunning
    monkeypatch.setattr(module, "IDLE_SECONDS", 0.1)
    host.wait_until(lambda: not warm_worker.isRunning, 5)


def test_a_worker_that_cannot_start_says_so(host: Any) -> None:
    from DiNTSLib.worker import Worker

    recorder = Recorder()
    Worker(["/nowhere/PythonSlicer"]).submit({"command": "segment"}, *recorder.callbacks())
    assert recorder.endings == [(1, "The worker cannot be started: No such file or directory")]


def test_the_shared_worker_is_one_until_it_is_ended(host: Any) -> None:
    from DiNTSLib.worker import endSharedWorker, sharedWorker

    first = sharedWorker()
    assert sharedWorker() is first
    endSharedWorker()
    assert sharedWorker() is not first
    endSharedWorker()


def longest_pause(host: Any, work: Callable[[], None]) -> float:
    """Seconds; the best of some attempts, because other programs of a busy machine hold up this one, too."""
    pauses = []
    for _ in range(ATTEMPTS):
        with host.PauseMeter() as meter:
            work()
        pauses.append(meter.longest)
        if pauses[-1] < PAUSE_SECONDS:
            break
    return min(pauses)


def test_the_window_stays_responsive_while_a_job_runs(host: Any, worker: Any, segment: dict[str, Any]) -> None:
    def work() -> None:
        recorder = Recorder()
        worker.submit(segment, *recorder.callbacks())
        host.wait_until(lambda: recorder.endings, START_SECONDS)
        assert recorder.endings == [(0, "")]
        worker.shutdown()  # so that each attempt starts one

    assert longest_pause(host, work) < PAUSE_SECONDS


def test_an_event_storm_does_not_block_the_window(host: Any) -> None:
    from DiNTSLib.processes import EngineProcess

    program = "import json\nfor i in range(20000): print(json.dumps({'event': 'progress', 'step': i}))"

    def work() -> None:
        recorder = Recorder()
        process = EngineProcess([], *recorder.callbacks(), command=[sys.executable, "-c", program])
        process.start()
        host.wait_until(lambda: recorder.endings, START_SECONDS)
        assert [event["step"] for event in recorder.events] == list(range(20000))

    assert longest_pause(host, work) < PAUSE_SECONDS


def test_a_command_tells_events_and_its_end(host: Any) -> None:
    from DiNTSLib.processes import EngineProcess

    recorder = Recorder()
    process = EngineProcess(["doctor"], *recorder.callbacks())
    process.start()
    assert process.isRunning
    assert process.waitForFinished(START_SECONDS)
    assert not process.isRunning
    assert recorder.endings == [(0, "")]
    assert recorder.named("result")[0]["name"] == "doctor"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [(["check", "/nowhere"], "/nowhere"), (["segment"], "--model"), (["fly"], "invalid choice")],
)
def test_a_command_that_fails_says_why(host: Any, arguments: list[str], text: str) -> None:
    from DiNTSLib.processes import EngineProcess

    recorder = Recorder()
    process = EngineProcess(arguments, *recorder.callbacks())
    process.start()
    assert process.waitForFinished(START_SECONDS)
    ((code, sentence),) = recorder.endings
    assert code == 2
    assert text in sentence


def test_a_program_that_is_not_there_is_said(host: Any) -> None:
    from DiNTSLib.processes import EngineProcess

    recorder = Recorder()
    process = EngineProcess(["doctor"], *recorder.callbacks(), command=["/nowhere/PythonSlicer"])
    process.start()
    assert process.waitForFinished(5)
    assert recorder.endings == [(1, "/nowhere/PythonSlicer cannot be started: No such file or directory")]


def test_cancelling_a_command_that_ignores_the_request_ends_its_grandchildren(host: Any) -> None:
    from DiNTSLib.processes import EngineProcess

    stubborn = "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); print('{}', flush=True); "
    child = stubborn + "time.sleep(60)"
    parent = f"import subprocess, sys; {stubborn} subprocess.run([sys.executable, '-c', {child!r}])"
    announce = 'print(\'{"event": "message"}\', flush=True); '
    recorder = Recorder()
    process = EngineProcess([], *recorder.callbacks(), command=[sys.executable, "-c", announce + parent])
    before = set(descendants(os.getpid()))
    process.start()
    host.wait_until(lambda: len(set(descendants(os.getpid())) - before) == 2, 10)
    tree = set(descendants(os.getpid())) - before
    started = time.monotonic()
    process.cancel()
    assert process.waitForFinished(5)
    assert time.monotonic() - started < CANCEL_SECONDS
    assert recorder.endings == [(130, "Cancelled.")]
    assert not [pid for pid in tree if isRunning(pid)]


def test_a_command_ends_with_the_application(running_host: Any) -> None:
    program = f"""
        import os, sys
        sys.path[:0] = {[str(ENGINE), str(ENGINE.parent)]!r}
        import Testing.host as host
        host.start()
        from DiNTSLib.processes import EngineProcess
        command = [sys.executable, "-c", "import time; time.sleep(60)"]
        process = EngineProcess([], print, print, command)
        process.start()
        print(process._child.pid, flush=True)
    """
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    command = [sys.executable, "-c", textwrap.dedent(program)]
    result = subprocess.run(command, check=True, env=environment, capture_output=True, text=True)
    running_host.wait_until(lambda: not isRunning(int(result.stdout)), 5)


def test_temporary_folders_are_private_and_go_away(host: Any) -> None:
    import slicer

    from DiNTSLib.processes import temporaryFolder

    with temporaryFolder() as folder:
        assert Path(folder).parent == Path(slicer.app.temporaryPath)
        assert Path(folder).stat().st_mode & 0o777 == 0o700
    assert not Path(folder).exists()


def test_pytorch_stays_out_of_the_application(running_host: Any) -> None:
    program = f"""
        import sys
        sys.path[:0] = {[str(ENGINE), str(ENGINE.parent)]!r}
        sys.modules["yaml"] = None
        import Testing.host as host
        host.start()
        panel = host.open_module("DiNTSEngine")
        import DiNTSLib.dependencies, DiNTSLib.scene, DiNTSLib.terminology, DiNTSLib.worker
        assert "torch" not in sys.modules
        host.close_module("DiNTSEngine")
    """
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=True, env=environment)
