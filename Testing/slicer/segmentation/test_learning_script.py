"""Correct and learn without a window, by the documented script."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from .conftest import MODULE, REPOSITORY

SCRIPT = MODULE.parent / "Resources" / "Scripts" / "correct_and_learn.py"


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "Testing.host", "--python-script", str(SCRIPT), *map(str, arguments)]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=300, check=False)


def write_pair(folder: Path) -> tuple[Path, Path]:
    """A scan and its segmentation, whose second segment is called as the model's first label."""
    voxels = np.zeros((20, 24, 28), np.uint8)
    voxels[4:8, 4:8, 4:8], voxels[12:16, 12:16, 12:16] = 1, 2
    label = sitk.GetImageFromArray(voxels)
    for number, name in enumerate(("Posterior", "Anterior")):
        fields = {"ID": f"Segment_{number + 1}", "Name": name, "LabelValue": number + 1, "Layer": 0}
        for field, value in fields.items():
            label.SetMetaData(f"Segment{number}_{field}", str(value))
    noise = np.random.default_rng(0).normal(100, 20, voxels.shape)
    scan, segmentation = folder / "scan.nii.gz", folder / "scan.seg.nrrd"
    sitk.WriteImage(sitk.GetImageFromArray(noise.astype(np.float32)), str(scan))
    sitk.WriteImage(label, str(segmentation))
    return scan, segmentation


def test_corrections_are_kept_and_what_cannot_be_done_is_said_in_a_line(
    engine: None, running_host: object, tmp_path: Path
) -> None:
    folder = tmp_path / "corrections"
    added = run("hippocampus-mr", folder, "--add", *write_pair(tmp_path))
    assert (added.returncode, added.stdout.splitlines()[-1]) == (0, "case 0001: to learn from")
    assert len(json.loads((folder / "dataset.json").read_text())["training"]) == 1
    kept = sitk.GetArrayFromImage(sitk.ReadImage(str(folder / "labels" / "0001.nii.gz")))
    assert (kept[5, 5, 5], kept[13, 13, 13]) == (2, 1)
    improved = run("hippocampus-mr", folder, "--improve", "--device", "cpu")
    assert improved.returncode == 1
    assert "add cases until there are 3" in improved.stderr.splitlines()[-1]
