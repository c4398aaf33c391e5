"""The warm worker: what it answers to jobs and to nonsense, and when it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from dints.inference.predictor import Prediction, Predictor
from dints.model.model import load_model, save_model
from dints.service.jobs import LONGEST_LINE
from dints.service.worker import Worker

SECONDS_TO_END = 5.0


@pytest.fixture
def segment(model_file: Path, scan_file: Path, tmp_path: Path) -> dict[str, Any]:
    output = str(tmp_path / "labels.nrrd")
    return {"job": 1, "command": "segment", "model": str(model_file), "inputs": [str(scan_file)], "output": output}


@pytest.fixture
def process() -> Iterator[subprocess.Popen]:
    command = [sys.executable, "-m", "dints", "worker"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


@pytest.fixture(scope="module")
def ask() -> Callable[[Any], list[dict[str, Any]]]:
    """Function that gives a job to a worker for all tests that leave it alive."""
    stream = StringIO()
    return partial(answers, Worker(stream), stream)


def answers(worker: Worker, stream: StringIO, job: Any) -> list[dict[str, Any]]:
    """The events of one job."""
    stream.seek(0)
    stream.truncate()
    worker.run(job if isinstance(job, str) else json.dumps(job))
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def events_until(process: subprocess.Popen, name: str) -> list[dict[str, Any]]:
    events = []
    for line in process.stdout:
        events.append(json.loads(line))
        if events[-1]["event"] == name:
            break
    return events


def named(events: list[dict[str, Any]], name: str) -> dict[str, Any]:
    (event,) = [event for event in events if event["event"] == name]
    return event


def test_a_job_writes_what_the_model_says(segment: dict[str, Any], model_file: Path, scan_file: Path) -> None:
    stream = StringIO()
    events = answers(Worker(stream), stream, segment)
    assert {event["job"] for event in events} == {1}
    assert [event["event"] for event in events][-2:] == ["result", "finished"]
    assert named(events, "model")["reused"] is False
    expected = load_model(model_file).segment(sitk.ReadImage(scan_file), device="cpu")
    written = sitk.ReadImage(segment["output"])
    assert np.array_equal(sitk.GetArrayFromImage(written), sitk.GetArrayFromImage(expected))


def test_a_second_job_reuses_the_model_and_a_changed_file_is_read_again(
    segment: dict[str, Any], model_file: Path
) -> None:
    stream = StringIO()
    worker = Worker(stream)
    answers(worker, stream, segment)
    assert named(answers(worker, stream, segment), "model")["reused"] is True
    os.utime(model_file, ns=(1, 1))
    assert named(answers(worker, stream, segment), "model")["reused"] is False


def test_options_reach_the_inference_and_null_means_the_models_own(segment: dict[str, Any], tmp_path: Path) -> None:
    stream = StringIO()
    doubt = tmp_path / "doubt.nrrd"
    options = {"folds": [0], "overlap": None, "mirror": False, "region": [[0, 0, 0], [8, 8, 8]]}
    events = answers(Worker(stream), stream, {**segment, "disagreement": str(doubt), "options": options})
    assert named(events, "result")["values"]["disagreement"] == str(doubt)
    labels = sitk.GetArrayFromImage(sitk.ReadImage(segment["output"]))
    assert not labels[8:].any()
    assert sitk.ReadImage(doubt).GetSize() == (22, 20, 18)


def test_statistics_come_with_the_result_if_asked_for(segment: dict[str, Any]) -> None:
    stream = StringIO()
    worker = Worker(stream)
    assert "statistics" not in named(answers(worker, stream, segment), "result")["values"]
    rows = named(answers(worker, stream, segment | {"statistics": True}), "result")["values"]["statistics"]
    assert [row["name"] for row in rows] == ["liver", "left kidney", "tumour"]
    voxels = sitk.GetArrayFromImage(sitk.ReadImage(segment["output"]))
    assert [row["volume"] for row in rows] == pytest.approx([(voxels == value).sum() / 1000 for value in (1, 2, 3)])


def test_a_model_with_a_safety_bound_is_exhaustive_where_asked_and_says_what_it_did(
    segment: dict[str, Any], tmp_path: Path
) -> None:
    model = load_model(segment["model"])
    bound = {"threshold": 0.9999, "way": {"scale": 1, "alone": True}, "saved": 0.5, "cases": 3}
    manifest = replace(model.manifest, training={**model.manifest.training, "safety_bound": bound})
    bounded = save_model(tmp_path / "bounded.zip", manifest, [network.state_dict() for network in model.networks])
    assert bounded.why_every_window == ""
    stream = StringIO()
    worker = Worker(stream)
    job = {**segment, "model": str(bounded.path)}
    options = {"overlap": 0.9}
    looked, exhaustive = (
        named(answers(worker, stream, {**job, "options": {**options, "exhaustive": value}}), "result")["values"]
        for value in (False, True)
    )
    assert exhaustive["computed"] == exhaustive["windows"] == looked["windows"] > looked["computed"]
    estimate = {"job": 2, "command": "estimate", "model": str(bounded.path), "size": [22, 20, 18], "spacing": [1, 1, 1]}
    for value in (False, True):
        asked = {**estimate, "options": {"exhaustive": value}}
        assert named(answers(worker, stream, asked), "result")["values"]["at_most"] is not value


def test_an_estimate_tells_seconds_once_it_has_seen_a_run(segment: dict[str, Any]) -> None:
    stream = StringIO()
    worker = Worker(stream)
    estimate = {"job": 2, "command": "estimate", "model": segment["model"], "size": [22, 20, 18], "spacing": [1, 1, 1]}
    before = named(answers(worker, stream, estimate), "result")["values"]
    assert before["seconds"] is None
    assert before["windows"] == 8
    assert before["at_most"] is False
    assert before["memory"] > 0
    answers(worker, stream, segment)
    after = named(answers(worker, stream, estimate), "result")["values"]
    assert after["seconds"] > 0
    mirrored = answers(worker, stream, {**estimate, "options": {"mirror": True}})
    # Two axes: of a left kidney alone there is no mirror image along R-L.
    assert named(mirrored, "result")["values"]["seconds"] == pytest.approx(4 * after["seconds"])


def test_an_estimate_rests_on_the_seconds_of_passes_not_on_those_of_whole_scans(
    segment: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many passes, then a scan with one and another with none, each with much besides."""
    stream = StringIO()
    worker = Worker(stream)
    found = iter([(30, 6.0), (1, 0.5), (0, 0.0)])
    predict = Predictor.predict

    def measured(*given: Any, **options: Any) -> Prediction:
        passes, seconds = next(found)
        return replace(predict(*given, **options), passes=passes, seconds=seconds)

    monkeypatch.setattr(Predictor, "predict", measured)
    estimate = {"job": 2, "command": "estimate", "model": segment["model"], "size": [22, 20, 18], "spacing": [1, 1, 1]}
    for rate in (6 / 30, 6.5 / 31, 6.5 / 31):
        answers(worker, stream, segment)
        values = named(answers(worker, stream, estimate), "result")["values"]
        networks = len(load_model(segment["model"]).networks)
        assert values["seconds"] == pytest.approx(rate * values["windows"] * networks)


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ("not json", "is not valid JSON"),
        ("[1, 2]", "is list, not an object"),
        ('{"job": 3}', "command None is unknown"),
        ('{"job": 3, "command": "fly"}', "command 'fly' is unknown"),
        ('{"job": 3, "command": ["segment"]}', "is unknown"),
        ('{"job": 3, "command": "segment", "model": "m"}', "inputs is None"),
        ('{"job": 3, "command": "segment", "modle": "m"}', "field 'modle' is unknown"),
        ('{"job": 3, "command": "segment", "model": "m", "inputs": [], "output": "o"}', "neither a model file"),
        ('{"job": 3, "command": "estimate", "model": 1, "size": [1], "spacing": []}', "model is 1"),
        ('{"job": [3], "command": "segment"}', "its number is [3]"),
        ('{"job": NaN, "command": "segment"}', "its number is nan"),
        ('{"job": 3, "command": "' + "x" * LONGEST_LINE + '"}', "is longer than"),
        ("[" * (LONGEST_LINE - 1), "is not valid JSON"),
    ],
    ids=lambda value: value[:40],
)
def test_nonsense_is_answered_and_the_next_job_runs(
    message: str, text: str, ask: Callable, segment: dict[str, Any]
) -> None:
    (event,) = ask(message)
    assert (event["event"], event["code"]) == ("error", 2)
    assert text in event["text"]
    assert ask(segment)[-1]["event"] == "finished"


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"inputs": ["/nowhere.nrrd"]}, "nowhere.nrrd"),
        ({"inputs": [1]}, "inputs"),
        ({"options": {"overlap": 2}}, "overlap"),
        ({"options": {"folds": [7]}}, "folds"),
        ({"options": {"speed": 1}}, "speed"),
        ({"device": "abacus"}, "abacus"),
        ({"device": "meta"}, "meta"),
        ({"inputs": []}, "inputs"),
        ({"inputs": ["a\0b"]}, "without null characters"),
        ({"output": "\ud800.nrrd"}, "output"),
        ({"model": "\0"}, "model"),
        ({"options": {"folds": 3}}, "folds"),
        ({"options": {"folds": [[1]]}}, "folds"),
        ({"options": {"folds": [0.0]}}, "folds"),
        ({"options": {"disagreement": True}}, "disagreement"),
        ({"options": {"channels": []}}, "channels"),
        ({"options": {"region": [[float("inf"), 0, 0], [1, 1, 1]]}}, "region"),
        ({"options": {"mirror": "yes"}}, "mirror"),
    ],
    ids=str,
)
def test_what_the_user_gave_wrongly_is_said_in_one_line(
    change: dict[str, Any], text: str, ask: Callable, segment: dict[str, Any]
) -> None:
    event = ask(segment | change)[-1]
    assert (event["event"], event["code"], event["job"]) == ("error", 2, 1)
    assert text in event["text"]
    assert "\n" not in event["text"]


