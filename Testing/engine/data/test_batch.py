"""Which files of a folder are segmented, and into which: the command line and the panel ask the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from dints.data.batch import folder_works
from dints.errors import InputError

from .dicom_files import axial, save_stack


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two images; nothing of them is read here."""
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("a.nrrd", "b.nii.gz", "notes.txt", "._b.nii.gz"):
        (folder / name).write_bytes(b"")
    return folder


def test_each_image_has_a_file_of_its_name(folder, tmp_path):
    assert folder_works(folder, tmp_path / "out", 1) == [
        ((folder / "a.nrrd",), tmp_path / "out" / "a.nii.gz"),
        ((folder / "b.nii.gz",), tmp_path / "out" / "b.nii.gz"),
    ]


def test_a_folder_of_slices_is_one_image(tmp_path):
    save_stack(tmp_path / "series", axial(3))
    assert folder_works(tmp_path / "series", tmp_path / "out", 1) == [
        ((tmp_path / "series",), tmp_path / "out" / "series.nii.gz")
    ]


def test_a_second_call_finds_the_same_images(folder):
    out = folder / "results" / "today"
    works = folder_works(folder, out, 1)
    out.mkdir(parents=True)
    (out / "a.nii.gz").write_bytes(b"")
    assert folder_works(folder, out, 1) == works


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ("in", "would replace"),
        ("in/../in", "would replace"),
        ("in/a.nrrd", "is a file, and the input a folder"),
        ("out.nii.gz", "is a file, and the input a folder"),
    ],
)
def test_results_go_to_a_folder_of_their_own(folder, tmp_path, output, reason):
    with pytest.raises(InputError, match=reason):
        folder_works(folder, tmp_path / output, 1)


def test_results_that_would_be_images_the_next_time_are_refused(folder):
    (folder / "b.nii.gz").unlink()
    with pytest.raises(InputError, match="would be taken for images the next time; give another folder"):
        folder_works(folder, folder, 1)


def test_a_folder_without_images_is_refused(tmp_path):
    for name in ("empty", "missing"):
        (tmp_path / "empty").mkdir(exist_ok=True)
        with pytest.raises(InputError, match=f"{name}: holds no images"):
            folder_works(tmp_path / name, tmp_path / "out", 1)


def test_a_channel_that_is_missing_is_noticed_though_there_are_as_many_files(tmp_path):
    for name in ("a_0000", "a_0001", "b_0000", "b_0002", "c_0000", "c_0001"):
        (tmp_path / f"{name}.nii.gz").write_bytes(b"")
    with pytest.raises(InputError, match=r"b: has channels 0000 0002, where others have 0000 0001; add the missing"):
        folder_works(tmp_path, tmp_path / "out", 2)


def test_a_folder_of_images_within_that_of_the_results_stays_as_it_is(folder, tmp_path):
    """Also where the results of before lie beside it."""
    (tmp_path / "a.nii.gz").write_bytes(b"")
    assert folder_works(folder, tmp_path, 1) == [
        ((folder / "a.nrrd",), tmp_path / "a.nii.gz"),
        ((folder / "b.nii.gz",), tmp_path / "b.nii.gz"),
    ]
