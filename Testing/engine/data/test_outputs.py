"""Results take the place of nothing that is read, and of no other result."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dints import InputError
from dints.data.outputs import refuse_overlap


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    path = tmp_path / "in" / "scan.nii.gz"
    path.parent.mkdir()
    path.write_bytes(b"scan")
    return path


def spellings(scan: Path) -> dict[str, Path]:
    """The scan by other names."""
    folder = scan.parent
    (folder.parent / "link").symlink_to(folder)
    (folder / "soft.nii.gz").symlink_to(scan)
    os.link(scan, folder / "hard.nii.gz")
    return {
        "itself": scan,
        "dots": folder / ".." / folder.name / scan.name,
        "folder's link": folder.parent / "link" / scan.name,
        "link": folder / "soft.nii.gz",
        "hard link": folder / "hard.nii.gz",
        "relative": Path(os.path.relpath(scan)),
    }


@pytest.mark.parametrize("name", ["itself", "dots", "folder's link", "link", "hard link", "relative"])
def test_a_scan_is_not_replaced_whatever_it_is_called(scan, name):
    with pytest.raises(InputError, match=r"would replace .*, which is read; choose another"):
        refuse_overlap([((scan,), spellings(scan)[name])])


def test_neither_another_input_nor_a_slice_of_a_series_nor_the_model_is_replaced(scan, tmp_path):
    series = tmp_path / "series"
    series.mkdir()
    (series / "IM0001.dcm").write_bytes(b"slice")
    other = tmp_path / "other.nii.gz"
    other.write_bytes(b"scan")
    for works, others in (
        ([((scan,), tmp_path / "a.nii.gz"), ((other,), scan)], []),
        ([((series,), series / "IM0001.dcm")], []),
        ([((scan,), other)], [other]),
    ):
        with pytest.raises(InputError, match="would replace"):
            refuse_overlap(works, others)


def test_two_results_need_two_files(scan, tmp_path):
    twin = scan.with_suffix("").with_suffix(".nrrd")
    twin.write_bytes(b"scan")
    with pytest.raises(InputError, match=r"would hold the results of both .*scan\.nii\.gz and .*scan\.nrrd"):
        refuse_overlap([((scan,), tmp_path / "out" / "scan.nii.gz"), ((twin,), tmp_path / "out" / "." / "scan.nii.gz")])


def test_a_folder_is_no_place_for_a_file(scan, tmp_path):
    (tmp_path / "out.nii.gz").mkdir()
    with pytest.raises(InputError, match="is a folder"):
        refuse_overlap([((scan,), tmp_path / "out.nii.gz")])


def test_other_places_are_fine_also_beside_the_inputs(scan):
    refuse_overlap([((scan,), scan.parent / "out" / "scan.nii.gz")])
    refuse_overlap([((scan,), scan.parent / "scan_segmented.nii.gz")])
