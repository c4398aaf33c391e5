"""The rules by which a run fits its time, on computers that do not exist: fast, slow and in between."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from dints import Config, InputError, SearchSpace
from dints.plan.extents import Extent
from dints.plan.fit import FEWEST_STEPS, LEAST_STEPS, SEARCH_SHARE, Fit, fit
from dints.plan.passes import MOST_PASSES, SMALLEST_BATCH, STEPS_OF_PASSES, has_all_steps
from dints.plan.predict import predict
from dints.zoo.shapes import u_shape

from .computer import Computer

CASES = [Extent(f"case{index}", (64, 64, 64), (1.0, 1.0, 1.0)) for index in range(20)]
PAPER = Config().with_overrides(["sampling.patch=[64, 64, 64]", "task.name=Test"])


def total(found: Fit, given: bool = False) -> float:
    given = given or bool(found.config.search.architecture)
    return sum(predict(found.config, CASES, found.timings, given).values())


def needs_no_more(found: Fit) -> bool:
    """Whether more steps are not known to gain anything, and that is said."""
    return has_all_steps(found.config, CASES, found.timings) and "not known to gain anything" in " ".join(found.chosen)


def test_all_of_the_paper_is_kept_where_it_fits():
    found = fit(PAPER, CASES, 100, Computer(1e16))
    assert found.config == PAPER
    assert found.left_out == ()
    assert "All of the paper" in found.chosen[0]


@pytest.mark.parametrize("hours", [0.25, 1, 8])
@pytest.mark.parametrize("speed", [1e8, 1e9, 1e10])
def test_the_time_is_used_and_not_exceeded(speed, hours):
    found = fit(PAPER, CASES, hours, Computer(speed))
    used = total(found) / (3600 * hours)
    assert used <= 1
    assert used > 0.7 or needs_no_more(found)
    assert found.config.training.iterations >= LEAST_STEPS
    assert found.left_out


@pytest.mark.parametrize("speed", [3e8, 1e9])
@pytest.mark.parametrize("count", [4, 12])
def test_the_validations_of_large_scans_take_no_time_that_is_not_there(speed, count):
    """Three hours became five: each of four validations a fold segmented a whole scan, however long that took."""
    cases = [Extent(f"case{index}", (400, 400, 400), (1.0, 1.0, 1.0)) for index in range(count)]
    found = fit(PAPER.with_overrides(["sampling.patch=[96, 96, 96]"]), cases, 3, Computer(speed))
    given = bool(found.config.search.architecture)
    assert sum(predict(found.config, cases, found.timings, given).values()) <= 3 * 3600
    assert found.config.training.validate_every <= found.config.training.iterations  # one is made at the end at least


def test_more_time_gives_larger_networks_or_more_steps():
    fits = [fit(PAPER, CASES, hours, Computer(3e8)).config for hours in (0.25, 1, 3, 8, 24)]
    works = [own.training.iterations * own.training.folds * Computer(1).rough(own).training_step for own in fits]
    assert works == sorted(works)
    widths = [own.training.filters for own in fits]
    assert widths == sorted(widths)
    assert widths[0] < widths[-1]


def test_a_network_that_is_chosen_gets_its_fewest_steps():
    found = fit(PAPER, CASES, 8, Computer(3e9))
    assert found.config.training.iterations >= FEWEST_STEPS * 0.9
    assert found.config.training.folds == 5


def test_few_scans_are_not_learned_by_heart_however_much_time_there_is():
    """Three hours gave less Dice than one: deeper and wider networks that had seen each scan 60 times."""
    for number, side, batch, steps, filters in (
        (20, 64, 2, 2000, 12),
        (200, 64, 2, 2000, 12),
        (100, 128, 4, 3200, 12),
        (200, 128, 4, 6400, 32),
    ):
        cases = [replace(CASES[0], name=f"case{index}", size=(side, side, side)) for index in range(number)]
        found = fit(PAPER, cases, 100, Computer(3e9), {"search.architecture"}, "u-shape").config.training
        passes = found.iterations * found.batch_size * 64**3 / (number * 0.8 * side**3)
        assert (found.batch_size, found.iterations, found.filters) == (batch, steps, filters)
        assert passes <= MOST_PASSES or (found.iterations, found.batch_size) == (STEPS_OF_PASSES, SMALLEST_BATCH)


def test_a_plan_says_whether_the_time_or_the_scans_end_the_network():
    few, many = (fit(PAPER, CASES, hours, Computer(3e8), architecture="u-shape") for hours in (1, 24))
    assert "the largest that there is time for: 5 folds" in few.chosen[2]
    assert "the largest that gain from so many scans, as far as is known: 5 folds of 2000 steps" in many.chosen[2]
    assert needs_no_more(many)


def test_where_a_search_takes_more_than_its_share_a_u_shape_is_trained():
    found = fit(PAPER, CASES, 0.5, Computer(3e8))
    assert found.config.search.architecture == "u-shape"
    assert "No search" in " ".join(found.chosen)
    assert "the search" in found.left_out[0]


def test_a_search_comes_with_a_race_and_takes_no_more_than_its_share():
    found = fit(PAPER, CASES, 24, Computer(3e9))
    assert not found.config.search.architecture
    assert found.config.race.enabled
    stages = predict(found.config, CASES, found.timings)
    assert stages["search"] + stages["race"] <= SEARCH_SHARE * 24 * 3600


@pytest.mark.parametrize("hours", [1, 3])
def test_where_a_search_is_asked_for_the_network_gives_way(hours):
    """A race takes half as long as five folds of 1,500 steps: beside the largest network there is no time for it."""
    unasked = fit(PAPER, CASES, hours, Computer(3e8))
    assert unasked.config.search.architecture == "u-shape"
    found = fit(PAPER.with_overrides(["race.enabled=true"]), CASES, hours, Computer(3e8), {"race.enabled"})
    assert not found.config.search.architecture
    assert found.config.race.enabled
    assert found.config.training.filters <= unasked.config.training.filters
    assert found.config.training.iterations >= LEAST_STEPS
    stages = predict(found.config, CASES, found.timings)
    assert stages["search"] > 0
    assert stages["search"] + stages["race"] <= SEARCH_SHARE * hours * 3600
    assert total(found) <= hours * 3600


def test_a_search_that_takes_more_than_it_is_worth_is_made_where_it_is_asked_for_and_that_is_said():
    asked = PAPER.with_overrides(["race.enabled=true"])
    found = fit(asked, CASES, 0.5, Computer(3e8), {"race.enabled"})
    stages = predict(found.config, CASES, found.timings)
    assert stages["search"] + stages["race"] > SEARCH_SHARE * 0.5 * 3600
    assert total(found) <= 0.5 * 3600
    assert re.search("The search that is asked for takes .* min of it", " ".join(found.chosen))


@pytest.mark.parametrize("setting", ["search.architecture=''", "search.iterations=500"])
def test_a_plan_counts_the_search_that_the_run_will_make(setting):
    """Nothing was found in place of a search, and its 21,000 steps were predicted to take no time."""
    found = fit(PAPER.with_overrides([setting]), CASES, 3, Computer(3e8), {setting.partition("=")[0]})
    assert not found.config.search.architecture
    assert predict(found.config, CASES, found.timings)["search"] > 0
    assert total(found) <= 3 * 3600
    assert found.config.search.iterations == 500 or "architecture" in setting


def test_a_search_for_seconds_has_no_race_which_knows_nothing_of_them():
    found = fit(PAPER.with_overrides(["search.seconds=0.1"]), CASES, 3, Computer(3e8), {"search.seconds"})
    assert not found.config.search.architecture
    assert not found.config.race.enabled
    assert not any("race" in sentence for sentence in found.chosen)


def test_an_architecture_that_is_given_leaves_all_time_to_the_training():
    searched = fit(PAPER, CASES, 24, Computer(3e9))
    given = fit(PAPER, CASES, 24, Computer(3e9), architecture="u-shape")
    assert given.config.search.architecture == ""
    assert total(given, given=True) > 0.7 * 24 * 3600 or needs_no_more(given)
    assert given.config.training.iterations * given.config.training.filters >= searched.config.training.filters
    assert "architecture is given" in " ".join(given.chosen)


def test_settings_that_were_given_stay_as_they_are():
    fixed = ["training.filters=32", "training.folds=4", "training.learning_rate=0.3"]
    names = {text.partition("=")[0] for text in fixed}
    found = fit(PAPER.with_overrides(fixed), CASES, 3, Computer(3e8), names)
    training = found.config.training
    assert (training.filters, training.folds, training.learning_rate) == (32, 4, 0.3)
    assert total(found) <= 3 * 3600


def test_settings_that_take_longer_than_the_time_stay_and_that_is_said():
    base = PAPER.with_overrides(["training.iterations=30000", "training.filters=32"])
    found = fit(base, CASES, 1, Computer(3e8), {"training.iterations", "training.filters"})
    assert found.config.training.iterations == 30000
    assert "more than is given" in found.chosen[-1]
    assert "training.iterations" in found.chosen[-1]


def test_too_little_time_is_refused_with_how_much_it_takes():
    with pytest.raises(InputError, match=r"too few to learn anything; give at least .* (min|s)"):
        fit(PAPER, CASES, 0.02, Computer(1e8))


@pytest.mark.parametrize("speed", [3e6, 1e7, 3e7, 1e8])
@pytest.mark.parametrize("size", [64, 200])
def test_the_time_that_is_said_to_suffice_suffices(speed, size):
    cases = [replace(case, size=(size, size, size)) for case in CASES]
    with pytest.raises(InputError) as refused:
        fit(PAPER, cases, 0.02, Computer(speed))
    number, unit = re.search(r"at least ([\d.]+) (s|min|h|days)", str(refused.value)).groups()
    hours = float(number) * {"s": 1 / 3600, "min": 1 / 60, "h": 1, "days": 24}[unit]
    assert fit(PAPER, cases, hours, Computer(speed)).config.training.iterations >= LEAST_STEPS


def test_patches_fit_the_architecture_that_is_given(tmp_path):
    deep = u_shape(SearchSpace(layers=8, levels=5))  # takes multiples of 32 and at least 64
    deep.save(tmp_path / "deep.json")
    assert fit(PAPER, CASES, 1, Computer(3e8)).config.sampling.patch != (64, 64, 64)
    assert fit(PAPER, CASES, 1, Computer(3e8), architecture=str(tmp_path / "deep.json")).config.sampling.patch == (
        64,
        64,
        64,
    )
    small = PAPER.with_overrides(["sampling.patch=[48, 48, 48]"])
    with pytest.raises(InputError, match=r"sampling.patch 48x48x48: the architecture takes multiples of 32"):
        fit(small, CASES, 1, Computer(3e8), architecture=str(tmp_path / "deep.json"))


def test_windows_overlap_less_where_evaluation_takes_too_much():
    many = [replace(case, name=f"{case.name}-{index}", size=(256, 256, 256)) for case in CASES for index in range(10)]
    found = fit(PAPER, many, 1, Computer(3e9))
    assert found.config.inference.overlap < PAPER.inference.overlap
    assert "Windows overlap by" in " ".join(found.chosen)


def test_few_steps_take_the_recipe_of_short_trainings():
    found = fit(PAPER, CASES, 1, Computer(3e8)).config
    assert (found.training.optimizer, found.training.schedule) == ("adamw", "one_cycle")
    assert found.augmentation.flip_probability == 0
    assert found.training.validate_every * 4 >= found.training.iterations


def test_the_time_of_the_architecture_that_is_given_counts():
    designs = set()

    class Watching(Computer):
        def rough(self, config, design=None):
            designs.add(type(design).__name__)
            return super().rough(config, design)

    fit(PAPER, CASES, 3, Watching(3e8), architecture="unet")
    assert designs == {"UNetDesign"}


@pytest.mark.parametrize(
    ("architecture", "depth"),
    [("unet", "U-Nets of 4 levels"), ("u-shape", "Networks of 6 layers"), ("", "of 9 layers")],
)
def test_the_plan_speaks_of_the_network_that_is_given(architecture, depth, tmp_path):
    u_shape(SearchSpace(layers=9, levels=3)).save(tmp_path / "own.json")
    found = fit(PAPER, CASES, 1, Computer(3e8), architecture=architecture or str(tmp_path / "own.json"))
    assert found.config.search.layers == 6
    assert any(f"{depth} and " in sentence for sentence in found.chosen)
    assert ("layers (6 in place of 12)" in found.left_out[0]) == (architecture == "u-shape")
