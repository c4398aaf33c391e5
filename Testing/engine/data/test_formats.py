"""What a file is: by its name, and by its first bytes where it is not what its name says."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from dints.data.formats import image_name, is_image
from dints.data.images import read_image
from dints.errors import InputError

from .nifti_bytes import nifti, written

NIFTI = nifti(np.zeros((3, 4, 5), np.int16))


def nrrd(tmp_path: Path) -> bytes:
    sitk.WriteImage(sitk.GetImageFromArray(np.zeros((3, 4, 5), np.int16)), str(tmp_path / "sound.nrrd"))
    return (tmp_path / "sound.nrrd").read_bytes()


def test_names_of_images_are_recognised_and_stripped_of_their_suffix() -> None:
    assert image_name("a/case 1.2.nii.gz") == "case 1.2"
    assert image_name("B.NRRD") == "B"
    assert image_name("c.Nii.Gz") == "c"
    assert image_name("pair.hdr") == image_name("pair.img") == image_name("pair.img.gz") == "pair"
    assert image_name("series") == "series"
    assert is_image("x/A.NII.GZ")
    assert is_image("x/pair.hdr")
    assert not is_image("x/pair.img")  # which would be the same image twice
    assert not is_image("x/._A.nii.gz")
    assert not is_image("notes.txt")


@pytest.mark.parametrize(
    ("name", "start", "reason"),
    [
        ("a.nrrd", b"\xef\xbb\xbf", "begins with a byte order mark, which text editors add; save its header without"),
        ("a.nii.gz", b"version https://git-lfs.github.com/spec/v1\n", "is a pointer of Git LFS.*; fetch the image"),
        ("a.nii.gz", b"<!DOCTYPE html>", "is a web page; download the image again"),
        ("a.nii", b"PK\3\4", "is a zip archive; unpack it"),
        ("a.nii.gz", b"../../annex/objects/a.nii.gz", "is the name of another file"),
        ("a.mha", b"\x89PNG\r\n", r"is a picture \(PNG\)"),
        ("a.nii", b"\0" * 128 + b"DICM", "holds a DICOM image; put all slices"),
        ("a.nrrd", b"\0" * 400, "cannot be read as an image"),
    ],
)
def test_a_file_that_is_something_else_is_refused_by_its_right_name(
    name: str, start: bytes, reason: str, tmp_path: Path, capfd: pytest.CaptureFixture
) -> None:
    path = written(tmp_path / name, start + nrrd(tmp_path))
    with pytest.raises(InputError, match=f"{name}: {reason}"):
        read_image(path)
    assert capfd.readouterr().err == ""


def test_a_header_in_utf16_is_refused_by_its_name(tmp_path: Path) -> None:
    text = nrrd(tmp_path).split(b"\n\n")[0].decode().encode("utf-16")
    with pytest.raises(InputError, match="has a header in UTF-16"):
        read_image(written(tmp_path / "a.nhdr", text))


@pytest.mark.parametrize("name", ["a.nii", "a.mha", "a.nii.gz"])
def test_an_image_under_the_name_of_another_format_is_refused(name: str, tmp_path: Path) -> None:
    path = written(tmp_path / name, nrrd(tmp_path))
    with pytest.raises(InputError, match=f"{name}: holds NRRD; give it the suffix .nrrd"):
        read_image(path)


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.jpg", "a.vtk", "a", "a.txt", "a.npy"])
def test_files_that_say_nothing_of_the_patient_are_refused_by_their_suffix(name: str, tmp_path: Path) -> None:
    """A stack of pictures, which ITK reads, has voxels of 1 mm and no sides."""
    path = tmp_path / name
    if name.endswith(".tif"):
        sitk.WriteImage(sitk.Image(4, 5, 6, sitk.sitkUInt8), str(path))
    else:
        written(path, b"anything")
    with pytest.raises(InputError, match=f"{name}: is no image that is read here; convert it"):
        read_image(path)


@pytest.mark.parametrize("suffix", [".mhd", ".nhdr", ".mha", ".nrrd"])
@pytest.mark.parametrize("change", ["windows", "trailing", "mark"])
def test_headers_as_other_programs_save_them(suffix: str, change: str, tmp_path: Path) -> None:
    """Lines that end as on Windows and bytes after the voxels are read; a mark of byte order is read or named."""
    voxels = np.arange(60, dtype=np.int16).reshape(3, 4, 5)
    path = tmp_path / f"a{suffix}"
    sitk.WriteImage(sitk.GetImageFromArray(voxels), str(path), suffix in (".nrrd", ".mha"))
    if change == "windows" and suffix in (".mhd", ".nhdr"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    elif change == "trailing":
        holder = path if suffix in (".nrrd", ".mha") else tmp_path / "a.raw"
        holder.write_bytes(holder.read_bytes() + b"more" * 20)
    elif change == "mark":
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    if change == "mark" and suffix in (".nrrd", ".nhdr"):
        with pytest.raises(InputError, match="begins with a byte order mark"):
            read_image(path)
    else:
        np.testing.assert_array_equal(sitk.GetArrayFromImage(read_image(path)), voxels)


def test_gzip_is_known_by_its_content(tmp_path: Path) -> None:
    assert read_image(written(tmp_path / "a.nii", gzip.compress(NIFTI))).GetSize() == (5, 4, 3)
