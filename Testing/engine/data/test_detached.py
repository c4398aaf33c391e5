"""Headers that name the files of their voxels: these are found, or named when they are not there or are no files."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from dints.data.detached import voxel_files
from dints.data.images import read_image
from dints.errors import InputError

VOXELS = np.arange(60, dtype=np.int16).reshape(3, 4, 5)
KEYS = {".mhd": "ElementDataFile = ", ".nhdr": "data file: "}


def saved(path: Path) -> Path:
    sitk.WriteImage(sitk.GetImageFromArray(VOXELS), str(path))
    return path


def naming(path: Path, entry: str) -> Path:
    """The header with another entry for its voxels."""
    text = path.read_text()
    path.write_text(text[: text.index(KEYS[path.suffix])] + KEYS[path.suffix] + entry + "\n")
    return path


@pytest.mark.parametrize("suffix", KEYS)
def test_one_file_of_voxels_is_found_beside_the_header(suffix: str, tmp_path: Path) -> None:
    path = saved(tmp_path / f"a{suffix}")
    assert voxel_files(path) == [tmp_path / "a.raw"]
    np.testing.assert_array_equal(sitk.GetArrayFromImage(read_image(path)), VOXELS)


@pytest.mark.parametrize("suffix", KEYS)
@pytest.mark.parametrize("entry", ["LIST", "s%02d.raw 1 3 1"])
def test_a_file_a_slice_is_found(entry: str, suffix: str, tmp_path: Path) -> None:
    path = saved(tmp_path / f"a{suffix}")
    names = ["s01.raw", "s02.raw", "s03.raw"]
    for name, voxels in zip(names, VOXELS, strict=True):
        (tmp_path / name).write_bytes(voxels.tobytes())
    naming(path, "\n".join([entry, *names]) if entry == "LIST" else entry)
    assert voxel_files(path) == [tmp_path / name for name in names]
    np.testing.assert_array_equal(sitk.GetArrayFromImage(read_image(path)), VOXELS)
    (tmp_path / "s02.raw").unlink()
    with pytest.raises(InputError, match=rf"a{suffix}: its voxels are in s02\.raw, which is not there; copy"):
        read_image(path)


@pytest.mark.parametrize("suffix", KEYS)
@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("gone.raw", r"its voxels are in gone\.raw, which is not there"),
        ("folder", "its voxels are in folder, which is no file"),
        ("pipe", "its voxels are in pipe, which is no file"),
        (os.devnull, "which is no file"),
        ("s%999999999d.raw 1 2", "is not understood; save it as one file"),
        ("s%d.raw 1 999999999", "is not understood; save it as one file"),
        ("short.raw", "cut off|cannot be read"),
    ],
)
def test_voxels_that_are_not_there_or_never_end_are_named(
    entry: str, reason: str, suffix: str, tmp_path: Path, capfd: pytest.CaptureFixture
) -> None:
    if os.name == "nt" and entry in ("pipe", os.devnull):
        pytest.skip("Windows has no pipes in folders")
    (tmp_path / "folder").mkdir()
    if entry == "pipe":
        os.mkfifo(tmp_path / "pipe")
    (tmp_path / "short.raw").write_bytes(VOXELS.tobytes()[:-30])
    path = naming(saved(tmp_path / f"a{suffix}"), entry)
    with pytest.raises(InputError, match=reason):
        read_image(path)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("suffix", KEYS)
def test_a_header_that_names_no_voxels_is_refused(suffix: str, tmp_path: Path) -> None:
    path = saved(tmp_path / f"a{suffix}")
    text = path.read_text()
    path.write_text(text[: text.index(KEYS[suffix])] + "\n")
    with pytest.raises(InputError):
        read_image(path)
