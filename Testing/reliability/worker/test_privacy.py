"""No name or path of a patient in what is logged above the level of debugging: here, all of standard error."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

TELLTALE = "Doe^Jane"
LOG_ALL = """
import logging
logging.basicConfig(level=logging.INFO)
"""
UNEXPECTED = """
import dints.data.images
def fail(paths):
    raise LookupError(f"no idea what to do with {paths[0]}")
dints.data.images.read_channels = fail
"""
OUT_OF_MEMORY = """
import dints.data.images
def fail(paths):
    raise MemoryError(f"no memory for {paths[0]}")
dints.data.images.read_channels = fail
"""


@pytest.fixture
def job(segment: dict[str, Any], scan_file: Path, tmp_path: Path) -> dict[str, Any]:
    """Whose files and folder are named after a patient."""
    folder = tmp_path / TELLTALE
    folder.mkdir()
    scan = shutil.copy(scan_file, folder / f"{TELLTALE}.nrrd")
    return segment | {"inputs": [str(scan)], "output": str(folder / f"{TELLTALE} labels.nrrd")}


@pytest.fixture
def data(phantoms: Path, tmp_path: Path) -> Path:
    """A data set whose folder and cases are named after a patient."""
    folder = tmp_path / TELLTALE / "data"
    shutil.copytree(phantoms, folder)
    for path in [path for part in ("imagesTr", "labelsTr", "imagesTs") for path in (folder / part).glob("*.nii.gz")]:
        path.rename(path.with_name(f"{TELLTALE} {path.name}"))
    description = (folder / "dataset.json").read_text()
    (folder / "dataset.json").write_text(
        description.replace("sTr/", f"sTr/{TELLTALE} ").replace("sTs/", f"sTs/{TELLTALE} ")
    )
    return folder


def test_a_segmentation_and_jobs_that_fail_log_no_name(launch: Callable, job: dict[str, Any]) -> None:
    worker = launch(["worker"], LOG_ALL)
    damaged = Path(job["inputs"][0]).with_name(f"{TELLTALE} damaged.nii.gz")
    damaged.write_bytes(b"no image")
    worker.send(job | {"inputs": [str(damaged)]}, job | {"inputs": ["/nowhere/Doe^Jane.nrrd"]}, job)
    events = worker.events_until("finished")
    assert [TELLTALE in event["text"] for event in events if event["event"] == "error"] == [True, True]
    assert Path(job["output"]).is_file()
    worker.process.stdin.close()
    worker.process.wait()
    assert TELLTALE not in worker.log


@pytest.mark.parametrize("cause", [UNEXPECTED, OUT_OF_MEMORY], ids=["an unexpected error", "out of memory"])
def test_an_error_that_nobody_expected_is_logged_without_its_text(
    launch: Callable, job: dict[str, Any], cause: str
) -> None:
    worker = launch(["worker"], LOG_ALL + cause)
    worker.send(job)
    assert TELLTALE in worker.events_until("error")[-1]["text"]
    worker.process.stdin.close()
    worker.process.wait()
    assert TELLTALE not in worker.log
    assert ("unexpected LookupError" in worker.log) == (cause == UNEXPECTED)


def test_a_run_from_its_search_to_its_report_logs_no_name(
    launch: Callable, data: Path, tiny_config_file: Path, tmp_path: Path
) -> None:
    run = str(tmp_path / TELLTALE / "run")
    commands = [
        ["check", "--events", str(data)],
        ["search", "--events", "--run", run, "--data", str(data), "--config", str(tiny_config_file)],
        ["train", "--events", "--run", run, "--folds", "0"],
        ["evaluate", "--events", "--run", run],
    ]
    process = launch(
        ["report", "--events", "--run", run], f"{LOG_ALL}\nfor command in {commands}: assert main(command) == 0"
    )
    told = [json.loads(line) for line in process.lines()]
    assert process.process.wait() == 0, told
    assert TELLTALE in json.dumps(told)
    assert TELLTALE not in process.log


def test_labels_that_cannot_be_read_are_logged_without_their_paths(launch: Callable, tmp_path: Path) -> None:
    folder = tmp_path / TELLTALE
    for part in ("images", "labels"):
        (folder / part).mkdir(parents=True)
        (folder / part / f"{TELLTALE}.nii.gz").write_bytes(b"no image")
    process = launch(["check", "--events", str(folder)], LOG_ALL)
    assert TELLTALE.encode() in b"".join(process.lines())
    assert process.process.wait() == 2
    assert TELLTALE not in process.log