@pytest.mark.parametrize(
    "change",
    [
        {"size": [0, 1, 1]},
        {"size": [1, 1]},
        {"size": ["one", 1, 1]},
        {"size": [10**9, 1, 1]},
        {"size": [10**5, 10**5, 10**5]},
        {"spacing": [1, float("nan"), 1]},
        {"spacing": [1, float("inf"), 1]},
        {"spacing": [1, -1, 1]},
    ],
    ids=str,
)
def test_a_size_that_is_none_is_said(change: dict[str, Any], ask: Callable, segment: dict[str, Any]) -> None:
    job = {"job": 2, "command": "estimate", "model": segment["model"], "size": [9, 9, 9], "spacing": [1, 1, 1]}
    event = ask(job | change)[-1]
    assert (event["event"], event["code"]) == ("error", 2)


def test_a_process_serves_jobs_with_heartbeats_and_ends_with_its_input(
    process: subprocess.Popen, segment: dict[str, Any]
) -> None:
    assert events_until(process, "ready")[0]["pid"] > 0
    process.stdin.write("nonsense\n" + json.dumps(segment) + "\n")
    process.stdin.flush()
    events = events_until(process, "finished")
    assert any(event["event"] == "heartbeat" for event in events)
    assert named(events, "error")["job"] is None
    process.stdin.close()
    assert process.wait(SECONDS_TO_END) == 0


def test_a_process_ends_when_its_parent_is_gone() -> None:
    """The input stays open: a process that was started beside it still holds it."""
    program = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-m', 'dints', 'worker'])\n"
        "print(child.pid, file=sys.stderr, flush=True)\n"
        "time.sleep(60)\n"
    )
    reading, writing = os.pipe()
    pipes = {"stdin": reading, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", program], **pipes) as parent:
        pid = int(parent.stderr.readline())
        assert json.loads(parent.stdout.readline())["pid"] == pid
        parent.send_signal(signal.SIGKILL)
    end = time.monotonic() + SECONDS_TO_END
    while _is_running(pid) and time.monotonic() < end:
        time.sleep(0.1)
    assert not _is_running(pid)
    os.close(reading)
    os.close(writing)


def _is_running(pid: int) -> bool:
    """A zombie that nobody waits for has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
