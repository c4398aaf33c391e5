"""`dints segment` and `dints evaluate` as a user runs them: nothing is lost, and nothing goes wrong in silence."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from dints.cli import main
from dints.data.images import read_channels
from dints.files.storage import read_json


@pytest.fixture
def folder(scan_file: Path, tmp_path: Path) -> Path:
    """Three scans, the second cut off."""
    folder = tmp_path / "in"
    folder.mkdir()
    for name in "abc":
        shutil.copyfile(scan_file, folder / f"{name}.nrrd")
    content = (folder / "b.nrrd").read_bytes()
    (folder / "b.nrrd").write_bytes(content[: len(content) // 2])
    return folder


def segment(model_file: Path, *arguments: object) -> int:
    return main(["segment", "--model", str(model_file), "--overlap", "0", *map(str, arguments)])


def test_one_damaged_scan_does_not_stop_the_others_and_is_named_at_the_end(model_file, folder, tmp_path, capsys):
    for _ in range(2):
        assert segment(model_file, "--input", folder, "--output", tmp_path / "out") == 1
        assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.nii.gz", "c.nii.gz"]
        last = capsys.readouterr().err.strip().splitlines()[-1]
        assert "scans were not segmented" in last
        assert "b.nrrd" in last


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("DefaultCPUAllocator: not enough memory")])
def test_a_scan_for_which_memory_does_not_suffice_does_not_stop_the_others(
    model_file, folder, tmp_path, capsys, monkeypatch, error
):
    def read(paths: Sequence[Path], *remark: object) -> list[sitk.Image]:
        if paths[0].name == "b.nrrd":
            raise error
        return read_channels(paths)

    monkeypatch.setattr("dints.commands.segment_command.read_channels", read)
    assert segment(model_file, "--input", folder, "--output", tmp_path / "out") == 1
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.nii.gz", "c.nii.gz"]
    assert "1 of 3 scans were not segmented" in capsys.readouterr().err


@pytest.mark.parametrize(("option", "said"), [("--folds=7", "folds [7]: must name"), ("--batch-size=0", "batch_size")])
def test_options_without_meaning_are_refused_once_before_a_folder_is_read(
    model_file, folder, tmp_path, capsys, monkeypatch, option, said
):
    """Every scan was read, resampled and left out for it."""
    monkeypatch.setattr("dints.commands.segment_command.read_channels", None)  # whoever calls it fails
    assert segment(model_file, "--input", folder, "--output", tmp_path / "out", option) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


def test_what_is_there_is_said_and_not_done_again(model_file, folder, tmp_path, capsys):
    (folder / "b.nrrd").unlink()
    assert segment(model_file, "--input", folder, "--output", tmp_path / "out") == 0
    before = (tmp_path / "out" / "a.nii.gz").stat().st_mtime_ns
    capsys.readouterr()
    assert segment(model_file, "--input", folder, "--output", tmp_path / "out") == 0
    assert "2 of 2 are segmented already; --overwrite segments them again" in "".join(capsys.readouterr())
    assert (tmp_path / "out" / "a.nii.gz").stat().st_mtime_ns == before


def test_a_folder_of_one_scan_is_a_folder_too(model_file, folder, tmp_path):
    for name in "bc":
        (folder / f"{name}.nrrd").unlink()
    assert segment(model_file, "--input", folder, "--output", tmp_path / "out") == 0
    before = (tmp_path / "out" / "a.nii.gz").stat().st_mtime_ns
    assert segment(model_file, "--input", folder, "--output", tmp_path / "out") == 0
    assert (tmp_path / "out" / "a.nii.gz").stat().st_mtime_ns == before


@pytest.mark.parametrize("overwrite", [[], ["--overwrite"]])
def test_scans_are_not_replaced_by_their_segmentations(model_file, scan_file, tmp_path, overwrite, capsys):
    scan = tmp_path / "scan.nii.gz"
    sitk.WriteImage(sitk.ReadImage(str(scan_file)), str(scan))
    before = scan.read_bytes()
    for source, output in ((scan, tmp_path), (scan, scan), (tmp_path, tmp_path)):
        assert segment(model_file, "--input", source, "--output", output, *overwrite) == 2
        assert "would replace" in capsys.readouterr().err
    assert scan.read_bytes() == before


def test_results_among_the_scans_are_no_scans(model_file, folder):
    (folder / "b.nrrd").unlink()
    for _ in range(2):
        assert segment(model_file, "--input", folder, "--output", folder / "out", "--overwrite") == 0
    assert sorted(path.name for path in folder.iterdir()) == ["a.nrrd", "c.nrrd", "out"]
    assert sorted(path.name for path in (folder / "out").iterdir()) == ["a.nii.gz", "c.nii.gz"]


def test_results_in_a_folder_of_a_folder_among_the_scans_are_no_scans(model_file, folder):
    (folder / "b.nrrd").unlink()
    for _ in range(2):
        assert segment(model_file, "--input", folder, "--output", folder / "results" / "today") == 0
    assert sorted(path.name for path in (folder / "results" / "today").iterdir()) == ["a.nii.gz", "c.nii.gz"]


def test_two_scans_of_one_name_are_refused(model_file, folder, scan_file, tmp_path, capsys):
    sitk.WriteImage(sitk.ReadImage(str(scan_file)), str(folder / "a.mha"))
    assert segment(model_file, "--input", folder, "--output", tmp_path / "out") == 2
    assert "would hold the results of both" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["result.png", "result.nii.gzip", "Result.txt"])
def test_a_suffix_that_cannot_be_written_is_refused_before_the_work(model_file, scan_file, tmp_path, name, capsys):
    assert segment(model_file, "--input", scan_file, "--output", tmp_path / name) == 2
    assert "cannot be written with this suffix" in capsys.readouterr().err
    assert not (tmp_path / name).exists()


def label(path: Path, value: int) -> None:
    voxels = np.zeros((4, 5, 6), np.uint8)
    voxels[1:3, 1:4, 1:4] = value
    path.parent.mkdir(exist_ok=True)
    sitk.WriteImage(sitk.GetImageFromArray(voxels), str(path))


def test_a_missing_prediction_counts_as_nothing_found_and_is_named(tmp_path, capsys):
    for name in "abc":
        label(tmp_path / "ref" / f"{name}.nii.gz", 1)
    for name in "ab":
        label(tmp_path / "pred" / f"{name}.nii.gz", 1)
    arguments = ["--predictions", tmp_path / "pred", "--references", tmp_path / "ref", "--output", tmp_path / "out"]
    assert main(["evaluate", *map(str, arguments)]) == 0
    shown = "".join(capsys.readouterr())
    assert "1 without a prediction, which counts as 0: c" in shown
    rows = {row["case"]: row for row in read_json(tmp_path / "out" / "scores.json")["rows"]}
    assert [rows[case]["dice"] for case in "abc"] == [1.0, 1.0, 0.0]


def test_a_damaged_prediction_does_not_keep_the_others_from_being_scored(tmp_path, capsys):
    for name in "abc":
        label(tmp_path / "ref" / f"{name}.nii.gz", 1)
        label(tmp_path / "pred" / f"{name}.nii.gz", 1)
    (tmp_path / "pred" / "b.nii.gz").write_bytes(b"no image")
    arguments = ["--predictions", tmp_path / "pred", "--references", tmp_path / "ref", "--output", tmp_path / "out"]
    assert main(["evaluate", *map(str, arguments)]) == 1
    assert "b.nii.gz" in capsys.readouterr().err
    assert {row["case"] for row in read_json(tmp_path / "out" / "scores.json")["rows"]} == {"a", "c"}


def evaluate(*arguments: object) -> int:
    return main(["evaluate", *map(str, arguments)])


def test_files_are_not_compared_with_themselves(tmp_path, capsys):
    label(tmp_path / "ref" / "a.nii.gz", 1)
    (tmp_path / "pred").mkdir()
    (tmp_path / "pred" / "a.nii.gz").symlink_to(tmp_path / "ref" / "a.nii.gz")
    for predictions in ("ref", "pred", "pred/../ref"):
        assert evaluate("--predictions", tmp_path / predictions, "--references", tmp_path / "ref") == 2
        assert "would be compared with itself" in capsys.readouterr().err


def test_labels_that_predictions_alone_hold_are_named(tmp_path, capsys):
    label(tmp_path / "ref" / "a.nii.gz", 1)
    label(tmp_path / "pred" / "a.nii.gz", 255)
    assert evaluate("--predictions", tmp_path / "pred", "--references", tmp_path / "ref") == 0
    assert "label 255: in predictions alone, which counts as 0; references hold label 1" in capsys.readouterr().err


def test_files_in_which_nothing_is_labelled_are_named(tmp_path, capsys):
    for name in ("ref", "pred"):
        label(tmp_path / name / "a.nii.gz", 0)
    assert evaluate("--predictions", tmp_path / "pred", "--references", tmp_path / "ref") == 0
    assert "there is nothing to score" in capsys.readouterr().err


def test_segmentations_of_slicer_are_compared_with_files_of_other_formats(tmp_path):
    label(tmp_path / "ref" / "a.nii.gz", 1)
    label(tmp_path / "pred" / "a.seg.nrrd", 1)
    assert evaluate("--predictions", tmp_path / "pred", "--references", tmp_path / "ref") == 0
    (row,) = read_json(tmp_path / "pred" / "scores.json")["rows"]
    assert (row["case"], row["dice"]) == ("a", 1.0)


def test_a_run_or_a_folder_is_scored_and_not_both(tmp_path, capsys):
    assert evaluate("--run", tmp_path, "--predictions", tmp_path) == 2
    assert "give one of them" in capsys.readouterr().err
    label(tmp_path / "ref" / "a.nii.gz", 1)
    label(tmp_path / "pred" / "a.nii.gz", 1)
    file = tmp_path / "ref" / "a.nii.gz"
    assert evaluate("--predictions", tmp_path / "pred", "--references", tmp_path / "ref", "--output", file) == 2
    assert "is a file; give folders" in capsys.readouterr().err


def test_a_model_without_a_safety_bound_says_that_every_window_is_computed(model_file, scan_file, tmp_path, capsys):
    for options, said in (([], True), (["--exhaustive"], False)):
        assert segment(model_file, "--input", scan_file, "--output", tmp_path / "labels.nii.gz", *options) == 0
        text = "".join(capsys.readouterr())
        assert ("has no safety bound, so every window is computed: it was not measured" in text) is said


@pytest.mark.parametrize("side", ["pred", "ref"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_label_that_is_no_number_is_not_scored_as_background(tmp_path, capsys, side, value):
    for folder in ("pred", "ref"):
        for name in "ab":
            label(tmp_path / folder / f"{name}.nii.gz", 1)
    path = tmp_path / side / "b.nii.gz"
    voxels = sitk.GetArrayFromImage(sitk.ReadImage(str(path))).astype(np.float32)
    voxels[0, 0] = value
    sitk.WriteImage(sitk.GetImageFromArray(voxels), str(path))
    assert evaluate("--predictions", tmp_path / "pred", "--references", tmp_path / "ref") == 1
    assert f"{path}: has 6 voxels that are NaN or infinite; set them to a label value" in capsys.readouterr().err
