"""The table of metrics: what a line says holds wherever scores are computed."""

from __future__ import annotations

import math

import numpy as np
import pytest

import dints
from dints.evaluation.evaluate import ROW_KEYS
from dints.metrics.segmentation import METRICS, LabelMasks, Metric, short_name

EMPTY, FULL = np.zeros((4, 4, 4), bool), np.ones((4, 4, 4), bool)


def masks(prediction: np.ndarray, reference: np.ndarray) -> LabelMasks:
    return LabelMasks(prediction, reference, (1.0, 1.0, 2.0), tolerance=1.0)


def refuse(masks: LabelMasks) -> float:
    raise AssertionError("a measure got an empty mask")


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_equal_masks_score_best_and_a_missed_label_is_worse(metric: Metric) -> None:
    best, missed = metric.score(masks(FULL, FULL)), metric.score(masks(EMPTY, FULL))
    assert (best > missed) if metric.higher_is_better else (best < missed)


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_what_an_empty_mask_scores_is_said_in_the_table_and_never_measured(metric: Metric) -> None:
    blind = Metric(metric.name, metric.caption, metric.short, refuse, one_empty=-1.0, both_empty=-2.0)
    assert [blind.score(masks(*pair)) for pair in ((EMPTY, FULL), (FULL, EMPTY), (EMPTY, EMPTY))] == [-1, -1, -2]


def test_the_functions_themselves_agree_with_the_table_on_empty_masks() -> None:
    for prediction, reference in ((EMPTY, FULL), (FULL, EMPTY), (EMPTY, EMPTY)):
        scores = {name: METRICS[name].score(masks(prediction, reference)) for name in ("dice", "nsd")}
        dice = dints.dice(prediction, reference)
        nsd = dints.normalized_surface_distance(prediction, reference, (1, 1, 2), 1)
        np.testing.assert_equal(scores, {"dice": dice, "nsd": nsd})


def test_names_are_unlike_the_other_columns_of_a_table_of_scores() -> None:
    assert not set(METRICS) & set(ROW_KEYS)
    assert all(name == metric.name for name, metric in METRICS.items())


def test_a_metric_that_is_not_in_the_table_goes_by_its_name() -> None:
    assert [short_name(name) for name in ("dice", "nsd", "hd95")] == ["Dice", "NSD", "hd95"]


def test_scores_are_numbers_that_a_table_can_hold() -> None:
    for metric in METRICS.values():
        assert type(metric.score(masks(FULL, FULL))) is float
        assert math.isnan(metric.both_empty)
