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
FAILING = """
import dints.data.images
errors = [LookupError, MemoryError]
def fail(paths, remark):
    raise errors.pop(0)(f"no idea what to do with {paths[0]}")
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


def test_an_error_that_nobody_expected_is_logged_without_its_text(launch: Callable, job: dict[str, Any]) -> None:
    worker = launch(["worker"], LOG_ALL + FAILING)
    worker.send(job, job)
    for _cause in range(2):
        assert TELLTALE in worker.events_until("error")[-1]["text"]
    worker.process.stdin.close()
    worker.process.wait()
    assert "unexpected LookupError" in worker.log
    assert TELLTALE not in worker.log


def test_a_run_from_its_search_to_its_report_logs_no_name(
    launch: Callable, data: Path, tiny_config_file: Path, tmp_path: Path
) -> None:
    run, damaged = str(tmp_path / TELLTALE / "run"), tmp_path / TELLTALE / "damaged"
    for part in ("images", "labels"):
        (damaged / part).mkdir(parents=True)
        (damaged / part / f"{TELLTALE}.nii.gz").write_bytes(b"no image")
    commands = [
        (["check", "--events", str(damaged)], 2),
        (["search", "--events", "--run", run, "--data", str(data), "--config", str(tiny_config_file)], 0),
        (["train", "--events", "--run", run, "--folds", "0"], 0),
        (["evaluate", "--events", "--run", run], 0),
    ]
    program = f"{LOG_ALL}\nfor command, code in {commands}: assert main(command) == code"
    process = launch(["report", "--events", "--run", run], program)
    told = [json.loads(line) for line in process.lines()]
    assert process.process.wait() == 0, told
    assert TELLTALE in json.dumps(told)
    assert TELLTALE not in process.log
