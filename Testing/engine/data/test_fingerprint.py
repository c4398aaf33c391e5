"""What is typical of a data set, and the settings that follow."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import pytest

from dints.config import Config
from dints.cost.operations import relative_memory
from dints.data.cases import Case
from dints.data.check import CheckResult, check
from dints.data.datalist import DataList, read_datalist
from dints.data.facts import CaseFacts, ChannelFacts
from dints.data.fingerprint import (
    Fingerprint,
    default_config,
    fingerprint,
    machine_memory,
    scaling_notes,
    with_scaling,
)
from dints.errors import InputError
from dints.space.search_space import SearchSpace

GIB = 2**30
CT_RANGE = (-1024.0, -80.0, 40.0, 180.0, 2000.0)


def listed(count: int, modality: str | None = None, channels: tuple[str, ...] = ("image",)) -> DataList:
    cases = tuple(Case(f"case{index}", (Path("a.nii"),), Path("b.nii")) for index in range(count))
    return DataList(Path("data"), "Task", modality, channels, {0: "background", 2: "liver"}, cases)


def facts(
    index: int, size: tuple = (100, 100, 50), spacing: tuple = (1, 1, 2), values: tuple = CT_RANGE, whole: bool = True
) -> CaseFacts:
    lowest, low, middle, high, highest = values
    channel = ChannelFacts(lowest, highest, whole, (lowest, middle, highest), (low, middle, high))
    return CaseFacts(f"case{index}", size, spacing, (channel,), {2: 10.0})


def result(*cases: CaseFacts) -> CheckResult:
    return CheckResult((), cases)


def typical(
    size: tuple = (300, 280, 90),
    modality: str = "CT",
    window: tuple = (-80.2, 180.0),
    spacing: tuple = (0.8, 0.8, 2.5),
) -> Fingerprint:
    return Fingerprint(3, spacing, size, modality, (window,))


def test_spacing_size_and_intensities_are_medians_of_the_cases() -> None:
    cases = [
        facts(0, (100, 100, 50), (1.0, 1.0, 2.0)),
        facts(1, (200, 200, 100), (0.5, 0.5, 2.0), (-1024, -60, 40, 200, 3000)),
        facts(2, (90, 90, 30), (2.0, 2.0, 5.0), (-1000, -100, 40, 3000, 3000)),
    ]
    summary = fingerprint(result(*cases), listed(3))
    ball = 2 * (3 * 10.0 / (4 * math.pi)) ** (1 / 3)  # of 10 mm^3
    assert summary == Fingerprint(3, (1.0, 1.0, 2.0), (100, 100, 75), "CT", ((-80.0, 200.0),), ball)


def test_cases_without_label_do_not_count() -> None:
    summary = fingerprint(result(facts(0), facts(7, (9, 9, 9), (9, 9, 9))), listed(1))
    assert (summary.cases, summary.size) == (1, (100, 100, 50))


@pytest.mark.parametrize(
    ("declared", "lowest", "whole", "expected"),
    [
        (None, -1024.0, True, "CT"),
        (None, -1024.0, False, "CT"),
        (None, -500.0, True, "MR"),
        (None, 0.0, True, "MR"),
        ("MR", -1024.0, True, "MR"),
        ("CT", 0.0, False, "CT"),
    ],
)
def test_the_modality_is_the_declared_one_or_told_by_air(
    declared: str | None, lowest: float, whole: bool, expected: str
) -> None:
    case = facts(0, values=(lowest, *CT_RANGE[1:]), whole=whole)
    assert fingerprint(result(case), listed(1, declared)).modality == expected


def test_a_data_set_that_cannot_be_read_has_no_fingerprint() -> None:
    with pytest.raises(InputError, match="no case with a label can be read"):
        fingerprint(result(), listed(1))


def test_a_ct_is_clipped_to_its_foreground_and_an_mr_is_standardised() -> None:
    ct = default_config(listed(3), typical(), 16 * GIB).preprocessing
    assert (ct.intensity, ct.window, ct.spacing) == ("window", (-81.0, 180.0), (0.8, 0.8, 2.5))
    mr = default_config(listed(3), typical(modality="MR"), 16 * GIB).preprocessing
    assert (mr.intensity, mr.window) == ("zscore", Config().preprocessing.window)
    flat = default_config(listed(3), typical(window=(5.0, 5.0)), 16 * GIB).preprocessing
    assert flat.window == Config().preprocessing.window


@pytest.mark.parametrize(
    ("size", "memory", "patch", "batch"),
    [
        ((300, 280, 90), 100 * GIB, (96, 96, 80), 2),
        ((300, 280, 90), 40 * GIB, (80, 80, 64), 2),
        ((300, 280, 90), 8 * GIB, (48, 48, 32), 2),
        ((35, 50, 35), 16 * GIB, (32, 48, 32), 4),
        ((10, 20, 35), 1000 * GIB, (32, 32, 32), 8),
        ((300, 280, 90), 1 * GIB, (32, 32, 32), 1),
    ],
)
def test_the_patch_follows_the_median_size_and_the_memory(size: tuple, memory: int, patch: tuple, batch: int) -> None:
    config = default_config(listed(3), typical(size, spacing=(0.8, 0.8, 1.5)), memory)
    assert config.sampling.patch == patch
    assert (config.search.batch_size, config.training.batch_size) == (batch, 2 * batch)


@pytest.mark.parametrize("memory", [1, 4, 11, 24, 80, 640])
@pytest.mark.parametrize("size", [(512, 512, 30), (240, 240, 155), (33, 47, 96), (1, 1, 1)])
def test_every_default_is_valid_and_fits_the_memory_if_anything_does(size: tuple, memory: int) -> None:
    config = default_config(listed(3), typical(size), memory * GIB)
    assert Config.from_mapping(config.to_mapping()) == config
    space = config.search.space
    needed = (
        40_000 * relative_memory(space, SearchSpace()) * config.search.batch_size * math.prod(config.sampling.patch)
    )
    assert needed <= 0.8 * memory * GIB or config.sampling.patch == tuple(2 * step for step in space.patch_step)


def test_the_default_names_the_task_and_keeps_the_papers_schedule() -> None:
    config = default_config(listed(3, channels=("T1", "T2")), typical(), 16 * GIB)
    assert (config.task.name, config.task.channels) == ("Task", ("T1", "T2"))
    assert config.task.labels == {0: "background", 2: "liver"}
    assert (config.task.modality, config.task.tolerance) == ("CT", 2.5)
    assert (config.search.iterations, config.training.iterations, config.training.folds) == (21000, 41000, 5)


def test_a_data_set_without_any_label_has_no_default() -> None:
    datalist = dataclasses.replace(listed(3), labels={0: "background"})
    with pytest.raises(InputError, match="at least one other label"):
        default_config(datalist, typical(), 16 * GIB)


def test_the_memory_of_this_machine_is_known() -> None:
    assert 2**28 < machine_memory() < 2**50


def test_the_real_hippocampus_gets_settings_like_its_preset(hippocampus: Path) -> None:
    datalist = read_datalist(hippocampus)
    few = DataList(datalist.folder, datalist.name, None, datalist.channels, datalist.labels, datalist.cases[::10])
    config = default_config(few, fingerprint(check(few, folds=5), few), 16 * GIB)
    assert (config.task.modality, config.preprocessing.spacing) == ("MR", (1.0, 1.0, 1.0))
    assert (config.search.levels, config.search.finest, config.search.delay) == (5, 1, (0, 0, 0))
    assert config.sampling.patch == (32, 32, 32)


@pytest.mark.parametrize(
    ("structure", "levels", "finest"), [(15.0, 5, 1), (25.0, 5, 1), (26.0, 4, 2), (100.0, 4, 2), (math.inf, 4, 2)]
)
def test_small_structures_are_searched_at_full_resolution(structure: float, levels: int, finest: int) -> None:
    """At 0.8 mm, 32 voxels are 25.6 mm."""
    small = dataclasses.replace(typical(), structure=structure)
    search = default_config(listed(3), small, 64 * GIB).search
    assert (search.levels, search.finest) == (levels, finest)


@pytest.mark.parametrize(
    ("spacing", "delay"),
    [((1, 1, 1), (0, 0, 0)), ((0.8, 0.8, 1.5), (0, 0, 0)), ((0.8, 0.8, 1.6), (0, 0, 1)), ((5, 1, 0.9), (2, 0, 0))],
)
def test_thick_slices_leave_out_their_first_halvings(spacing: tuple, delay: tuple) -> None:
    config = default_config(listed(3), typical(spacing=spacing), 64 * GIB)
    assert config.search.delay == delay
    assert config.search.space.fits(config.sampling.patch)


def test_the_size_of_the_smallest_structure_is_measured() -> None:
    ball = 4 / 3 * math.pi * 10.0**3
    cases = [dataclasses.replace(facts(index), label_volumes={1: 50 * ball, 2: ball}) for index in range(3)]
    assert fingerprint(result(*cases), listed(3)).structure == pytest.approx(20.0)


def side_by_side(index: int, *channels: tuple[tuple, bool]) -> CaseFacts:
    """A case with several channels: (lowest, foreground percentiles, highest), and whether numbers are whole."""
    return dataclasses.replace(
        facts(index), channels=tuple(facts(index, values=values, whole=whole).channels[0] for values, whole in channels)
    )


PET_RANGE, T1_RANGE = (0.0, 0.4, 2.0, 6.5, 7.0), (0.0, 90.0, 300.0, 700.0, 900.0)
DISTANCE_RANGE = (-30.0, -5.0, 1.0, 12.0, 80.0)


@pytest.mark.parametrize(
    ("names", "other"),
    [
        (("CT", "PET"), PET_RANGE),
        (("CT", "T1"), T1_RANGE),
        (("CT", "distance map"), DISTANCE_RANGE),
        (("channel 0", "channel 1"), PET_RANGE),
        (("channel 0", "channel 1"), T1_RANGE),
    ],
)
@pytest.mark.parametrize("ct_is_first", [True, False])
def test_each_channel_is_scaled_by_what_it_holds(names, other, ct_is_first) -> None:
    order = 1 if ct_is_first else -1
    datalist = listed(3, read_modality(names), names[::order])
    cases = [side_by_side(index, *[(CT_RANGE, False), (other, False)][::order]) for index in range(3)]
    config = default_config(datalist, fingerprint(result(*cases), datalist), 8 * GIB)
    assert config.preprocessing.intensity == ("window", "zscore")[::order]
    windows = [config.preprocessing.window_of(index) for index in range(2)]
    assert windows[::order] == [(-80.0, 180.0), None]  # that of CT alone
    assert config.task.modality == "CT"
    assert scaling_notes(config.preprocessing, names[::order])[::order] == [
        f"channel {names[0]} is scaled by the window -80 to 180",
        f"channel {names[1]} is scaled by the deviation of its non-zero voxels",
    ]


def read_modality(names: tuple[str, ...]) -> str | None:
    return "CT" if "CT" in names else None


@pytest.mark.parametrize(
    ("values", "whole", "modality"),
    [
        (CT_RANGE, False, "CT"),  # resampled, or with a slope
        ((-2048.0, -80.0, 40.0, 180.0, 3071.0), False, "CT"),
        ((-1.0, -0.5, 0.0, 0.5, 1.0), False, "MR"),  # normalised
        ((-600.0, 10.0, 300.0, 700.0, 30000.0), False, "MR"),  # negative by interpolation alone
        ((-32768.0, 10.0, 300.0, 700.0, 900.0), True, "MR"),  # padded
    ],
)
def test_hounsfield_units_are_known_by_their_range_also_in_fractions(values, whole, modality) -> None:
    cases = [facts(index, values=values, whole=whole) for index in range(3)]
    assert fingerprint(result(*cases), listed(3)).modality == modality


def test_two_channels_of_ct_share_a_window_as_before() -> None:
    datalist = listed(3, "CT", ("CT arterial", "CT venous"))
    cases = [side_by_side(index, (CT_RANGE, True), ((-1000.0, -10.0, 60.0, 300.0, 900.0), True)) for index in range(3)]
    config = default_config(datalist, fingerprint(result(*cases), datalist), 8 * GIB)
    assert (config.preprocessing.intensity, config.preprocessing.window) == ("window", (-80.0, 300.0))


@pytest.mark.parametrize(("low", "high", "unseen"), [(950, 1200, True), (-800, -200, True), (100, 300, False)])
def test_a_window_that_leaves_nothing_of_what_is_labelled_is_warned_of(low, high, unseen) -> None:
    datalist, config = listed(3, "CT", ("CT",)), Config.load("spleen").preprocessing
    cases = [facts(index, values=(-1024.0, low, 0.0, high, 3000.0)) for index in range(3)]
    checked = with_scaling(result(*cases), config, datalist)
    assert checked == with_scaling(checked, config, datalist)
    shown = f"what is labelled lies at {low} to {high}, all of it beyond the window"
    assert [problem.reason.startswith(shown) for problem in checked.problems] == [True] * unseen
    assert checked.notes == ("channel CT is scaled by the window -160 to 240",)


@pytest.mark.parametrize(("spacing", "odd"), [((1e-3, 1e-3, 1e-3), True), ((0.4, 0.4, 0.5), False), ((1, 1, 20), True)])
def test_a_working_spacing_in_another_unit_is_warned_of(spacing, odd) -> None:
    cases = [facts(index, spacing=spacing) for index in range(3)]
    working = Config().with_overrides(["preprocessing.spacing=[1, 1, 2]"]).preprocessing
    problems = with_scaling(result(*cases), working, listed(3, "MR")).problems
    shown = " x ".join(f"{step:g}" for step in spacing)
    assert [problem.reason for problem in problems] == [f"its voxels of {shown} mm are resampled to 1 x 1 x 2 mm"] * odd
