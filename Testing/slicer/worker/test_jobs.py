"""Jobs of the warm worker: what they report, in which order they run, and what becomes of their files."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

START_SECONDS = 120.0  # of a worker on a busy machine: it imports PyTorch


def test_a_job_reports_progress_and_its_result_becomes_segments(
    warm_worker: Any, run: Any, segment: dict[str, Any], volume: Any
) -> None:
    import slicer

    from DiNTSLib.scene import importSegmentation, importVolume
    from DiNTSLib.terminology import segmentStyles

    recorder = run(warm_worker, segment)
    assert recorder.endings == [(0, "")]
    (result,) = recorder.named("result")
    assert result["name"] == "segmentation"
    last = recorder.named("progress")[-1]
    assert last["step"] == last["total"] == 8 * 2  # windows and networks
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Result")
    styles = segmentStyles({1: "liver", 2: "left kidney", 3: "tumour"})
    importSegmentation(result["values"]["path"], node, styles, volume)
    assert node.GetSegmentation().GetNumberOfSegments() == 3
    doubt = importVolume(result["values"]["disagreement"], "Doubt")
    assert slicer.util.arrayFromVolume(doubt).shape == slicer.util.arrayFromVolume(volume).shape


def test_a_second_job_with_the_model_does_not_load_it_again(
    warm_worker: Any, run: Any, segment: dict[str, Any]
) -> None:
    os.utime(segment["model"])
    first, second = run(warm_worker, segment), run(warm_worker, segment)
    assert first.named("model")[0]["reused"] is False
    assert second.named("model")[0]["reused"] is True


def test_jobs_wait_for_one_another(warm_worker: Any, record: Any, segment: dict[str, Any]) -> None:
    recorders = [record() for _ in range(3)]
    numbers = [warm_worker.submit(segment, *recorder.callbacks()) for recorder in recorders]
    assert warm_worker.queueLength == 3
    warm_worker.cancel(numbers[1])
    assert warm_worker.queueLength == 2
    assert recorders[1].endings == [(130, "Cancelled.")]
    assert warm_worker.waitForFinished(numbers[2], START_SECONDS)
    assert recorders[0].endings == recorders[2].endings == [(0, "")]
    assert recorders[1].events == []
    assert warm_worker.queueLength == 0


def test_an_estimate_tells_windows_and_memory(warm_worker: Any, run: Any, segment: dict[str, Any]) -> None:
    job = {"command": "estimate", "model": segment["model"], "size": [22, 20, 18], "spacing": [1.0, 1.0, 1.0]}
    (result,) = run(warm_worker, job | {"device": "cpu", "options": {}}).named("result")
    assert result["values"]["windows"] == 8
    assert result["values"]["memory"] > 0


def test_a_job_waits_for_its_inputs_to_be_written(
    warm_worker: Any, record: Any, segment: dict[str, Any], volume: Any, tmp_path: Path
) -> None:
    from DiNTSLib import background
    from DiNTSLib.scene import exportVolume

    gate = threading.Event()
    background.submit(gate.wait)  # what is written before it
    exportVolume(volume, tmp_path / "late.nrrd", True)
    recorder = record()
    number = warm_worker.submit(segment | {"inputs": [str(tmp_path / "late.nrrd")]}, *recorder.callbacks())
    assert not warm_worker.waitForFinished(number, 0.2)
    assert recorder.events == []
    gate.set()
    assert warm_worker.waitForFinished(number, START_SECONDS)
    assert recorder.endings == [(0, "")]


def test_a_scan_whose_job_was_cancelled_is_not_written(
    warm_worker: Any, record: Any, segment: dict[str, Any], volume: Any, tmp_path: Path
) -> None:
    from DiNTSLib import background
    from DiNTSLib.scene import exportVolume

    gate, path = threading.Event(), tmp_path / "late.nrrd"
    background.submit(gate.wait)
    exportVolume(volume, path, True)
    recorder = record()
    warm_worker.cancel(warm_worker.submit(segment | {"inputs": [str(path)]}, *recorder.callbacks()))
    assert recorder.endings == [(130, "Cancelled.")]
    gate.set()
    background.submit(int).result(START_SECONDS)  # all that was to be written is
    assert not path.exists()


def test_an_input_that_cannot_be_written_is_said(
    warm_worker: Any, run: Any, segment: dict[str, Any], volume: Any
) -> None:
    from DiNTSLib.scene import exportVolume

    exportVolume(volume, "/nowhere/scan.nrrd", True)
    ((code, sentence),) = run(warm_worker, segment | {"inputs": ["/nowhere/scan.nrrd"]}).endings
    assert code == 1
    assert "/nowhere/scan.nrrd cannot be written" in sentence


def test_what_is_wrong_is_said_and_the_worker_goes_on(warm_worker: Any, run: Any, segment: dict[str, Any]) -> None:
    ((code, sentence),) = run(warm_worker, segment | {"inputs": ["/nowhere.nrrd"]}).endings
    assert code == 2
    assert "/nowhere.nrrd" in sentence
    assert run(warm_worker, segment).endings == [(0, "")]


def test_a_worker_without_work_gives_its_memory_back(
    host: Any, warm_worker: Any, run: Any, segment: dict[str, Any], monkeypatch: Any
) -> None:
    import DiNTSLib.worker as module

    run(warm_worker, segment)
    assert warm_worker.isRunning
    monkeypatch.setattr(module, "IDLE_SECONDS", 0.1)
    host.wait_until(lambda: not warm_worker.isRunning, 5)


def test_the_shared_worker_is_one_until_it_is_ended(host: Any) -> None:
    from DiNTSLib.worker import endSharedWorker, sharedWorker

    first = sharedWorker()
    assert sharedWorker() is first
    endSharedWorker()
    assert sharedWorker() is not first
    endSharedWorker()
