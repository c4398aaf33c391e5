"""Cases that are odd beside the others of their data set."""

from __future__ import annotations

from pathlib import Path

import pytest

from dints.data.agreement import offset_problems
from dints.data.cases import Case
from dints.data.facts import CaseFacts, ChannelFacts


def facts(name: str, *lowest: float) -> CaseFacts:
    channels = tuple(ChannelFacts(low, low + 2000, True, (low, low, low + 2000), None) for low in lowest)
    return CaseFacts(name, (10, 10, 10), (1, 1, 1), channels, {1: 10.0})


CASES = [Case(name, (Path(f"{name}_0000.nii"), Path(f"{name}_0001.nii")), Path("label.nii")) for name in "abc"]


def test_a_case_with_an_offset_among_hounsfield_units_is_named():
    (problem,) = offset_problems(CASES, [facts("a", 0, -1024), facts("b", 0, 0), facts("c", 0, -1000)])
    assert (problem.file, problem.case, problem.severity) == ("b_0001.nii", "b", "warning")
    assert problem.reason == "begins at 0, where most others reach below -500, as Hounsfield units do"


@pytest.mark.parametrize("lows", [(0, 0, -1000), (-1000, -3024, -200), (0, 0, 0), (-1000, -1000, -1)])
def test_cases_that_agree_are_no_matter(lows):
    assert offset_problems(CASES, [facts(name, low) for name, low in zip("abc", lows, strict=True)]) == []


def test_nothing_is_odd_about_no_cases():
    assert offset_problems(CASES, []) == []
