"""Seconds of the stages, from measured times and settings."""

from __future__ import annotations

import pytest

from dints import Config
from dints.plan.extents import Extent, shares, stored_extents, typical
from dints.plan.predict import courses, predict, race_seconds, search_seconds, training_courses
from dints.plan.timings import StepTime, Timings

CASES = [Extent(f"case{index}", (40, 40, 40), (1.0, 1.0, 1.0)) for index in range(10)]
NOTHING = Timings(0, 0, 0, 0, 0, 0, 0, (1, 1, 1))


def timings(**known: float) -> Timings:
    return Timings(**({**vars(NOTHING)} | known))


@pytest.fixture
def config() -> Config:
    return Config().with_overrides(
        [
            "sampling.patch=[32, 32, 32]",
            "search.iterations=100",
            "training.iterations=50",
            "training.validate_every=25",
            "training.folds=5",
            "inference.overlap=0.5",
        ]
    )


def test_stages_have_the_names_of_their_progress_in_the_order_of_the_run(config):
    names = list(predict(config, CASES, NOTHING))
    assert names[:3] == ["check", "preprocess", "search"]
    assert names[3:] == [f"train fold {fold}" for fold in range(5)] + [f"evaluate fold {fold}" for fold in range(5)]


def test_a_given_architecture_needs_no_search(config):
    raced = config.with_overrides(["race.enabled=true"])
    assert {"search", "race"} <= predict(raced, CASES, NOTHING).keys()
    assert not {"search", "race"} & predict(raced, CASES, NOTHING, given=True).keys()


def test_the_search_learns_the_architecture_after_its_rest(config):
    assert search_seconds(config, timings(weights_step=2)) == 200
    resting = round(100 * 11000 / 21000)
    assert search_seconds(config, timings(architecture_step=3)) == 3 * (100 - resting)


def test_a_fold_takes_its_steps_and_the_windows_of_its_validations(config):
    stages = predict(config, CASES, timings(training_step=0.5))
    assert stages["train fold 0"] == stages["train fold 4"] == 25
    # Two validations of two cases, each with 2 x 2 x 2 windows of 32 voxels in steps of 16 over 40 voxels.
    assert predict(config, CASES, timings(window=1))["train fold 0"] == 2 * 2 * 8
    one = config.with_overrides(["training.validation_cases=1"])
    assert predict(one, CASES, timings(window=1))["train fold 0"] == 2 * 8


def test_every_case_is_evaluated_once(config):
    stages = predict(config, CASES, timings(window=1, cache=1e-3, score=1e-3))
    evaluating = sum(seconds for name, seconds in stages.items() if name.startswith("evaluate"))
    looks = 8 + 1  # at both resolutions
    assert evaluating == pytest.approx(10 * (8 + looks + 2e-3 * 40**3))
    mirrored = predict(config.with_overrides(["inference.mirror=true"]), CASES, timings(window=1))
    assert mirrored["evaluate fold 0"] == 2 * (8 * 8 + looks)


def test_reading_is_in_proportion_to_the_voxels_of_the_files(config):
    stages = predict(config, CASES, timings(check=1e-3, cache=2e-3))
    assert (stages["check"], stages["preprocess"]) == (pytest.approx(640), pytest.approx(1280))


def test_windows_cover_what_is_left_without_the_air(config):
    half = Timings(**(vars(NOTHING) | {"window": 1.0, "cropped": (0.5, 0.5, 0.5)}))
    assert predict(config, CASES, half)["evaluate fold 0"] == 2  # one window for each of two cases


def test_trainings_of_a_race_go_on_from_heat_to_heat(config):
    race = [
        "race.enabled=true",
        "race.random=0",
        "race.neighbours=0",
        "race.heats=2",
        "race.steps=10",
        "race.zoo=false",
    ]
    config = config.with_overrides([*race, "race.growth=3"])
    candidates = 9 + config.search.levels - 1
    better = 4  # a third of them goes on, from 10 to 30 steps
    assert race_seconds(config, CASES, timings(training_step=1)) == {"race": candidates * 10 + better * 20}
    near = config.with_overrides(["race.neighbours=2"])
    leader = {"race of neighbours": 3 * 30 + 2 * (90 - 30)}
    assert race_seconds(near, CASES, timings(training_step=1)) == {"race": candidates * 10 + better * 20} | leader
    assert list(predict(near, CASES, NOTHING))[2:5] == ["search", "race", "race of neighbours"]


def test_the_course_of_a_search_follows_from_when_its_architecture_learns(config):
    resting = 11000 / 21000
    course = courses(config, timings(weights_step=2, architecture_step=6))["search"]
    whole = 2 + 6 * (1 - resting)
    assert course(0.5) == pytest.approx(0.5 * 2 / whole)
    assert course(0.9) == pytest.approx((0.9 * 2 + (0.9 - resting) * 6) / whole)
    assert (course(0), course(1)) == (0, pytest.approx(1))
    assert courses(config, NOTHING)["search"](0.25) == 0.25  # of an architecture that is given


def test_the_course_of_a_fold_waits_for_its_validations(config):
    """A validation of one large scan, the only one of a fold, took the last part of a time that was said to be over."""
    known = timings(training_step=1, window=1)
    course = training_courses(config, known, predict(config, CASES, known))["train fold 4"]  # 50 s, and twice 16
    assert [course(step / 50) * 82 for step in (0, 24, 25, 49, 50)] == pytest.approx([0, 24, 25 + 16, 49 + 16, 82])
    once = config.with_overrides(["training.validate_every=40", "training.iterations=50"])
    course = training_courses(once, known, predict(once, CASES, known))["train fold 0"]
    assert course(1) == 1
    assert training_courses(config, NOTHING, {}) == {}


def test_a_line_goes_through_both_measurements_and_never_sinks():
    assert StepTime.through((100, 2.0), (300, 4.0))(200) == pytest.approx(3)
    assert StepTime.through((100, 2.0), (300, 1.5))(600) == pytest.approx(3)  # the larger one counts
    assert StepTime.through((100, 1.0), (200, 4.0))(400) == pytest.approx(8)  # no time below zero for small batches


def test_timings_come_back_from_their_mapping():
    own = timings(window=0.25, check=1e-7)
    assert Timings.from_mapping(own.to_mapping(), "file") == own


def test_sizes_of_cases_come_from_what_a_check_left():
    check = {"cases": [{"name": "a", "size": [10, 20, 30], "spacing": [1, 1, 2]}, {"name": "b", "size": [1, 1, 1],
             "spacing": [1, 1, 1]}]}  # fmt: skip
    (found,) = stored_extents(check, {"a"}, "check.json")
    assert (found.voxels, found.working_shape((1.0, 1.0, 1.0))) == (6000, (10, 20, 60))
    assert typical([found, *CASES]).name == "case4"
    assert shares((5, 20, 40), (10, 20, 30)) == (0.5, 1.0, 1.0)
