"""The check of a data set: every kind of problem, all of them at once, in a stable order."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from dints.data.cases import Case, Problem
from dints.data.check import check, check_case
from dints.data.datalist import DataList, data_folds, read_datalist
from dints.events import Reporter
from dints.files.storage import write_json

SHAPE = (8, 9, 10)  # z, y, x


class Steps(Reporter):
    def __init__(self) -> None:
        self.seen: list[tuple[str, int, int]] = []

    def progress(self, stage: str, step: int, total: int, **metrics: float) -> None:
        self.seen.append((stage, step, total))


def save(
    path: Path, array: np.ndarray, spacing: tuple[float, ...] = (1, 1, 2), direction: np.ndarray | None = None
) -> Path:
    image = sitk.GetImageFromArray(array, isVector=False)
    if image.GetDimension() == 3:
        image.SetSpacing(spacing)
        image.SetDirection((np.eye(3) if direction is None else direction).ravel().tolist())
    path.parent.mkdir(parents=True, exist_ok=True)
    sitk.WriteImage(image, str(path))
    return path


def scan(dtype: type = np.int16) -> np.ndarray:
    return np.random.default_rng(0).integers(-1000, 400, SHAPE).astype(dtype)


def organ(dtype: type = np.uint8) -> np.ndarray:
    label = np.zeros(SHAPE, dtype)
    label[2:5, 2:6, 3:7] = 1
    return label


@pytest.fixture
def case(tmp_path: Path) -> Case:
    image, label = save(tmp_path / "image.nii.gz", scan()), save(tmp_path / "label.nii.gz", organ())
    return Case("case", (image,), label)


def problems_of(case: Case, channels: tuple[str, ...] = ("CT",)) -> list[Problem]:
    return check_case(case, channels, {0: "background", 1: "liver"})[0]


def only_problem(case: Case, channels: tuple[str, ...] = ("CT",)) -> Problem:
    (problem,) = problems_of(case, channels)
    assert problem.remedy
    return problem


def test_a_sound_case_has_no_problem_and_facts_along_the_axes_of_the_patient(tmp_path: Path) -> None:
    sagittal = np.array([[0.0, 0, 1], [1, 0, 0], [0, 1, 0]])  # the file's axes run P, S, L
    image = save(tmp_path / "a.nii.gz", scan(), (0.5, 0.75, 3), sagittal)
    label = save(tmp_path / "b.nii.gz", organ(), (0.5, 0.75, 3), sagittal)
    problems, facts = check_case(Case("case", (image,), label), ("CT",), {0: "background", 1: "liver"})
    assert problems == []
    assert facts is not None
    assert facts.size == (8, 10, 9)
    assert facts.spacing == pytest.approx((3, 0.5, 0.75))
    assert facts.label_volumes == {1: pytest.approx(3 * 4 * 4 * 0.5 * 0.75 * 3)}
    channel = facts.channels[0]
    assert (channel.lowest, channel.highest, channel.whole) == (scan().min(), scan().max(), True)
    assert channel.percentiles == pytest.approx(np.percentile(scan(), (0.5, 50, 99.5)))
    assert channel.foreground_percentiles == pytest.approx(np.percentile(scan()[organ() > 0], (0.5, 50, 99.5)))


def test_a_missing_image_and_a_missing_label_are_both_reported(tmp_path: Path) -> None:
    problems = problems_of(Case("case", (tmp_path / "no.nii.gz",), tmp_path / "none.nii.gz"))
    assert [(problem.file, problem.reason) for problem in problems] == [
        (str(tmp_path / "no.nii.gz"), "does not exist"),
        (str(tmp_path / "none.nii.gz"), "does not exist"),
    ]


@pytest.mark.parametrize("which", ["image", "label"])
def test_an_unreadable_or_truncated_file_is_reported(case: Case, which: str) -> None:
    path = case.images[0] if which == "image" else case.label
    assert path is not None
    path.write_bytes(path.read_bytes()[:-200])
    assert only_problem(case).file == str(path)
    path.write_bytes(b"no image at all")
    assert "cannot be read" in only_problem(case).reason


@pytest.mark.parametrize(
    ("shape", "spacing", "word"), [((8, 9, 11), (1, 1, 2), "size"), (SHAPE, (1, 1, 2.5), "spacing")]
)
def test_a_label_on_another_grid_than_its_image_is_reported(
    case: Case, shape: tuple, spacing: tuple, word: str
) -> None:
    assert case.label is not None
    save(case.label, np.ones(shape, np.uint8), spacing)
    problem = only_problem(case)
    assert (problem.file, problem.severity) == (str(case.label), "error")
    assert f"its {word} is" in problem.reason
    assert problem.remedy == "resample the label to the grid of the image"


def test_channels_on_different_grids_are_reported(case: Case, tmp_path: Path) -> None:
    second = save(tmp_path / "second.nii.gz", scan()[1:])
    problem = only_problem(Case("case", (*case.images, second), case.label), ("T1", "T2"))
    assert problem.file == str(second)
    assert "its size is (10, 9, 7) instead of (10, 9, 8) as in image.nii.gz" in problem.reason


def test_labels_outside_the_declared_ones_are_named(case: Case) -> None:
    assert case.label is not None
    save(case.label, np.arange(np.prod(SHAPE), dtype=np.uint16).reshape(SHAPE) % 9)
    assert only_problem(case).reason == "holds 2, 3, 4, 5, 6, ..., outside the declared labels 0, 1"


def test_whole_floats_are_labels_and_fractions_are_not(case: Case) -> None:
    assert case.label is not None
    save(case.label, organ(np.float32))
    assert problems_of(case) == []
    voxels = organ(np.float32)
    voxels[0, 0, 0] = np.nan
    save(case.label, voxels)
    assert only_problem(case).reason == "has 1 voxels that are NaN or infinite"
    save(case.label, organ(np.float32) * 0.5)
    problem = only_problem(case)
    assert (problem.reason, problem.file) == ("holds 0.5", str(case.label))
    assert "whole numbers" in problem.remedy


@pytest.mark.parametrize("suffix", [".nii.gz", ".nii", ".nrrd"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
def test_intensities_that_are_no_numbers_are_counted_and_left_out_of_the_facts(
    case: Case, tmp_path: Path, value: float, suffix: str
) -> None:
    voxels = scan(np.float64)
    voxels[0, 0, :3] = value
    image = save(tmp_path / f"not_finite{suffix}", voxels)
    problems, facts = check_case(Case("case", (image,), case.label), ("CT",), {0: "background", 1: "liver"})
    assert [problem.reason for problem in problems] == ["has 3 voxels that are NaN or infinite"]
    assert facts is not None
    assert np.isfinite(facts.channels[0].percentiles).all()


def test_a_volume_without_any_number_still_has_facts(case: Case, tmp_path: Path) -> None:
    save(case.images[0], np.full(SHAPE, np.nan, np.float32))
    problems, facts = check_case(case, ("CT",), {0: "background", 1: "liver"})
    assert len(problems) == 1
    assert facts is not None
    write_json(tmp_path / "facts.json", [channel.percentiles for channel in facts.channels])


@pytest.mark.parametrize(("value", "reason"), [(0, "is empty"), (1, "holds no background")])
def test_a_constant_label_and_a_constant_image_are_warnings(case: Case, value: int, reason: str) -> None:
    assert case.label is not None
    save(case.label, np.full(SHAPE, value, np.uint8))
    save(case.images[0], np.full(SHAPE, 7, np.int16))
    assert [(problem.reason, problem.severity) for problem in problems_of(case)] == [
        ("has the same intensity 7 everywhere", "warning"),
        (reason, "warning"),
    ]


def test_too_few_and_too_many_channels_are_reported(case: Case, tmp_path: Path) -> None:
    assert "has 1 channels instead of 2 (T1, T2)" in only_problem(case, ("T1", "T2")).reason
    four = Case("case", (save(tmp_path / "four.nii.gz", np.stack([scan()] * 4)),))
    assert problems_of(four, ("a", "b", "c", "d")) == []
    assert "has 4 channels instead of 1" in only_problem(four).reason


def test_flat_images_are_not_three_dimensional(case: Case, tmp_path: Path) -> None:
    assert "2 dimensions" in only_problem(Case("flat", (save(tmp_path / "flat.mha", scan()[0]),))).reason
    assert only_problem(Case("thin", (save(tmp_path / "thin.mha", scan()[:1]),))).reason == "has a single slice"


def test_left_handed_axes_are_accepted_and_slanted_ones_are_a_warning(case: Case) -> None:
    assert case.label is not None
    mirrored, slanted = np.diag([1.0, 1, -1]), np.array([[1.0, 0, 0], [0, 1, np.sin(0.3)], [0, 0, np.cos(0.3)]])
    pair = Case("case", (case.images[0].with_name("i.nrrd"),), case.label.with_name("l.nrrd"))
    for direction, expected in ((mirrored, []), (slanted, ["warning"])):
        save(pair.images[0], scan(), direction=direction)
        save(pair.label or case.label, organ(), direction=direction)
        assert [problem.severity for problem in problems_of(pair)] == expected


def test_singular_axes_are_an_unreadable_file(tmp_path: Path) -> None:
    header = "NRRD0004\ntype: short\ndimension: 3\nspace: left-posterior-superior\nsizes: 4 4 4\n"
    header += "space directions: (1,0,0) (1,0,0) (0,0,1)\nkinds: domain domain domain\nendian: little\n"
    path = tmp_path / "singular.nrrd"
    path.write_bytes((header + "encoding: raw\nspace origin: (0,0,0)\n\n").encode() + bytes(128))
    problem = only_problem(Case("case", (path,)))
    assert (problem.file, problem.severity) == (str(path), "error")


def write_broken_data_set(folder: Path) -> DataList:
    """Ten things wrong in one data set, and a copy."""
    nan = scan(np.float32)
    nan[0] = np.nan
    images = {"a": scan(), "b": nan, "c": scan() + 1, "d": scan() + 2, "f": scan()}
    labels = {"a": organ() * 3, "b": organ(), "c": organ()[1:], "d": organ() * 0, "e": organ()}
    for name, array in images.items():
        save(folder / f"images/{name}.nii.gz", array)
    for name, array in labels.items():
        save(folder / f"labels/{name}.nii.gz", array)
    save(folder / "images/a.mha", scan())
    (folder / "images/g.nii.gz").write_bytes(b"broken")
    save(folder / "labels/g.nii.gz", organ())
    (folder / "imagesTs").mkdir()
    (folder / "imagesTs/h.nii.gz").write_bytes(b"broken")
    (folder / "labels.yaml").write_text("{0: background, 1: liver, 2: tumour}")
    return read_datalist(folder)


def test_all_problems_of_a_data_set_are_listed_at_once_in_a_stable_order(tmp_path: Path) -> None:
    datalist = write_broken_data_set(tmp_path)
    steps = Steps()
    result = check(datalist, folds=6, reporter=steps)
    found = [
        (str(Path(problem.file).relative_to(tmp_path)), problem.severity, problem.reason.split()[0], problem.case)
        for problem in result.problems
    ]
    assert found == [
        ("images/f.nii.gz", "warning", "has", "f"),
        ("labels/e.nii.gz", "error", "has", None),
        ("images/a.nii.gz", "error", "has", "a"),
        ("labels/a.nii.gz", "error", "holds", "a"),
        ("images/b.nii.gz", "error", "has", "b"),
        ("labels/c.nii.gz", "error", "its", "c"),
        ("labels/d.nii.gz", "warning", "is", "d"),
        ("images/g.nii.gz", "error", "cannot", "g"),
        ("imagesTs/h.nii.gz", "warning", "cannot", "h"),
        (".", "error", "has", None),
        (".", "warning", "no", None),
        ("images/f.nii.gz", "warning", "has", "f"),  # a copy of a
    ]
    assert check(datalist, folds=6) == result
    assert len(result.errors) == 7
    assert all("\n" not in str(problem) and problem.remedy for problem in result.problems)
    assert steps.seen == [("check", index, 7) for index in range(1, 8)]
    write_json(tmp_path / "check.json", result.to_mapping())
    assert len(json.loads((tmp_path / "check.json").read_text())["problems"]) == len(found)


@pytest.mark.parametrize(("cases", "folds", "enough"), [(4, 2, True), (3, 2, False), (3, 3, True), (4, 5, False)])
def test_every_fold_needs_two_cases_to_train_and_one_to_validate(
    tmp_path: Path, case: Case, cases: int, folds: int, enough: bool
) -> None:
    listed = tuple(Case(f"case{index}", case.images, case.label) for index in range(cases))
    datalist = DataList(tmp_path, "task", "CT", ("CT",), {0: "background", 1: "liver"}, listed)
    reasons = [problem.reason for problem in check(datalist, folds).errors]
    assert reasons == ([] if enough else [f"has {cases} cases with labels, too few for {folds} folds"])


def test_the_real_hippocampus_cases_have_no_problem(hippocampus: Path) -> None:
    datalist = read_datalist(hippocampus)
    result = check(dataclasses.replace(datalist, cases=datalist.cases[::4]), folds=5)
    assert not result.problems
    assert len(result.cases) == 50


def empty_labels(folder: Path, names: list[str]) -> None:
    """Takes everything out of these labels."""
    for name in names:
        path = folder / "labelsTr" / f"{name}.nii.gz"
        sitk.WriteImage(sitk.ReadImage(str(path)) * 0, str(path))


def test_a_data_set_without_anything_labelled_is_refused(phantoms, tmp_path):
    folder = Path(shutil.copytree(phantoms, tmp_path / "data"))
    datalist = read_datalist(folder)
    empty_labels(folder, [case.name for case in datalist.cases])
    found = check(datalist, 2)
    assert any("there is nothing to learn" in problem.reason for problem in found.errors)


def test_a_fold_that_cannot_tell_networks_apart_is_named_before_it_is_trained(phantoms, tmp_path):
    folder = Path(shutil.copytree(phantoms, tmp_path / "data"))
    datalist = read_datalist(folder)
    validation = data_folds([case.name for case in datalist.cases], 2)[1][1]
    empty_labels(folder, list(validation))
    warnings = [problem.reason for problem in check(datalist, 2).problems if "fold" in problem.reason]
    assert len(warnings) == 1
    assert warnings[0].startswith("fold 1 is validated on")
    assert validation[0] in warnings[0]
