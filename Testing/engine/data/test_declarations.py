"""What a data set declares of its labels and images: in one place or in two, and beside settings for other data."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dints.config import TaskConfig
from dints.data.datalist import parse_labels, read_datalist
from dints.errors import InputError

from .image_files import save
from .test_datalist import write_description


def test_two_declarations_of_labels_must_agree(tmp_path: Path) -> None:
    folder = write_description(tmp_path)
    labels = read_datalist(folder).labels
    (folder / "labels.yaml").write_text(json.dumps({name: value for value, name in labels.items()}))
    assert read_datalist(folder).labels == labels
    (folder / "labels.yaml").write_text("{1: spleen}")
    with pytest.raises(InputError, match=r"labels.yaml: names other labels than dataset.json; remove it, or correct"):
        read_datalist(folder)


def test_a_file_of_another_program_beside_the_description_is_passed_over(tmp_path: Path) -> None:
    folder = write_description(tmp_path)
    (folder / "labels.json").write_text('{"version": "1.2", "shapes": []}')
    assert read_datalist(folder).labels == {0: "background", 1: "liver"}


@pytest.mark.parametrize("name", [None, True, [], ["liver"], "", " "])
def test_a_label_whose_name_is_no_text_is_refused(name: object) -> None:
    with pytest.raises(InputError, match=r"labels.yaml: label value 1 has the name .*; give it a text"):
        parse_labels({1: name}, "labels.yaml")


def test_values_of_labels_may_be_written_with_zeros_before_them(tmp_path: Path) -> None:
    save(tmp_path / "images/a.nii.gz")
    save(tmp_path / "labels/a.nii.gz", 1)
    (tmp_path / "labels.yaml").write_text("001: liver\n008: no\n010: spleen\n")
    assert read_datalist(tmp_path).labels == {0: "background", 1: "liver", 8: "no", 10: "spleen"}


def test_settings_for_other_data_are_warned_of(tmp_path: Path) -> None:
    folder = write_description(tmp_path, modality={"0": "MRI"}, labels={"0": "air", "1": "oedema", "2": "Core_1"})
    task = TaskConfig("BraTS", "", "CT", ("T1",), {0: "background", 1: "necrosis", 2: "core 1", 3: "enhancing"})
    remedy = "make sure that the settings are for these data"
    assert [str(problem) for problem in read_datalist(folder, task).problems] == [
        f"{folder}: calls value 1 'oedema', and the settings call it 'necrosis'; {remedy}",
        f"{folder}: has images of MR, and the settings are for CT; {remedy}",
    ]
    same = TaskConfig("Task", "", "MR", ("T1",), {0: "background", 1: "Oedema", 2: "core-1"})
    assert not read_datalist(folder, same).problems


def test_regions_that_the_settings_replace_are_of_no_concern(tmp_path: Path) -> None:
    folder = write_description(tmp_path, labels={"background": 0, "whole": [1, 2], "core": 2})
    assert read_datalist(folder, TaskConfig()).labels == TaskConfig().labels
    with pytest.raises(InputError, match="is a region of several values"):
        read_datalist(folder)
