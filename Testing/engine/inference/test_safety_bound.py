"""The bound is what loses nothing on the cases that it was measured on, with a reserve; else there is none."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import SimpleITK as sitk

from dints.data.grid import Grid
from dints.errors import InputError
from dints.inference.first_look import FirstLook
from dints.inference.safety_bound import MOST_DICE, RESERVE, MeasuredCase, SafetyBound, safety_bound
from dints.inference.window_grid import WindowGrid

SHAPE, PATCH, STRIDE = (64, 64, 64), (16, 16, 16), (8, 8, 8)
BOUND = SafetyBound(0.03, PATCH, saved=0.7, cases=12)


def grid(crop=SHAPE) -> Grid:
    return Grid.of(sitk.Image(crop, sitk.sitkUInt8)).with_working_shape(SHAPE)


def look(*probabilities: tuple[tuple[int, int, int], float], floor: float = 1e-6) -> FirstLook:
    """A first look that found these probabilities in the cells of 8 voxels at these places."""
    windows = WindowGrid.of(SHAPE, PATCH, STRIDE)
    highest = np.full((8, 8, 8), floor, np.float32)
    for (x, y, z), value in probabilities:
        highest[x // 8, y // 8, z // 8] = value
    return FirstLook(windows, highest, passes=64)


def labelled(*boxes: tuple[tuple[int, int, int], int], crop=SHAPE) -> np.ndarray:
    labels = np.zeros(crop, np.uint8)
    for number, ((x, y, z), side) in enumerate(boxes, start=1):
        labels[x : x + side, y : y + side, z : z + side] = number
    return labels


def lost(case: FirstLook, labels: np.ndarray, threshold: float) -> np.ndarray:
    looked = case.focus(threshold).looked_at(*map(np.arange, SHAPE))
    return (labels > 0) & ~looked


def test_the_limit_is_where_the_least_clear_component_would_be_lost():
    case = look(((4, 4, 4), 0.9), ((50, 50, 50), 0.2))
    labels = labelled(((2, 2, 2), 5), ((48, 48, 48), 3))
    limit = MeasuredCase.of(case, labels, grid()).limit
    assert limit == pytest.approx(0.2)
    assert not lost(case, labels, 0.999 * limit).any()
    assert lost(case, labels, 1.001 * limit).any()


def test_every_component_of_a_label_counts_however_small():
    case = look(((4, 4, 4), 0.9), ((50, 50, 50), 0.01))
    labels = labelled(((1, 1, 1), 6))
    labels[50, 50, 50] = 1
    assert MeasuredCase.of(case, labels, grid()).limit == pytest.approx(0.01)


@pytest.mark.parametrize(("outliers", "limit"), [(4, 0.9), (5, 0.3)])
def test_so_much_of_a_component_may_be_lost_as_costs_no_more_than_the_dice_allowed(outliers, limit):
    """Of 4,400 voxels in one component, four: 0.00045 of its Dice; the windows of the fifth would cost more."""
    clear = np.arange(8) < 6
    highest = np.broadcast_to(np.where(clear, 0.9, 0.3)[:, None, None], (8, 8, 8)).astype(np.float32)
    case = FirstLook(WindowGrid.of(SHAPE, PATCH, STRIDE), highest, passes=64)
    labels = np.zeros(SHAPE, np.uint8)
    labels[:40, :11, :10] = labels[40 : 48 + outliers, 0, 0] = 1
    assert MeasuredCase.of(case, labels, grid()).limit == pytest.approx(limit)
    total, gone = int(labels.sum()), int(lost(case, labels, 0.5).sum())
    assert gone == outliers
    assert (1 - 2 * (total - gone) / (2 * total - gone) <= MOST_DICE) == (limit == 0.9)


def test_labels_of_another_resolution_are_measured_where_they_lie():
    case = look(((4, 4, 4), 0.9), ((50, 50, 50), 0.2))
    labels = labelled(((1, 1, 1), 2), ((24, 24, 24), 1), crop=(32, 32, 32))
    assert MeasuredCase.of(case, labels, grid((32, 32, 32))).limit == pytest.approx(0.2)


def test_the_bound_is_a_tenth_of_the_lowest_limit_and_says_what_it_saves():
    clear, unclear = (MeasuredCase.of(look(((4, 4, 4), p)), labelled(((2, 2, 2), 5)), grid()) for p in (0.9, 0.4))
    bound = safety_bound([clear, unclear])
    assert isinstance(bound, SafetyBound)
    assert bound.threshold == pytest.approx(0.4 / RESERVE)
    assert bound.step == PATCH
    assert bound.cases == 2
    assert bound.saved == pytest.approx(1 - 1 / 7**3)  # a corner cell lies in one window


def test_a_case_in_which_nothing_was_found_limits_nothing():
    empty = MeasuredCase.of(look(), labelled(), grid())
    found = MeasuredCase.of(look(((4, 4, 4), 0.5)), labelled(((2, 2, 2), 5)), grid())
    assert safety_bound([empty, found]).threshold == pytest.approx(0.5 / RESERVE)


@pytest.mark.parametrize(
    ("cases", "reason"),
    [
        ([], "too few windows"),
        (
            [MeasuredCase.of(look(((4, 4, 4), 0.9)), labelled(((40, 40, 40), 3)), grid())],
            "lost at a probability of 1e-06",
        ),
        ([MeasuredCase.of(look(floor=0.5), labelled(((40, 40, 40), 3)), grid())], "spare 0% of the windows"),
    ],
)
def test_there_is_none_where_something_would_be_lost_or_nothing_spared(cases, reason):
    assert reason in safety_bound(cases)


def test_a_bound_is_read_as_it_was_written():
    assert SafetyBound.from_mapping(BOUND.to_mapping(), "model.zip") == BOUND


@pytest.mark.parametrize(
    "change",
    [{"threshold": 1.5}, {"threshold": float("nan")}, {"threshold": "no"}, {"step": [0, 1, 1]}, {"step": [8, 8]}],
)
def test_a_damaged_bound_is_refused_by_the_name_of_its_file(change):
    with pytest.raises(InputError, match=r"model\.zip: the safety bound is damaged"):
        SafetyBound.from_mapping(BOUND.to_mapping() | change, "model.zip")


def test_it_holds_for_first_looks_that_are_no_coarser_than_those_measured():
    assert BOUND.allows(WindowGrid.of(SHAPE, PATCH, STRIDE))
    assert not dataclasses.replace(BOUND, step=(16, 16, 8)).allows(WindowGrid.of(SHAPE, PATCH, STRIDE))
