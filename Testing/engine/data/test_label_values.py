"""Label values that are odd in a data set as a whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from dints.data.cases import Case
from dints.data.datalist import DataList
from dints.data.facts import CaseFacts
from dints.data.label_values import value_problems

CASES = tuple(Case(name, (Path(f"{name}.nii"),), Path(f"{name}_label.nii")) for name in "abc")


def found(held: list[set[int]], labels: dict[int, str]) -> list[str]:
    """The problems of cases that hold some values."""
    datalist = DataList(Path("data"), "Task", None, ("image",), labels, CASES)
    facts = [
        CaseFacts(case.name, (9, 9, 9), (1, 1, 1), (), dict.fromkeys(sorted(values), 5.0))
        for case, values in zip(CASES, held, strict=True)
    ]
    return [str(problem) for problem in value_problems(datalist, facts, False)]


@pytest.mark.parametrize(
    ("held", "odd"),
    [([{1}, {255}, {1}], True), ([{1}, {255}, {1, 255}], False), ([{1}, {255}, set()], True)],
)
def test_masks_of_one_structure_under_several_values_are_named(held, odd):
    problems = found(held, {0: "background", 1: "label 1", 255: "label 255"})
    sentence = "b_label.nii: holds 255 alone, where others hold 1 alone; give it the same value in all files if"
    assert [problem.startswith(sentence) for problem in problems] == [True] * odd
    assert found(held, {0: "background", 1: "benign", 255: "malignant"}) == []


def test_more_values_than_labels_can_have_are_those_of_images():
    problems = found([{1}, {1}, set(range(1, 300))], {value: f"label {value}" for value in range(300)})
    assert problems[0].startswith("data: its labels have 300 values, and 256 are the most; some may be images")
