"""What the scores of two versions on the same cases allow to say."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from dints.config import TaskConfig
from dints.improvement.comparison import compare_versions

TASK = TaskConfig(name="Belly", labels={0: "background", 1: "liver", 2: "kidney"})
CASES = [f"{number:04d}" for number in range(8)]


def scores(liver: float, kidney: float, names: list[str] = CASES) -> dict[str, dict[int, float]]:
    """Slightly different in each case."""
    return {name: {1: liver + index / 1000, 2: kidney + index % 3 / 1000} for index, name in enumerate(names)}


def test_both_labels_better_is_better():
    found = compare_versions(scores(0.8, 0.7), scores(0.85, 0.75), TASK, None)
    assert found.verdict == "better"
    assert found.sentence.startswith("Belly: better (Dice +0.050, 95 % interval +0.050 to +0.050, 8 cases")
    assert [(row.label, row.verdict, row.cases) for row in found.labels] == [
        ("liver", "better", 8),
        ("kidney", "better", 8),
    ]
    assert json.dumps(found.to_mapping(), allow_nan=False)


def test_a_label_that_is_worse_makes_the_version_worse_though_the_mean_is_better():
    found = compare_versions(scores(0.5, 0.7), scores(0.8, 0.68), TASK, None)
    assert (found.mean.verdict, found.verdict) == ("better", "worse")
    assert found.sentence.endswith("Worse: kidney.")


MANY = replace(TASK, labels={value: str(value) for value in range(13)})


def alike(generator: np.random.Generator) -> list[dict[str, dict[int, float]]]:
    """Scores of two versions that differ by chance alone, in 12 labels of 20 cases."""
    return [{f"{case}": dict(enumerate(0.8 + generator.normal(0, 0.01, 12), 1)) for case in range(20)} for _ in "ab"]


def test_of_many_labels_none_is_worse_by_chance():
    """With an interval of 95 % for each label it was every third."""
    generator = np.random.default_rng(0)
    found = [compare_versions(*alike(generator), MANY, None).verdict for _ in range(10)]
    assert found.count("worse") <= 1


def test_a_label_that_is_worse_among_many_is_still_found():
    old, new = alike(np.random.default_rng(1))
    for own in new.values():
        own[7] -= 0.02
    found = compare_versions(old, new, MANY, None)
    assert [row.label for row in found.labels if row.verdict == "worse"] == ["7"]
    assert found.verdict == "worse"


def test_few_cases_are_not_told_apart_and_that_is_said():
    found = compare_versions(scores(0.5, 0.5, CASES[:3]), scores(0.9, 0.9, CASES[:3]), TASK, None)
    assert found.verdict == "not told apart"
    assert "Fewer than 5 cases cannot tell versions apart" in found.sentence


def test_without_a_held_out_case_nothing_is_told():
    found = compare_versions({}, {}, TASK, 0.9)
    assert (found.verdict, found.mean.difference, found.forgetting["kind"]) == ("not told apart", None, None)
    assert "no held-out case" in found.sentence
    assert found.forgetting["sentence"].startswith("No case tells what was forgotten")


def test_a_label_that_the_old_version_does_not_have_is_not_compared():
    old = {name: own | {2: math.nan} for name, own in scores(0.8, 0.7).items()}
    found = compare_versions(old, scores(0.85, 0.2), TASK, None)
    assert found.verdict == "better"
    assert (found.labels[1].difference, found.labels[1].verdict) == (None, "not told apart")


def test_a_loss_on_cases_of_before_makes_it_worse():
    before = [f"old-{name}" for name in CASES]
    old = scores(0.8, 0.8) | scores(0.9, 0.9, before)
    new = scores(0.95, 0.95) | scores(0.85, 0.85, before)
    found = compare_versions(old, new, TASK, 0.9)
    assert found.mean.difference == pytest.approx(0.05)
    assert (found.forgetting["kind"], found.forgetting["verdict"], found.forgetting["cases"]) == ("old", "worse", 8)
    assert found.verdict == "worse"
    assert {case["source"] for case in found.cases} == {"old", "corrections"}


def test_without_cases_of_before_those_that_were_good_already_tell_what_they_can():
    good, poor = CASES[:5], CASES[5:]
    old = scores(0.95, 0.95, good) | scores(0.3, 0.3, poor)
    new = scores(0.94, 0.94, good) | scores(0.8, 0.8, poor)
    forgetting = compare_versions(old, new, TASK, 0.9).forgetting
    assert (forgetting["kind"], forgetting["cases"]) == ("unchanged", 5)
    assert forgetting["difference"] == pytest.approx(-0.01)
    assert forgetting["sentence"].endswith("this cannot show what was lost there.")
