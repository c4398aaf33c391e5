"""Fixtures that every test may use: real data, and a data set and settings to search and train on within seconds."""

from __future__ import annotations

import gc
import os
import runpy
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from dints.config import Config
    from dints.data.cache import Cache

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before PyTorch comes: threads wait more than they work on tiny networks

TINY_MODEL = Path(__file__).parents[1] / "DiNTSSegmentation" / "DiNTSSegmentationLib" / "tiny_model.py"
SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"

TINY = [
    "sampling.patch=[16, 16, 16]",
    "search.layers=2",
    "search.levels=2",
    "search.filters=2",
    "search.batch_size=2",
    "search.iterations=8",
    "search.checkpoint_every=2",
    "training.filters=2",
    "training.batch_size=2",
    "training.iterations=6",
    "training.checkpoint_every=2",
    "training.validate_every=3",
    "training.folds=2",
    "inference.stride=null",
    "inference.overlap=0.25",
]


def pytest_collection_finish() -> None:
    """PyTorch and the tests themselves are there for good: each collection of garbage would look through them."""
    gc.freeze()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real scans and architectures beside the checkout; tests that need it skip where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"real data not found at {SHARED_DATA}")
    return SHARED_DATA


@pytest.fixture(scope="session")
def hippocampus(shared_data: Path) -> Path:
    """200 real cases of the decathlon's hippocampus task."""
    return shared_data / "Task04_Hippocampus"


@pytest.fixture(scope="session")
def phantoms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six small labelled phantoms and one without a label."""
    from dints.data.phantom import write_phantoms

    return write_phantoms(tmp_path_factory.mktemp("phantoms"), cases=6, unlabelled=1, size=(24, 24, 20))


@pytest.fixture(scope="session")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny untrained model of two folds for images of 1 mm, with three labels."""
    path = tmp_path_factory.mktemp("model") / "tiny.zip"
    runpy.run_path(str(TINY_MODEL))["main"]([str(path), "--spacing", "1", "--labels", "liver,left kidney,tumour"])
    return path


@pytest.fixture(scope="session")
def scan_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Noise that the tiny model covers with eight windows."""
    import numpy as np
    import SimpleITK as sitk

    path = tmp_path_factory.mktemp("scan") / "scan.nrrd"
    voxels = np.random.default_rng(0).normal(50, 20, (18, 20, 22)).astype(np.float32)
    sitk.WriteImage(sitk.GetImageFromArray(voxels), path)
    return path


@pytest.fixture(scope="session")
def tiny_config() -> Config:
    """Two layers, two levels, two filters, a handful of iterations."""
    from dints.config import Config

    return Config.load("phantom").with_overrides(TINY)


@pytest.fixture(scope="session")
def tiny_config_file(tiny_config: Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny configuration as a file."""
    path = tmp_path_factory.mktemp("config") / "tiny.yaml"
    tiny_config.save(path)
    return path


@pytest.fixture(scope="session")
def cached_phantoms(phantoms: Path, tiny_config: Config, tmp_path_factory: pytest.TempPathFactory) -> Cache:
    """All labelled phantoms, preprocessed as the tiny configuration says."""
    from dints.data.cache import build_cache
    from dints.data.datalist import read_datalist
    from dints.events import Reporter

    cases, values = read_datalist(phantoms, tiny_config.task).cases, tuple(sorted(tiny_config.task.labels))
    return build_cache(cases, tiny_config.preprocessing, values, tmp_path_factory.mktemp("cache"), Reporter())


@pytest.fixture(autouse=True)
def no_shipped_models(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Lists of models hold what a test installed, not what comes with the engine."""
    monkeypatch.setattr("dints.model.folder.SHIPPED_FOLDER", tmp_path / "shipped")
