"""What must hold of the files of a case after a command. Each function returns what does not, or ""."""

from __future__ import annotations

import gzip
import hashlib
import shutil
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import torch

from dints.data.images import read_channels
from dints.data.nifti import NiftiHeader
from dints.training.checkpoint import load_checkpoint


def named_file_is_read(folder: Path, said: str) -> str:
    """The voxels of A.nii.gz are those in A.nii.gz, whatever lies beside it."""
    alone = folder / "alone"
    alone.mkdir()
    shutil.copyfile(folder / "A.nii.gz", alone / "A.nii.gz")
    same = np.array_equal(_voxels(folder / "A.nii.gz"), _voxels(alone / "A.nii.gz"))
    return "" if same else "the voxels of A.nii are read"


def scan_is_kept(folder: Path, said: str) -> str:
    """The scan has the checksum that was noted before."""
    noted = (folder / "before").read_text().split()[0]
    return "" if hashlib.sha256((folder / "scan.nii.gz").read_bytes()).hexdigest() == noted else "the scan is lost"


def values_are_scaled(folder: Path, said: str) -> str:
    """Slope and intercept of each slice count: fractions of PET stay, the mask is not rounded down to nothing."""
    pet, mask = _voxels(folder / "pet"), _voxels(folder / "mask")
    if not np.isclose(pet.max(), 13.52):
        return f"PET ends at {pet.max()} in place of 13.52"
    return "" if np.isclose(mask.max(), 1) else f"the mask ends at {mask.max()}"


def results_have_one_place(folder: Path, said: str) -> str:
    """Each result lies at one place for all viewers: its forms say the same."""
    for result in sorted(folder.glob("out/*.nii.gz")):
        header = NiftiHeader.parse(gzip.decompress(result.read_bytes()))
        if header is None or len({form.round(2).tobytes() for form in header.forms.values()}) > 1:
            return f"{result.name} lies at two places"
    return ""


def no_folder_has_a_name_of_a_file(folder: Path, said: str) -> str:
    """A picture was asked for, and no folder of that name was made."""
    return "a folder result.png was made" if (folder / "result.png").exists() else ""


def last_network_is_kept(folder: Path, said: str) -> str:
    """Where no validation tells, the last network is the one that is exported."""
    files = (folder / "run" / "train" / "fold0" / f"{name}.pt" for name in ("best", "last"))
    best, last = (load_checkpoint(path, torch.device("cpu"))["network"] for path in files)
    return "" if all(torch.equal(best[key], last[key]) for key in last) else "the first network is kept"


def _voxels(path: Path) -> np.ndarray:
    """[Z, Y, X]."""
    return sitk.GetArrayFromImage(read_channels(path)[0])
