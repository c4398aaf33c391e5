"""A small data set to spoil."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

SHAPE = (20, 24, 24)  # z, y, x
CASES = ("a", "b", "c", "d")


@pytest.fixture(scope="session")
def sound_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four cases in plain folders, each a cube of label 1 in noise."""
    folder = tmp_path_factory.mktemp("sound")
    for seed, name in enumerate(CASES):
        voxels = np.random.default_rng(seed).integers(-1000, 400, SHAPE).astype(np.int16)
        label = np.zeros(SHAPE, np.uint8)
        label[5:12, 6:14, 7:15] = 1
        for kind, array in (("images", voxels), ("labels", label)):
            (folder / kind).mkdir(exist_ok=True)
            sitk.WriteImage(sitk.GetImageFromArray(array), str(folder / kind / f"{name}.nii.gz"))
    return folder


@pytest.fixture
def data(sound_data: Path, tmp_path: Path) -> Path:
    """A copy of the sound data set for one test."""
    return Path(shutil.copytree(sound_data, tmp_path / "data"))
