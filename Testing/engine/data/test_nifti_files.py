"""NIfTI files of real habits: the very file that was named is read, whatever lies beside it and however it is kept."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from dints.data.images import read_channels, read_image, read_label, write_image
from dints.data.nifti import RAS_TO_LPS
from dints.data.nifti_files import count_not_finite
from dints.data.placement import affine_of
from dints.errors import InputError

from .nifti_bytes import header, nifti, stored, written

VOXELS = np.random.default_rng(0).integers(-900, 900, (7, 8, 9)).astype(np.int16)
MOVED = (1, 0, 0, 28, 0, 1, 0, -39, 0, 0, 1, 0)
PLACE = RAS_TO_LPS @ np.vstack([np.reshape(MOVED, (3, 4)), [0, 0, 0, 1]])


def array_of(path: Path) -> np.ndarray:
    return sitk.GetArrayFromImage(read_image(path, pytest.fail))


def write_as(folder: Path, stem: str, suffix: str, voxels: np.ndarray, **changes: object) -> Path:
    """A NIfTI file, or a pair, compressed as its suffix says; returns what is to be read."""
    pack: Callable[[bytes], bytes] = gzip.compress if suffix.lower().endswith(".gz") else bytes
    if ".hdr" in suffix.lower():
        img = suffix.replace("hdr", "img").replace("HDR", "IMG")
        written(folder / (stem + img), pack(stored(voxels)))
        return written(folder / (stem + suffix), pack(header(voxels, pair=True, **changes)))
    return written(folder / (stem + suffix), pack(nifti(voxels, **changes)))


@pytest.mark.parametrize("same_size", [True, False])
def test_a_file_is_read_by_its_exact_name_whatever_lies_beside_it(same_size: bool, tmp_path: Path) -> None:
    contents = {}
    for number, suffix in enumerate((".nii", ".nii.gz", ".hdr", ".hdr.gz")):
        voxels = VOXELS + number if same_size else VOXELS[: 3 + number] + number
        contents[write_as(tmp_path, "A", suffix, voxels)] = voxels
    for path, voxels in contents.items():
        np.testing.assert_array_equal(array_of(path), voxels)
        np.testing.assert_array_equal(sitk.GetArrayFromImage(read_channels(path)[0]), voxels)


def test_a_label_is_read_by_its_exact_name(tmp_path: Path) -> None:
    for suffix, value in ((".nii", 3), (".nii.gz", 5)):
        write_as(tmp_path, "A", suffix, np.full((4, 5, 6), value, np.uint8))
    assert sitk.GetArrayFromImage(read_label(tmp_path / "A.nii.gz")).max() == 5
    assert sitk.GetArrayFromImage(read_label(tmp_path / "A.nii")).max() == 3


def test_voxels_that_are_no_numbers_are_counted_in_the_file_that_was_named(tmp_path: Path) -> None:
    voxels = VOXELS.astype(np.float32)
    bad = voxels.copy()
    bad[0, 0, :3] = np.nan
    write_as(tmp_path, "A", ".nii", voxels)
    write_as(tmp_path, "A", ".nii.gz", bad)
    assert count_not_finite(tmp_path / "A.nii") == 0
    assert count_not_finite(tmp_path / "A.nii.gz") == 3
    read_channels(tmp_path / "A.nii")
    with pytest.raises(InputError, match=r"A\.nii\.gz: has 3 voxels that are NaN"):
        read_channels(tmp_path / "A.nii.gz")


@pytest.mark.parametrize(
    "suffix", [".NII", ".Nii", ".NII.GZ", ".Nii.gz", ".nii.GZ", ".nIi.gZ", ".HDR", ".NRRD", ".Nrrd", ".MHA", ".Mha"]
)
def test_suffixes_in_any_case_are_read_and_written(suffix: str, tmp_path: Path) -> None:
    if suffix.lower() in (".nrrd", ".mha"):
        sitk.WriteImage(sitk.GetImageFromArray(VOXELS), str(tmp_path / f"a{suffix.lower()}"))
        path = (tmp_path / f"a{suffix.lower()}").rename(tmp_path / f"Scan{suffix}")
    else:
        path = write_as(tmp_path, "Scan", suffix, VOXELS)
    np.testing.assert_array_equal(array_of(path), VOXELS)
    if suffix != ".HDR":
        write_image(sitk.GetImageFromArray(VOXELS), tmp_path / "out" / f"Result{suffix}")
        assert [file.name for file in (tmp_path / "out").iterdir()] == [f"Result{suffix}"]
        np.testing.assert_array_equal(array_of(tmp_path / "out" / f"Result{suffix}"), VOXELS)


@pytest.mark.parametrize("suffix", [".Mhd", ".Nhdr", ".MHD", ".NHDR"])
def test_detached_headers_in_any_case_are_read(suffix: str, tmp_path: Path) -> None:
    sitk.WriteImage(sitk.GetImageFromArray(VOXELS), str(tmp_path / f"a{suffix.lower()}"))
    (tmp_path / f"a{suffix.lower()}").rename(tmp_path / f"b{suffix}")
    np.testing.assert_array_equal(array_of(tmp_path / f"b{suffix}"), VOXELS)


@pytest.mark.parametrize("name", ["scan.hdr", "scan.img"])
@pytest.mark.parametrize("packed", ["", ".gz"])
def test_a_pair_of_header_and_voxels_is_one_image(name: str, packed: str, tmp_path: Path) -> None:
    write_as(tmp_path, "scan", f".hdr{packed}", VOXELS, rows=MOVED, codes=(0, 1))
    image = read_image(tmp_path / (name + packed), pytest.fail)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), VOXELS)
    np.testing.assert_allclose(affine_of(image), PLACE)


def test_a_pair_without_one_of_its_files_is_refused(tmp_path: Path) -> None:
    write_as(tmp_path, "scan", ".hdr", VOXELS)
    (tmp_path / "scan.img").rename(tmp_path / "other.img")
    with pytest.raises(InputError, match=r"scan\.hdr: has no scan\.img with its voxels beside it; copy both"):
        read_image(tmp_path / "scan.hdr")
    with pytest.raises(InputError, match=r"other\.img: has no other\.hdr with its header beside it; copy both"):
        read_image(tmp_path / "other.img")


def test_a_pair_whose_voxels_are_cut_off_is_refused(tmp_path: Path) -> None:
    path = write_as(tmp_path, "scan", ".hdr", VOXELS)
    written(tmp_path / "scan.img", stored(VOXELS)[:-5])
    with pytest.raises(InputError, match=r"scan\.img: is cut off .*announces 1008 bytes"):
        read_image(path)


def test_an_analyze_file_is_refused_as_it_has_no_sides(tmp_path: Path) -> None:
    path = write_as(tmp_path, "scan", ".hdr", VOXELS, magic=b"\0\0\0\0")
    with pytest.raises(InputError, match=r"scan\.hdr: is the header of an Analyze file, which does not say which side"):
        read_image(path)


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".hdr"])
def test_both_versions_and_byte_orders_are_read(version: int, order: str, suffix: str, tmp_path: Path) -> None:
    voxels = VOXELS.astype(np.float32)
    pack: Callable[[bytes], bytes] = gzip.compress if suffix == ".nii.gz" else bytes
    changes = {"rows": MOVED, "codes": (0, 2), "scale": (2, -5)}
    if suffix == ".hdr":
        written(tmp_path / "scan.img", stored(voxels, order))
        content = header(voxels, version, order, pair=True, **changes)
    else:
        content = nifti(voxels, version, order, **changes)
    image = read_image(written(tmp_path / f"scan{suffix}", pack(content)), pytest.fail)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), voxels * 2 - 5)
    np.testing.assert_allclose(affine_of(image), PLACE)


def test_a_file_is_packed_as_its_content_says(tmp_path: Path) -> None:
    for name, content in (("gz.nii", gzip.compress(nifti(VOXELS))), ("plain.nii.gz", nifti(VOXELS))):
        np.testing.assert_array_equal(array_of(written(tmp_path / name, content)), VOXELS)


@pytest.mark.parametrize("where", ["plain", "within gzip", "after gzip", "zeros after gzip", "pair"])
def test_bytes_after_the_voxels_are_none_of_them(where: str, tmp_path: Path) -> None:
    voxels, more = VOXELS.astype(np.float32), np.full(50, np.nan, np.float32).tobytes()
    contents = {
        "plain": ("a.nii", nifti(voxels) + more),
        "within gzip": ("a.nii.gz", gzip.compress(nifti(voxels) + more)),
        "after gzip": ("a.nii.gz", gzip.compress(nifti(voxels)) + b"garbage" * 9),
        "zeros after gzip": ("a.nii.gz", gzip.compress(nifti(voxels)) + bytes(99)),
        "pair": ("a.hdr", header(voxels, pair=True)),
    }
    written(tmp_path / "a.img", stored(voxels) + more)
    name, content = contents[where]
    (image,) = read_channels(written(tmp_path / name, content), pytest.fail)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), voxels)


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_voxels_that_are_no_numbers_are_counted(
    tmp_path: Path, version: int, order: str, kind: type, suffix: str
) -> None:
    voxels = np.arange(300_000, dtype=kind).reshape(3, 100, 1000)  # more than one block
    voxels[0, 0, 0], voxels[1, 50, 1], voxels[-1, -1, -1] = np.nan, np.inf, -np.inf
    content = nifti(voxels, version, order)
    path = written(tmp_path / f"image{suffix}", gzip.compress(content, 1) if suffix == ".nii.gz" else content)
    assert count_not_finite(path) == 3


def test_whole_numbered_voxels_and_other_formats_are_not_searched(tmp_path: Path) -> None:
    assert count_not_finite(written(tmp_path / "image.nii", nifti(np.full((2, 2, 2), -1, np.int16)))) == 0
    assert count_not_finite(written(tmp_path / "image.nrrd", b"NRRD")) == 0


def test_a_file_that_ends_early_is_refused(tmp_path: Path) -> None:
    voxels = np.random.default_rng(0).normal(size=(9, 10, 11)).astype(np.float32)
    path = written(tmp_path / "image.nii.gz", gzip.compress(nifti(voxels))[:-100])
    with pytest.raises(InputError, match=r"image\.nii\.gz: cannot be read to its end"):
        count_not_finite(path)
