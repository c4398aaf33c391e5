"""A full disk while any kind of file is written: a clear error, and what stood there before still stands there.

The disk is as good as full for a process that may write no file larger than a limit. Errors that the file system
reports only when the file is flushed are made up.
"""

from __future__ import annotations

import errno
import os
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from dints.config import Config
from dints.data.cache import build_cache
from dints.data.datalist import read_datalist
from dints.data.images import write_image
from dints.errors import StorageError
from dints.evaluation.evaluate import ScoreRow, write_scores
from dints.events import Reporter
from dints.files.storage import write_text
from dints.model.installed import install
from dints.model.model import load_model, save_model
from dints.model.reference import save_reference_architecture, save_reference_weights
from dints.report.write import write_report
from dints.run_layout import read_log
from dints.search.drawing import draw_architecture
from dints.space.architecture import Architecture
from dints.space.search_space import SearchSpace
from dints.training.checkpoint import save_checkpoint
from dints.training.log import TrainingLog

LIMIT = 2048  # bytes
MODEL = Path(__file__).parents[1] / "compatibility" / "models" / "format1.zip"


@contextmanager
def full_disk(limit: int = LIMIT) -> Iterator[None]:
    """No file may become longer than so many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def write_checkpoint(path: Path) -> None:
    save_checkpoint(path, {"step": 2, "network": {"weight": torch.rand(LIMIT)}})


def write_segmentation(path: Path) -> None:
    voxels = np.random.default_rng(0).integers(0, 2, (40, 40, 40), np.uint8)
    write_image(sitk.GetImageFromArray(voxels), path)


def write_model(path: Path) -> None:
    model = load_model(MODEL)
    save_model(path, model.manifest, [network.state_dict() for network in model.networks])


def write_run_report(path: Path) -> None:
    write_report(path.parent)


def write_table(path: Path) -> None:
    write_scores(path.parent, [ScoreRow(f"case {number}", 0, 1, "liver", {"dice": 0.5}) for number in range(LIMIT)])


def write_picture(path: Path) -> None:
    draw_architecture(load_model(MODEL).manifest.architecture, path)


def write_reference_weights(path: Path) -> None:
    save_reference_weights(load_model(MODEL).networks[0], path)


def write_reference_architecture(path: Path) -> None:
    save_reference_architecture(Architecture.random(SearchSpace(12, 4), 0), path)


def write_settings(path: Path) -> None:
    write_text(path, "settings: 1\n" * LIMIT)


WRITERS: dict[str, Callable[[Path], None]] = {
    "last.pt": write_checkpoint,
    "model.zip": write_model,
    "case.nii.gz": write_segmentation,
    "case.nii": write_segmentation,
    "case.nrrd": write_segmentation,
    "case.mha": write_segmentation,
    "report.html": write_run_report,
    "scores.json": write_table,
    "architecture.png": write_picture,
    "architecture.svg": write_picture,
    "fold0.pt": write_reference_weights,
    "architecture.pth": write_reference_architecture,
    "config.yaml": write_settings,
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the settings of a run."""
    Config.load("phantom").save(tmp_path / "config.yaml")
    return tmp_path


@pytest.mark.parametrize("name", WRITERS)
def test_the_last_good_file_survives_a_full_disk(name: str, folder: Path) -> None:
    path = folder / name
    path.write_bytes(b"the last good state")
    before = {file: file.read_bytes() for file in folder.iterdir()}
    with (
        pytest.raises(StorageError, match=r": cannot be written \(.+\); free disk space or choose another") as caught,
        full_disk(),
    ):
        WRITERS[name](path)
    assert str(folder) in str(caught.value)
    assert {file: file.read_bytes() for file in folder.iterdir()} == before


@pytest.mark.parametrize("name", WRITERS)
def test_even_a_single_byte_that_does_not_fit_is_noticed(name: str, folder: Path) -> None:
    """Libraries that write through C may lose what is in their buffer last."""
    path = folder / name
    WRITERS[name](path)
    before = {file: file.read_bytes() for file in folder.iterdir()}
    with pytest.raises(StorageError), full_disk(path.stat().st_size - 1):
        WRITERS[name](path)
    assert {file: file.read_bytes() for file in folder.iterdir()} == before


@pytest.mark.parametrize("name", WRITERS)
def test_an_error_that_shows_only_when_the_file_is_flushed_is_noticed(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path = folder / name
    before = {file: file.read_bytes() for file in folder.iterdir()}
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StorageError, match="No space left on device"):
        WRITERS[name](path)
    assert {file: file.read_bytes() for file in folder.iterdir()} == before


def test_a_model_that_does_not_fit_leaves_no_folder(tmp_path: Path) -> None:
    with pytest.raises(StorageError), full_disk():
        write_model(tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_cannot_be_installed_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_model(tmp_path / "folder")
    monkeypatch.setenv("DINTS_MODELS", str(tmp_path / "models"))
    for source in (MODEL, tmp_path / "folder"):
        with pytest.raises(StorageError, match=r"models.*free disk space"), full_disk():
            install(source)
    assert list((tmp_path / "models").iterdir()) == []


def test_a_log_keeps_its_rows_and_goes_on_when_there_is_space_again(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    log = TrainingLog(path, 0)
    rows = [{"step": step, "note": "x" * (LIMIT // 3)} for step in range(4)]
    for row in rows[:2]:
        log.append(row)
    with pytest.raises(StorageError, match=r"log\.jsonl: cannot be written"), full_disk():
        log.append(rows[2])  # of which a part reaches the disk
    assert path.stat().st_size == LIMIT
    assert read_log(path) == rows[:2]
    resumed = TrainingLog(path, 2)
    for row in rows[2:]:
        resumed.append(row)
    assert read_log(path) == rows


def test_cases_that_are_in_the_cache_stay_there(phantoms: Path, tiny_config: Config, tmp_path: Path) -> None:
    cases = read_datalist(phantoms, tiny_config.task).cases
    labels = tuple(tiny_config.task.labels)
    settings = tiny_config.preprocessing
    first = build_cache(cases[:1], settings, labels, tmp_path, Reporter()).case(cases[0].name)
    image = first.image.copy()
    with pytest.raises(StorageError, match=f"{cases[1].name}.*cannot be written"), full_disk():
        build_cache(cases[:2], settings, labels, tmp_path, Reporter())
    assert not list(tmp_path.rglob("*.tmp*"))
    rebuilt = build_cache(cases[:2], settings, labels, tmp_path, Reporter())
    assert np.array_equal(rebuilt.case(cases[0].name).image, image)
    assert rebuilt.case(cases[1].name).image.shape[0] == 1
