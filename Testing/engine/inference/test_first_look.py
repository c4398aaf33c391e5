"""A first look leaves out what is nothing, and nothing else."""

from __future__ import annotations

import time

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from dints.data.preprocessing import Preprocessor
from dints.inference.case import NOT_COMPUTED
from dints.inference.first_look import MARGIN, WAYS, Way, first_look, look_windows
from dints.inference.focus import BLOCK, Focus
from dints.inference.predictor import Predictor
from dints.inference.safety_bound import SafetyBound
from dints.inference.sliding_window import sliding_window
from dints.inference.tiling import Tiling
from dints.inference.window_grid import Windows

from .predicting import PATCH, Recorder, config, conv_network, threshold

SIZE = (112, 96, 104)
FINE, COARSE = Way(scale=1, alone=False), Way(scale=2, alone=True)
BOUND = SafetyBound(0.05, FINE, saved=0.5, cases=10)


def scan(*boxes: tuple[slice, slice, slice], level: int = 50, noise: float = 0.0, size=SIZE, spacing=1.0) -> sitk.Image:
    """Noise with grey boxes [x, y, z] in it; nothing can be cropped away."""
    random = np.random.default_rng(0)
    voxels = (1 + noise * random.random(size)).astype(np.float32)
    for box in boxes:
        voxels[box] = level
    image = sitk.GetImageFromArray(voxels.transpose(2, 1, 0))
    image.SetSpacing((spacing,) * 3)
    return image


def box(x: int, y: int, z: int, side: int) -> tuple[slice, slice, slice]:
    return slice(x, x + side), slice(y, y + side), slice(z, z + side)


def predictor(networks=(threshold,), bound: SafetyBound | None = BOUND, **inference) -> Predictor:
    return Predictor(networks, config(**inference), "cpu", bound=bound)


def labels(prediction) -> np.ndarray:
    return sitk.GetArrayFromImage(prediction.labels)


@pytest.mark.parametrize("way", WAYS)
def test_the_labels_are_those_of_every_window_and_most_windows_are_left_out(way):
    image = scan(box(40, 30, 50, 14), box(90, 80, 90, 6), noise=4)
    bound = SafetyBound(0.05, way, saved=0.5, cases=10)
    looked, exhaustive = (
        predictor(bound=bound).predict([image], exhaustive=exhaustive) for exhaustive in (False, True)
    )
    np.testing.assert_array_equal(labels(looked), labels(exhaustive))
    assert (labels(looked) == 10).sum() == 14**3 + 6**3
    assert exhaustive.computed == exhaustive.windows == looked.windows
    assert looked.computed < 0.1 * looked.windows


