"""Listing data sets that are folders of images and labels of the same names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dints.data.datalist import read_datalist
from dints.errors import InputError

from .dicom_files import axial, save_stack
from .image_files import save, save_dicom


@pytest.mark.parametrize("folders", [("images", "labels"), ("imagesTr", "labelsTr")])
def test_plain_folders_match_images_and_labels_of_any_format_by_name(tmp_path: Path, folders: tuple[str, str]) -> None:
    images, labels = (tmp_path / name for name in folders)
    save(images / "a.nii.gz")
    save(images / "b.nrrd")
    save(images / "c.mha")
    save(images / "d.mhd")
    for name in ("a.mha", "b.nii.gz", "c.seg.nrrd", "d.nii"):
        save(labels / name, np.arange(6) % 3 * 2, dtype=np.uint8)
    save(tmp_path / "imagesTs/e.nii")
    datalist = read_datalist(tmp_path)
    assert [case.name for case in datalist.cases] == ["a", "b", "c", "d"]
    assert [case.label.name for case in datalist.cases if case.label] == ["a.mha", "b.nii.gz", "c.seg.nrrd", "d.nii"]
    assert [case.name for case in datalist.unlabelled] == ["e"]
    assert datalist.labels == {0: "background", 2: "label 2", 4: "label 4"}
    assert (datalist.name, datalist.modality, datalist.channels) == (tmp_path.name, None, ("image",))
    assert not datalist.problems


def test_plain_folders_group_channels_by_their_number(tmp_path: Path) -> None:
    for name in ("a_0000", "a_0001", "b_0000", "b_0001"):
        save(tmp_path / f"images/{name}.nii.gz")
    for name in "ab":
        save(tmp_path / f"labels/{name}.nii.gz", 1)
    for name in ("c_0001", "c_0000"):
        save(tmp_path / f"imagesTs/{name}.nrrd")
    datalist = read_datalist(tmp_path)
    assert [(case.name, len(case.images)) for case in datalist.cases] == [("a", 2), ("b", 2)]
    assert [path.name for path in datalist.unlabelled[0].images] == ["c_0000.nrrd", "c_0001.nrrd"]
    assert datalist.channels == ("channel 0", "channel 1")


def test_four_digits_that_labels_have_too_number_cases_and_not_channels(tmp_path: Path) -> None:
    for name in ("scan_0001", "scan_0002"):
        save(tmp_path / f"images/{name}.nii.gz")
        save(tmp_path / f"labels/{name}.nii.gz", 1)
    assert [case.name for case in read_datalist(tmp_path).cases] == ["scan_0001", "scan_0002"]


def test_folders_of_dicom_files_are_images(tmp_path: Path) -> None:
    save_dicom(tmp_path / "images/a")
    save(tmp_path / "images/b.nii.gz", shape=(3, 5, 6))
    for name in "ab":
        save(tmp_path / f"labels/{name}.nii.gz", 1, shape=(3, 5, 6))
    datalist = read_datalist(tmp_path)
    assert [case.name for case in datalist.cases] == ["a", "b"]
    assert datalist.cases[0].images == (tmp_path / "images/a",)


def test_what_has_no_partner_in_plain_folders_is_reported(tmp_path: Path) -> None:
    for name in ("images/a", "images/b", "labels/b", "labels/c"):
        save(tmp_path / f"{name}.nii.gz", 1)
    save(tmp_path / "labels/b.nrrd", 1)
    save(tmp_path / "images/b.mha")
    datalist = read_datalist(tmp_path)
    assert [case.name for case in datalist.cases] == ["b"]
    assert [case.name for case in datalist.unlabelled] == ["a"]
    found = [(Path(problem.file).name, problem.severity) for problem in datalist.problems]
    assert found == [("a.nii.gz", "warning"), ("c.nii.gz", "error"), ("b.nrrd", "error"), ("b.nii.gz", "error")]
    assert all(problem.remedy for problem in datalist.problems)


@pytest.mark.parametrize(
    ("name", "text"),
    [("labels.yaml", "{0: background, 1: liver}"), ("labels.yml", "liver: 1"), ("labels.json", '{"1": "liver"}')],
)
def test_label_names_come_from_a_file_beside_the_folders(tmp_path: Path, name: str, text: str) -> None:
    save(tmp_path / "images/a.nii.gz")
    save(tmp_path / "labels/a.nii.gz", 7)
    (tmp_path / name).write_text(text)
    assert read_datalist(tmp_path).labels == {0: "background", 1: "liver"}


def test_a_label_file_that_is_no_yaml_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "images/a.nii.gz")
    (tmp_path / "labels.yaml").write_text("{1: ")
    with pytest.raises(InputError, match=r"labels\.yaml: cannot be read"):
        read_datalist(tmp_path)


def test_files_that_cannot_be_read_do_not_keep_a_data_set_from_being_listed(tmp_path: Path) -> None:
    for name in ("images/a", "labels/a"):
        save(tmp_path / f"{name}.nii.gz").write_bytes(b"no image")
    save(tmp_path / "images/b.nii.gz")
    save(tmp_path / "labels/b.nii.gz", 5)
    datalist = read_datalist(tmp_path)
    assert datalist.labels == {0: "background", 5: "label 5"}
    assert datalist.channels == ("image",)


def test_loose_dicom_files_beside_the_images_are_named(tmp_path: Path) -> None:
    save(tmp_path / "images/a.nii.gz")
    save(tmp_path / "labels/a.nii.gz", 1, dtype=np.uint8)
    save_stack(tmp_path / "images", axial(3))
    (tmp_path / "images/notes.txt").write_text("seen twice")
    datalist = read_datalist(tmp_path)
    (problem,) = datalist.problems
    assert problem.severity == "warning"
    assert "IM0003.dcm: is one of 3 DICOM files beside the images, which are passed over; put" in str(problem)


def test_letters_with_accents_are_the_same_however_they_are_written(tmp_path: Path) -> None:
    composed, decomposed = "M\u00fcller", "Mu\u0308ller"
    save(tmp_path / f"images/{decomposed}.nii.gz")
    save(tmp_path / f"labels/{composed}.nii.gz", 1)
    datalist = read_datalist(tmp_path)
    assert [case.name for case in datalist.cases] == [decomposed]
    assert not datalist.problems
