"""Data sets that cannot be trained with, although each of their files can be read: refused in a sentence."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

LABEL = "labels/b.nii.gz"


def rewrite(path: Path, change: Callable[[np.ndarray], np.ndarray], spacing: float = 1.0, origin: float = 0.0) -> None:
    """Changes the voxels [z, y, x] and the grid of an image."""
    image = sitk.GetImageFromArray(change(sitk.GetArrayFromImage(sitk.ReadImage(str(path)))), isVector=False)
    if image.GetDimension() == 3:
        image.SetSpacing([spacing] * 3)
        image.SetOrigin([origin] * 3)
    sitk.WriteImage(image, str(path))


def half(label: np.ndarray) -> np.ndarray:
    return label * np.float32(0.5)


def with_nan(label: np.ndarray) -> np.ndarray:
    label = label.astype(np.float32)
    label[0, 0, 0] = np.nan
    return label


BAD_LABELS: dict[str, tuple[Callable[[Path], Any], str]] = {
    "smaller": (lambda path: rewrite(path, lambda label: label[1:]), "its size is (24, 24, 19)"),
    "another spacing": (lambda path: rewrite(path, np.array, spacing=1.5), "its spacing is"),
    "elsewhere": (lambda path: rewrite(path, np.array, origin=7), "its origin is"),
    "fractions": (lambda path: rewrite(path, half), "holds 0.5; label values must be whole numbers"),
    "undeclared values": (lambda path: rewrite(path, lambda label: label * 9), "outside the declared labels 0, 1"),
    "negative values": (lambda path: rewrite(path, lambda label: -label.astype(np.int16)), "must lie in 0..65535"),
    "huge values": (lambda path: rewrite(path, lambda label: label * np.int32(10**6)), "must lie in 0..65535"),
    "several volumes": (lambda path: rewrite(path, lambda label: np.stack([label] * 2)), "holds 2 volumes"),
    "a picture": (lambda path: sitk.WriteImage(sitk.Image(24, 24, sitk.sitkUInt8), str(path)), "2 dimensions"),
    "NaN": (lambda path: rewrite(path, with_nan), "that are NaN or infinite"),
    "truncated": (lambda path: path.write_bytes(path.read_bytes()[:-30]), "is cut off"),
    "a folder": (lambda path: (path.unlink(), path.mkdir()), "has no label"),
}


@pytest.mark.parametrize("name", set(BAD_LABELS) - {"a folder"})
def test_a_bad_label_is_refused(name: str, command: Callable, data: Path) -> None:
    (data / "labels.yaml").write_text("{0: background, 1: organ}")
    spoil, reason = BAD_LABELS[name]
    spoil(data / LABEL)
    command("check", data, "--folds", "2").refuses(str(data / LABEL), reason)
    command("search", "--run", data / "run", "--data", data, "--set", "training.folds=2").refuses(str(data / LABEL))
    assert not (data / "run").exists()


LISTS: dict[str, tuple[Any, str]] = {
    "no JSON": ("{", "is not valid JSON"),
    "no text": (b"\xff\xfe\x00", "is not valid JSON"),
    "NaN": ('{"training": [], "tolerance": NaN}', "NaN is no number"),
    "nested without end": ("[" * 100_000, "nested too deeply"),
    "a list": ([], "must hold an object"),
    "cases in an object": ({"training": {"image": "a"}}, "must be a list of cases"),
    "case without label": ({"training": [{"image": "images/a.nii.gz"}]}, "is not a case"),
    "case of numbers": ({"training": [{"image": 1, "label": 2}]}, "is not a case"),
    "no case": ({"training": []}, "holds no images"),
    "path upwards": ({"training": [{"image": "../a.nii", "label": "labels/a.nii.gz"}]}, "lies outside"),
    "path upwards inside": ({"training": [{"image": "images/../../a.nii", "label": "l"}]}, "lies outside"),
    "path with backslashes": ({"training": [{"image": "..\\a.nii", "label": "l"}]}, "lies outside"),
    "absolute path": ({"training": [{"image": "images/a.nii.gz", "label": "/etc/passwd"}]}, "lies outside"),
    "path of a drive": ({"training": [{"image": "C:\\a.nii", "label": "l"}]}, "lies outside"),
    "empty path": ({"training": [{"image": "", "label": "l"}]}, "lies outside"),
    "zero character": ({"training": [{"image": "a\0.nii", "label": "l"}]}, "does not exist"),
    "half a character": ({"training": [{"image": "a\ud800.nii", "label": "l"}]}, "does not exist"),
    "labels without numbers": ({"labels": {"liver": "organ"}}, "has no whole number"),
    "labels in a list": ({"labels": ["liver"]}, "must be a mapping"),
    "a value twice": ({"labels": {"a": 1, "b": 1}}, "is declared twice"),
    "an endless value": ({"labels": {"1" * 5000: "liver"}}, "has no whole number"),
    "channels without numbers": ({"modality": {"first": "CT"}}, "must number its channels"),
    "channels of a wrong type": ({"modality": 3}, "must be a mapping"),
    "missing channels": ({"modality": {"0": "T1", "1": "T2"}}, "has 1 channels instead of 2 (T1, T2)"),
}


@pytest.mark.parametrize("name", LISTS)
def test_a_bad_dataset_json_is_refused(name: str, command: Callable, data: Path) -> None:
    content, reason = LISTS[name]
    if isinstance(content, dict):
        cases = [{"image": f"images/{case}.nii.gz", "label": f"labels/{case}.nii.gz"} for case in "abcd"]
        content = {"training": cases, **content}
    if not isinstance(content, str | bytes):
        content = json.dumps(content)
    (data / "dataset.json").write_bytes(content if isinstance(content, bytes) else content.encode())
    outcome = command("check", data, "--folds", "2")
    outcome.refuses(reason, str(data))


def test_the_same_case_twice_is_refused(command: Callable, data: Path) -> None:
    shutil.copy(data / "images" / "a.nii.gz", data / "images" / "a.nii")
    command("check", data, "--folds", "2").refuses("has the same case name 'a'")


def test_a_second_label_and_a_label_without_image_are_refused(command: Callable, data: Path) -> None:
    shutil.copy(data / LABEL, data / "labels" / "z.nii.gz")
    command("check", data, "--folds", "2").refuses(str(data / "labels" / "z.nii.gz"), "no image of the same name")
    (data / "labels" / "z.nii.gz").rename(data / "labels" / "b.seg.nrrd")
    command("check", data, "--folds", "2").refuses("b.seg.nrrd", "is a second label of the case")


def test_channels_on_different_grids_are_refused(command: Callable, data: Path) -> None:
    for path in sorted((data / "images").iterdir()):
        first = path.rename(path.with_name(path.name.replace(".nii.gz", "_0000.nii.gz")))
        shutil.copy(first, path.with_name(path.name.replace(".nii.gz", "_0001.nii.gz")))
    second = data / "images" / "c_0001.nii.gz"
    rewrite(second, lambda voxels: voxels[:, 2:])
    command("check", data, "--folds", "2").refuses(str(second), "its size is (24, 22, 20)", "c_0000.nii.gz")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{1: liver", "cannot be read"),
        ("a: &a [1]\nb: *a", "which is not supported"),
        ("!!python/object/apply:os.system [id]", "could not determine a constructor"),
        ("[liver]", "must be a mapping"),
        ("{1.5: liver}", "has no whole number"),
        ("{" * 60_000, "nested too deeply"),
    ],
)
def test_bad_names_of_labels_are_refused(text: str, reason: str, command: Callable, data: Path) -> None:
    (data / "labels.yaml").write_text(text)
    command("check", data, "--folds", "2").refuses(str(data / "labels.yaml"), reason)


def test_a_folder_that_is_no_data_set_is_refused(command: Callable, data: Path, tmp_path: Path) -> None:
    empty, file = tmp_path / "empty", tmp_path / "file.txt"
    empty.mkdir()
    file.write_text("text")
    command("check", empty).refuses(str(empty), "neither dataset.json nor images/ and labels/")
    command("check", tmp_path / "absent").refuses(str(tmp_path / "absent"), "is not a folder")
    command("check", file).refuses(str(file))
    command("check", data, "--folds", "5").refuses(str(data), "too few for 5 folds")
    command("check", "x" * 300).refuses("File name too long")


def test_names_that_are_no_text_are_refused_and_can_be_shown(command: Callable, data: Path) -> None:
    for kind in ("images", "labels"):
        (data / kind / "b.nii.gz").rename(data / kind / os.fsdecode(b"b\xff.nii.gz"))
    outcome = command("check", data, "--folds", "2")
    outcome.refuses("b\\udcff.nii.gz: has a name that is no valid text")
    assert "error: " in outcome.output


def test_a_folder_that_holds_itself_is_refused(command: Callable, data: Path) -> None:
    """It is taken for a folder of DICOM files; nothing follows the link."""
    (data / "images" / "b.nii.gz").unlink()
    (data / "images" / "b").symlink_to(data / "images")
    command("check", data, "--folds", "2").refuses(str(data / "images" / "b"), "holds no DICOM series")