@pytest.mark.parametrize("networks", [1, 5])
def test_what_is_looked_at_has_the_mean_of_all_windows_laid_over_it_and_the_rest_is_background(networks):
    network, shape = conv_network(), (50, 44, 47)
    volume = torch.rand(1, *shape, generator=torch.Generator().manual_seed(0))
    blocks = np.zeros([-(-count // BLOCK) for count in shape], bool)
    blocks[2:4, 3:8, 1:2] = blocks[11:, 3, 10:] = True
    focus, tiling = Focus(blocks, shape), Tiling(PATCH, (6, 6, 6), networks)
    windows = focus.windows(tiling)
    assert 0 < windows.count < windows.chosen.size
    every, chosen = (
        {band.first_row: band for band in sliding_window(volume, [network], PATCH, (6, 6, 6), windows=some)}
        for some in (Windows.all(windows.grid), windows)
    )
    compared = 0
    for row, band in chosen.items():
        rows = row + np.arange(band.logits[0].shape[-1])
        looked = torch.from_numpy(focus.looked_at(*map(np.arange, shape[:2]), rows))
        assert torch.equal(band.logits[0][:, looked], every[row].logits[0][:, looked])
        compared += int(looked.sum())
        outside = focus.band(band).logits[0].softmax(0)[:, ~looked]
        assert torch.equal(outside, torch.eye(3)[:, :1].expand_as(outside))
    assert compared == focus.looked_at(*map(np.arange, shape)).sum() > 0


def test_several_networks_overlap_half_as_much_where_only_a_part_is_computed():
    focus = Focus(np.ones((25, 25, 25), bool), (100, 100, 100))
    one, five = (focus.windows(Tiling(PATCH, (8, 8, 8), networks)).grid for networks in (1, 5))
    assert np.diff(one.starts[0]).max() == 8
    assert np.diff(five.starts[0]).max() == 12
    assert one == Tiling(PATCH, (8, 8, 8), 1).grid((100, 100, 100))


@pytest.mark.parametrize(("way", "most"), [(FINE, 0.05), (COARSE, 0.02)])
@pytest.mark.parametrize("spacing", [1.0, 0.8])
def test_components_of_3_to_10_voxels_are_not_lost_wherever_they_lie(spacing, way, most):
    """Across the edges of windows, in the corners of the volume, and anywhere."""
    random = np.random.default_rng(0)
    sides = [(3, 1, 1), (1, 2, 2), (1, 1, 5), (2, 3, 1), (2, 2, 2), (3, 1, 3), (2, 5, 1)]
    places = [(0, 0, 0), (107, 91, 99), (15, 15, 15), (16, 64, 16), (8, 24, 47)]
    places += [tuple(int(random.integers(0, count - 5)) for count in SIZE) for _ in range(9)]
    lesions = [
        tuple(slice(at, at + n) for at, n in zip(place, sides[i % 7], strict=True)) for i, place in enumerate(places)
    ]
    image = scan(*lesions, level=90, noise=4, spacing=spacing)
    bound = SafetyBound(most, way, saved=0.5, cases=10)
    looked, exhaustive = (
        predictor(bound=bound).predict([image], exhaustive=exhaustive) for exhaustive in (False, True)
    )
    np.testing.assert_array_equal(labels(looked), labels(exhaustive))
    assert looked.computed < looked.windows
    # Resampling to 1 mm takes one of 3 voxels away, from both results.
    assert sitk.GetArrayFromImage(sitk.ConnectedComponent(looked.labels > 0, True)).max() >= len(lesions) - 1


@pytest.mark.parametrize("vote", ["majority", "mean"])
def test_what_the_majority_finds_is_found_whoever_finds_it(vote):
    """Five networks, each blind to another part of the volume: everywhere two of them see nothing, in a corner four."""

    def blind(low: float, high: float):
        return lambda windows: threshold(torch.where((windows > low) & (windows < high), 0, windows))

    levels = (30, 45, 60, 75, 90)
    image = scan(*(box(20 * i + 3, 15 * i + 5, 17 * i + 4, 5) for i in range(5)), noise=4)
    voxels = sitk.GetArrayFromImage(image)
    for i, level in enumerate(levels):
        voxels[tuple(reversed(box(20 * i + 3, 15 * i + 5, 17 * i + 4, 5)))] = level
    varied = sitk.GetImageFromArray(voxels)
    networks = [blind(0.25, 0.5), blind(0.25, 0.7), blind(0.55, 0.8), blind(0.25, 0.35), blind(0.85, 0.95)]
    looked, exhaustive = (
        predictor(networks).predict([varied], exhaustive=exhaustive, vote=vote) for exhaustive in (False, True)
    )
    np.testing.assert_array_equal(labels(looked), labels(exhaustive))
    assert 0 < looked.computed < looked.windows
    assert 3 * 125 <= (labels(exhaustive) > 0).sum() < 5 * 125  # one was outvoted


def test_where_nothing_is_possible_no_further_window_is_computed():
    reporter = Recorder()
    result = predictor().predict([scan(noise=4)], reporter)
    assert result.computed == 0
    assert not labels(result).any()
    assert reporter.steps[-1][1] == reporter.steps[-1][2]


def test_progress_never_runs_backwards_and_ends_at_its_total():
    reporter = Recorder()
    predictor([threshold, threshold]).predict([scan(box(40, 30, 50, 14), noise=4)], reporter)
    shares = [done / total for _, done, total in reporter.steps]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    totals = [total for _, _, total in reporter.steps]
    assert len(set(totals)) == 2
    assert totals[-1] < 0.3 * totals[0]


@pytest.mark.parametrize("exhaustive", [False, True])
def test_passes_are_those_of_progress_and_their_seconds_are_the_networks_own(exhaustive, monkeypatch):
    """Neither reading nor election counts, however few passes there are."""

    def slow(windows: torch.Tensor) -> torch.Tensor:
        time.sleep(0.002)
        return threshold(windows)

    prepare = Preprocessor.__call__
    monkeypatch.setattr(Preprocessor, "__call__", lambda *given: time.sleep(1) or prepare(*given))
    reporter, started = Recorder(), time.perf_counter()
    image = scan(box(40, 30, 30, 4), noise=4, size=(64, 48, 48))
    result = predictor([slow] * 3).predict([image], reporter, exhaustive=exhaustive)
    assert reporter.steps[-1] == ("segment", result.passes, result.passes)
    assert 0.002 * result.passes <= result.seconds <= time.perf_counter() - started - 1


@pytest.mark.parametrize("size", [(112, 16, 16), (112, 11, 13), (13, 112, 40)])
def test_axes_of_one_window_and_shorter_ones_are_looked_at_as_others(size):
    place = tuple(min(8, count - 4) for count in size)
    image = scan(box(*place, 4), noise=4, size=size)
    looked, exhaustive = (
        predictor(overlap=0.75).predict([image], exhaustive=exhaustive) for exhaustive in (False, True)
    )
    np.testing.assert_array_equal(labels(looked), labels(exhaustive))
    assert (labels(looked) == 10).sum() == 64
    assert looked.computed < looked.windows


def test_every_window_is_computed_without_a_bound_and_where_asked_for():
    image = scan(box(40, 30, 50, 14), noise=4)
    for result in (predictor(bound=None).predict([image]), predictor().predict([image], exhaustive=True)):
        assert result.computed == result.windows > 0


def test_a_first_look_that_could_not_pay_is_left_out():
    """Without overlap it would be as long as the rest."""
    reporter = Recorder()
    result = predictor().predict([scan(box(40, 30, 50, 14), noise=4)], reporter, overlap=0.0)
    assert result.computed == result.windows == reporter.steps[-1][2]


def test_the_disagreement_map_says_where_it_was_not_computed():
    image = scan(box(40, 30, 50, 14), noise=4)
    always_grey = lambda windows: threshold(torch.full_like(windows, 0.5))  # noqa: E731
    networks = [threshold, threshold, always_grey]
    looked, exhaustive = (
        predictor(networks).predict([image], disagreement=True, exhaustive=exhaustive) for exhaustive in (False, True)
    )
    percent, every = (sitk.GetArrayFromImage(result.disagreement) for result in (looked, exhaustive))
    skipped = percent == NOT_COMPUTED
    assert 0.3 < skipped.mean() < 1
    assert not skipped[50:64, 30:44, 40:54].any()
    np.testing.assert_array_equal(percent[~skipped], every[~skipped])
    assert not (every == NOT_COMPUTED).any()


def test_a_region_is_looked_at_as_the_whole_is():
    image, region = scan(box(40, 30, 50, 14), noise=4), ((20, 20, 20), (100, 90, 100))
    looked, exhaustive = (
        predictor().predict([image], region=region, exhaustive=exhaustive) for exhaustive in (False, True)
    )
    np.testing.assert_array_equal(labels(looked), labels(exhaustive))
    assert looked.computed < looked.windows


def test_what_is_said_names_the_windows_and_the_bound():
    class Listener(Recorder):
        def message(self, text: str) -> None:
            self.text = text

    listener = Listener()
    result = predictor().predict([scan(box(40, 30, 50, 14), noise=4)], listener)
    assert listener.text.startswith(f"{result.computed} windows were computed instead of {result.windows};")
    assert "0.05" in listener.text


@pytest.mark.parametrize(
    ("options", "holds"),
    [
        ({}, True),
        ({"overlap": 0.5, "mirror": False, "folds": [0]}, True),
        ({"overlap": 0.25}, False),
        ({"mirror": True}, False),
        ({"stride": (4, 8, 8)}, False),
        ({"mirror": True, "overlap": 0.25, "exhaustive": True}, True),
    ],
)
def test_a_bound_that_was_measured_with_other_windows_is_not_used_in_silence(options, holds):
    class Listener(Recorder):
        text = ""

        def message(self, text: str) -> None:
            self.text += text

    listener = Listener()
    image = scan(box(40, 30, 30, 6), noise=4, size=(64, 48, 48))
    result = predictor([threshold] * 3).predict([image], listener, **options)
    assert result.bound_holds is holds
    assert (result.computed < result.windows) is not options.get("exhaustive", False)
    assert ("was measured with another overlap or mirroring; exhaustive" in listener.text) is not holds


def test_a_network_that_answers_with_no_number_is_looked_at():
    nowhere = lambda windows: torch.full((len(windows), 3, *PATCH), torch.nan)  # noqa: E731
    assert first_look(torch.rand(1, *SIZE), [nowhere], PATCH).focus(0.5).blocks.all()


@pytest.mark.parametrize("scale", [1, 2])
@pytest.mark.parametrize("shape", [SIZE, (47, 16, 33), (9, 40, 13), (1, 40, 1)])
def test_a_possible_voxel_brings_in_what_is_within_the_margin(scale, shape):
    at = tuple(count * 2 // 3 for count in shape)
    volume = torch.zeros(1, *shape)
    volume[0][at] = 4.0
    look = first_look(volume, [threshold], PATCH, scale)
    assert look.passes <= look_windows(shape, PATCH, scale)
    looked = look.focus(0.2).looked_at(*map(np.arange, shape))
    far = [np.abs(np.arange(count) - place) for count, place in zip(shape, at, strict=True)]
    distance = np.maximum(np.maximum(far[0][:, None, None], far[1][:, None]), far[2])
    assert looked[distance <= MARGIN].all()
    assert not looked[distance >= MARGIN + 2 * BLOCK].any()


def test_a_look_at_half_the_resolution_takes_an_eighth_of_the_windows():
    assert look_windows((384, 384, 384), (96, 96, 96), 1) == 8 * look_windows((384, 384, 384), (96, 96, 96), 2) == 64
