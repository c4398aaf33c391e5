"""Cases that are odd beside the others of their data set."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dints.data.agreement import offset_problems, problems_among
from dints.data.cases import Case
from dints.data.facts import CaseFacts, ChannelFacts


def facts(name: str, *lowest: float) -> CaseFacts:
    channels = tuple(ChannelFacts(low, low + 2000, True, (low, low, low + 2000), None) for low in lowest)
    return CaseFacts(name, (10, 10, 10), (1, 1, 1), channels, {1: 10.0})


CASES = [Case(name, (Path(f"{name}_0000.nii"), Path(f"{name}_0001.nii")), Path(f"{name}.nii")) for name in "abc"]


def test_a_case_with_an_offset_among_hounsfield_units_is_named():
    (problem,) = offset_problems(CASES, [facts("a", 0, -1024), facts("b", 0, 0), facts("c", 0, -1000)])
    assert (problem.file, problem.case, problem.severity) == ("b_0001.nii", "b", "warning")
    assert problem.reason == "begins at 0, where most others reach below -500, as Hounsfield units do"


@pytest.mark.parametrize("lows", [(0, 0, -1000), (-1000, -3024, -200), (0, 0, 0), (-1000, -1000, -1)])
def test_cases_that_agree_are_no_matter(lows):
    assert offset_problems(CASES, [facts(name, low) for name, low in zip("abc", lows, strict=True)]) == []


def test_nothing_is_odd_about_no_cases():
    assert offset_problems(CASES, []) == []


def test_copies_are_named_as_networks_would_be_validated_on_what_they_know():
    (problem,) = problems_among(CASES, [facts("a", 5, 6), facts("b", 5, 7), facts("c", 5, 6)])
    assert (problem.file, problem.case, problem.severity) == ("c_0000.nii", "c", "warning")
    assert problem.reason == "has the size and the intensities of a, whose copy it may be"


def test_images_that_are_constant_are_no_copies_of_one_another():
    empty = ChannelFacts(0, 0, True, (0, 0, 0), None)
    found = [CaseFacts(name, (10, 10, 10), (1, 1, 1), (empty,), {}) for name in "abc"]
    assert problems_among(CASES, found) == []


def test_a_label_of_two_cases_is_named():
    cases = [Case(name, (Path(f"{name}.nii"),), Path("a_label.nii")) for name in "ab"]
    (problem,) = problems_among(cases, [facts("a", 1), facts("b", 2)])
    assert (problem.file, problem.case, problem.reason) == ("a_label.nii", "b", "is the label of a, too")


@pytest.mark.parametrize(
    ("spacing", "shown"), [((1e-3, 1e-3, 1e-3), "0.001"), ((0.1, 0.1, 0.1), "0.1"), ((10, 10, 10), "10")]
)
def test_a_case_whose_voxels_are_in_another_unit_is_named(spacing, shown):
    found = [facts("a", 1), replace(facts("b", 2), spacing=spacing), facts("c", 3)]
    (problem,) = problems_among(CASES, found)
    assert (problem.file, problem.case, problem.severity) == ("b_0000.nii", "b", "warning")
    assert problem.reason == f"has voxels of {shown} mm, on average along the axes, where most others have 1 mm"


def test_thick_slices_among_thin_ones_are_no_matter():
    found = [replace(facts("a", 1), spacing=(0.4, 0.4, 0.5)), facts("b", 2), replace(facts("c", 3), spacing=(1, 1, 10))]
    assert problems_among(CASES, found) == []


def test_numbers_that_are_those_of_cases_are_no_channels():
    files = {name: (f"T1_000{name}.nii", f"T2_000{name}.nii") for name in "123"}
    cases = [Case(name, tuple(map(Path, own)), Path(f"{name}.nii")) for name, own in files.items()]
    assert problems_among(cases, []) == []


def test_a_channel_that_is_missing_is_noticed_though_there_are_as_many_files():
    files = {"a": ("a_0000.nii", "a_0001.nii"), "b": ("b_0000.nii", "b_0002.nii"), "c": ("c_0000.nii", "c_0001.nii")}
    cases = [Case(name, tuple(map(Path, own)), Path(f"{name}.nii")) for name, own in files.items()]
    (problem,) = problems_among(cases, [])
    assert (problem.file, problem.case, problem.severity) == ("b_0000.nii", "b", "error")
    assert problem.reason == "has channels 0000 0002, where others have 0000 0001"


def test_a_label_that_is_a_link_to_that_of_another_case_is_named(tmp_path):
    (tmp_path / "a.nii").touch()
    (tmp_path / "b.nii").symlink_to("a.nii")
    cases = [Case(name, (Path(f"{name}.nii"),), tmp_path / f"{name}.nii") for name in "ab"]
    (problem,) = problems_among(cases, [facts("a", 1), facts("b", 2)])
    assert (problem.case, problem.reason) == ("b", "is the label of a, too")
