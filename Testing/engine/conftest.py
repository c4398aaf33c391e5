"""A data set and settings small enough to search and train on within seconds."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dints.config import Config
from dints.data.phantom import write_phantoms
from dints.device import PRECISION_VARIABLE

os.environ.setdefault(PRECISION_VARIABLE, "full")  # the same figures on every processor

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


@pytest.fixture(scope="session")
def phantoms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six small labelled phantoms and one without a label."""
    return write_phantoms(tmp_path_factory.mktemp("phantoms"), cases=6, unlabelled=1, size=(24, 24, 20))


@pytest.fixture(scope="session")
def tiny_config() -> Config:
    """Two layers, two levels, two filters, a handful of iterations."""
    return Config.load("phantom").with_overrides(TINY)


@pytest.fixture(scope="session")
def tiny_config_file(tiny_config: Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny configuration as a file."""
    path = tmp_path_factory.mktemp("config") / "tiny.yaml"
    tiny_config.save(path)
    return path
