"""The bound is what loses nothing on the cases that it was measured on, with a reserve; else there is none."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from dints.data.grid import Grid
from dints.errors import InputError
from dints.inference.first_look import FirstLook, Way
from dints.inference.focus import BLOCK
from dints.inference.safety_bound import MOST_DICE, RESERVE, MeasuredLook, SafetyBound, safety_bound
from dints.inference.tiling import Tiling

SHAPE = (64, 64, 64)
ONE, FIVE = (Tiling((16, 16, 16), (8, 8, 8), networks) for networks in (1, 5))
BOUND = SafetyBound(0.03, Way(2, alone=True), saved=0.7, cases=12)


def grid(crop=SHAPE) -> Grid:
    return Grid.of(sitk.Image(crop, sitk.sitkUInt8)).with_working_shape(SHAPE)


def look(*probabilities: tuple[tuple[int, int, int], float], floor: float = 1e-6, passes: int = 64) -> FirstLook:
    """A first look that found these probabilities in the 8 voxels around these places."""
    highest = np.full([count // BLOCK for count in SHAPE], floor, np.float32)
    for place, value in probabilities:
        highest[tuple(slice(at // 8 * 8 // BLOCK, at // 8 * 8 // BLOCK + 8 // BLOCK) for at in place)] = value
    return FirstLook(highest, SHAPE, passes)


def measured(case: FirstLook, own: np.ndarray, reference=None, scale: int = 1, of: Grid | None = None) -> MeasuredLook:
    return MeasuredLook.of(case, scale, own, own if reference is None else reference, of or grid())


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
    limit = measured(case, labels).limit
    assert limit == pytest.approx(0.2)
    assert not lost(case, labels, 0.999 * limit).any()
    assert lost(case, labels, 1.001 * limit).any()


def test_every_component_of_a_label_counts_however_small():
    case = look(((4, 4, 4), 0.9), ((50, 50, 50), 0.01))
    labels = labelled(((1, 1, 1), 6))
    labels[50, 50, 50] = 1
    assert measured(case, labels).limit == pytest.approx(0.01)


@pytest.mark.parametrize(("outliers", "limit"), [(4, 0.9), (5, 0.3)])
def test_so_much_of_a_component_may_be_lost_as_costs_no_more_than_the_dice_allowed(outliers, limit):
    """Of 4,400 voxels in one component, four: 0.00045 of its Dice; the windows of the fifth would cost more."""
    clear = np.arange(16) < 12
    highest = np.broadcast_to(np.where(clear, 0.9, 0.3)[:, None, None], (16, 16, 16)).astype(np.float32)
    case = FirstLook(highest, SHAPE, passes=64)
    labels = np.zeros(SHAPE, np.uint8)
    labels[:40, :11, :10] = labels[40 : 48 + outliers, 0, 0] = 1
    assert measured(case, labels).limit == pytest.approx(limit)
    total, gone = int(labels.sum()), int(lost(case, labels, 0.5).sum())
    assert gone == outliers
    assert (1 - 2 * (total - gone) / (2 * total - gone) <= MOST_DICE) == (limit == 0.9)


def test_labels_of_another_resolution_are_measured_where_they_lie():
    case = look(((4, 4, 4), 0.9), ((50, 50, 50), 0.2))
    labels = labelled(((1, 1, 1), 2), ((24, 24, 24), 1), crop=(32, 32, 32))
    assert measured(case, labels, of=grid((32, 32, 32))).limit == pytest.approx(0.2)


def test_the_bound_is_a_tenth_of_the_lowest_limit_and_says_what_it_saves():
    clear, unclear = (measured(look(((4, 4, 4), p)), labelled(((2, 2, 2), 5))) for p in (0.9, 0.4))
    bound = safety_bound([clear, unclear], ONE)
    assert isinstance(bound, SafetyBound)
    assert bound.threshold == pytest.approx(0.4 / RESERVE)
    assert bound.way.scale == 1
    assert bound.cases == 2
    assert bound.saved == pytest.approx(1 - (1 + 64) / 7**3)  # one window, after the first look


def test_a_case_in_which_nothing_was_found_limits_nothing():
    empty = measured(look(), labelled())
    found = measured(look(((4, 4, 4), 0.5)), labelled(((2, 2, 2), 5)))
    assert safety_bound([empty, found], ONE).threshold == pytest.approx(0.5 / RESERVE)


def test_the_way_that_spares_most_is_taken():
    labels = labelled(((2, 2, 2), 5))
    fine, coarse = (measured(look(((4, 4, 4), 0.5), passes=n), labels, scale=s) for s, n in ((1, 64), (2, 8)))
    assert safety_bound([fine, coarse], FIVE).way == Way(2, alone=True)


def test_a_look_at_half_the_resolution_that_misses_something_gives_way_to_the_full_one():
    labels = labelled(((2, 2, 2), 5), ((40, 40, 40), 1))
    fine = measured(look(((4, 4, 4), 0.9), ((40, 40, 40), 0.5)), labels)
    coarse = measured(look(((4, 4, 4), 0.9), passes=8), labels, scale=2)
    bound = safety_bound([fine, coarse], ONE)
    assert (bound.way.scale, bound.threshold) == (1, pytest.approx(0.5 / RESERVE))


def test_a_majority_looks_where_one_network_does_not_see_what_others_could_find():
    own, reference = labelled(((2, 2, 2), 5)), labelled(((2, 2, 2), 5), ((40, 40, 40), 3))
    case = measured(look(((4, 4, 4), 0.9)), own, reference)
    assert safety_bound([case], FIVE).way == Way(1, alone=False)
    assert isinstance(safety_bound([case], ONE), SafetyBound)  # what the only network misses is missed anyhow


@pytest.mark.parametrize(
    ("looks", "reason"),
    [
        ([], "too few windows"),
        ([measured(look(((4, 4, 4), 0.9)), labelled(((40, 40, 40), 3)))], "lost at a probability of 1e-06"),
        ([measured(look(floor=0.5), labelled(((40, 40, 40), 3)))], "spare 0% of the work"),
    ],
)
def test_there_is_none_where_something_would_be_lost_or_nothing_spared(looks, reason):
    assert reason in safety_bound(looks, ONE)


def test_a_bound_is_read_as_it_was_written():
    assert SafetyBound.from_mapping(BOUND.to_mapping(), "model.zip") == BOUND


@pytest.mark.parametrize(
    "change",
    [
        {"threshold": 1.5},
        {"threshold": float("nan")},
        {"threshold": "no"},
        {"way": {"scale": 3, "alone": True}},
        {"way": 2},
    ],
)
def test_a_damaged_bound_is_refused_by_the_name_of_its_file(change):
    with pytest.raises(InputError, match=r"model\.zip: the safety bound is damaged"):
        SafetyBound.from_mapping(BOUND.to_mapping() | change, "model.zip")
