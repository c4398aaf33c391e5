"""Training patches: reproducible from the step, drawn as configured, padded where the volume is small."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from dints.config import PreprocessingConfig, SamplingConfig
from dints.data.cache import CachedCase, build_cache
from dints.data.cases import Case
from dints.data.images import write_image
from dints.data.sampling import PatchSampler, prefetch
from dints.errors import InputError
from dints.events import Reporter

SIZE = (20, 18, 16)


@pytest.fixture(scope="module")
def cases(tmp_path_factory) -> list[CachedCase]:
    """Two volumes whose voxel values are unique; label 1 is one voxel, label 2 a block of 200."""
    folder = tmp_path_factory.mktemp("cases")
    listed = []
    for number in range(2):
        voxels = np.arange(np.prod(SIZE), dtype=np.float32).reshape(SIZE[::-1]) + 1 + number * 10_000
        label = np.zeros(voxels.shape, np.uint8)
        label[8, 9, 10] = 1
        label[:2, :10, :10] = 2
        image, label_image = sitk.GetImageFromArray(voxels), sitk.GetImageFromArray(label)
        for item in (image, label_image):
            item.SetDirection((-1, 0, 0, 0, -1, 0, 0, 0, 1))  # RAS: indices of file and array agree
        write_image(image, folder / f"{number}.nrrd")
        write_image(label_image, folder / f"{number}_label.nrrd")
        listed.append(Case(str(number), (folder / f"{number}.nrrd",), folder / f"{number}_label.nrrd"))
    config = PreprocessingConfig(intensity="window", window=(0.0, 20_000.0))
    cache = build_cache(listed, config, (0, 1, 2), folder / "cache", Reporter())
    return [cache.case(case.name) for case in listed]


def sampler(cases, patch=(8, 8, 8), fraction=0.5, batch_size=4, seed=0, stage="train") -> PatchSampler:
    return PatchSampler(cases, SamplingConfig(patch, fraction), batch_size, seed, stage)


def same(first, second) -> bool:
    return all(torch.equal(one, other) for one, other in zip(first, second, strict=True))


def test_a_batch_depends_on_seed_stage_and_step_alone(cases):
    first = sampler(cases)
    for step in range(7):
        first.batch(step)
    assert same(first.batch(7), sampler(cases).batch(7))
    assert not same(first.batch(7), first.batch(8))
    assert not same(first.batch(7), sampler(cases, seed=1).batch(7))
    assert not same(first.batch(7), sampler(cases, stage="search").batch(7))


def test_a_batch_has_its_documented_shapes_and_types(cases):
    images, labels = sampler(cases, patch=(8, 4, 6)).batch(0)
    assert (images.shape, images.dtype) == ((4, 1, 8, 4, 6), torch.float32)
    assert (labels.shape, labels.dtype) == ((4, 8, 4, 6), torch.uint8)


def test_image_and_label_of_a_patch_are_the_same_voxels_of_one_case(cases):
    images, labels = sampler(cases, batch_size=16).batch(0)
    for image, label in zip(images.numpy(), labels.numpy(), strict=True):
        found = [
            start
            for case in cases
            for start in np.argwhere(np.isclose(case.image[0], image[0, 0, 0, 0], atol=1e-6))
            if np.array_equal(case.image[0][box(start)], image[0]) and np.array_equal(case.label[box(start)], label)
        ]
        assert len(found) == 1


def box(start: np.ndarray) -> tuple[slice, ...]:
    return tuple(slice(first, first + 8) for first in start)


@pytest.mark.parametrize(("fraction", "expected"), [(0.0, 0), (0.25, 1), (1.0, 4)])
def test_a_whole_fraction_of_the_batch_is_centred_on_foreground(cases, monkeypatch, fraction, expected):
    chosen = []
    patch_of = PatchSampler._patch
    monkeypatch.setattr(
        PatchSampler, "_patch", lambda self, draw, centred: chosen.append(centred) or patch_of(self, draw, centred)
    )
    for step in range(5):
        sampler(cases, fraction=fraction).batch(step)
    assert chosen == ([True] * expected + [False] * (4 - expected)) * 5


def test_a_fraction_of_one_patch_is_kept_on_average(cases):
    single = sampler(cases, patch=(2, 2, 2), fraction=0.3, batch_size=1)
    rare = [bool((single.batch(step)[1] > 0).any()) for step in range(400)]
    by_chance = 0.06  # the share of positions of a 2^3 patch that touch a label, about
    assert np.mean(rare) == pytest.approx(0.3 + 0.7 * by_chance, abs=0.07)


def test_labels_are_drawn_evenly_whatever_their_size(cases):
    labels = torch.cat([sampler(cases, patch=(2, 2, 2), fraction=1.0).batch(step)[1] for step in range(100)])
    small = float((labels == 1).flatten(1).any(1).float().mean())
    assert small == pytest.approx(0.5, abs=0.08)


def test_a_label_voxel_lies_in_the_middle_of_its_patch(cases):
    for step in range(10):
        labels = sampler(cases, fraction=1.0).batch(step)[1]
        for label in labels:
            assert label[4, 4, 4] == 1 or (label == 2).any()


def test_random_patches_reach_every_corner_of_the_volume(cases):
    wide = sampler(cases[:1], patch=(19, 17, 15), fraction=0.0)
    corners = {tuple(float(v) for v in image[0, ::18, ::16, ::14].flatten()) for image in wide.batch(0)[0]}
    for step in range(1, 20):
        corners |= {tuple(float(v) for v in image[0, ::18, ::16, ::14].flatten()) for image in wide.batch(step)[0]}
    assert len(corners) == 8


def test_cases_without_foreground_give_random_patches(cases, tmp_path):
    voxels = sitk.GetImageFromArray(np.ones((9, 9, 9), np.float32))
    write_image(voxels, tmp_path / "i.nrrd")
    write_image(sitk.Cast(voxels * 0, sitk.sitkUInt8), tmp_path / "l.nrrd")
    case = Case("empty", (tmp_path / "i.nrrd",), tmp_path / "l.nrrd")
    cache = build_cache([case], PreprocessingConfig(), (0, 1), tmp_path / "cache", Reporter())
    assert sampler([cache.case("empty")], fraction=1.0).batch(0)[1].max() == 0


def test_a_volume_smaller_than_the_patch_is_reflected(cases):
    images, labels = sampler(cases, patch=(32, 16, 64)).batch(0)
    assert images.shape[2:] == labels.shape[1:] == (32, 16, 64)
    for image, label in zip(images.numpy(), labels.numpy(), strict=True):
        assert np.array_equal(image[0, 5], image[0, 7])
        assert np.array_equal(label[5], label[7])


def test_prefetching_gives_the_batches_in_order_and_stops_its_thread(cases):
    drawn = sampler(cases)
    batches = prefetch(drawn.batch, 5)
    for step, batch in zip(range(5, 10), itertools.islice(batches, 5), strict=True):
        assert same(batch, drawn.batch(step))
    batches.close()
    with pytest.raises(StopIteration):
        next(batches)


def test_an_error_while_reading_ahead_reaches_the_training_loop(cases, monkeypatch):
    drawn = sampler(cases)
    monkeypatch.setattr(drawn, "batch", lambda step: (_ for _ in ()).throw(OSError("disk gone")))
    with pytest.raises(OSError, match="disk gone"):
        next(prefetch(drawn.batch, 0))


def test_no_cases_are_refused():
    with pytest.raises(InputError, match="train: there is no case to draw patches from"):
        sampler([])


def test_a_rare_label_is_seen_as_often_as_a_common_one(cases):
    """Label 1 is in one of ten cases."""
    common = replace(cases[0], samples={2: cases[0].samples[2]})
    config = SamplingConfig(patch=(4, 4, 4), foreground_fraction=1.0)
    seen = {}
    for rare in (False, True):
        sampler = PatchSampler([cases[0]] + [common] * 9, replace(config, rare_labels=rare), 10, 0, "rare")
        values = torch.cat([sampler.batch(step)[1] for step in range(30)])[:, 2, 2, 2]  # the centres
        seen[rare] = float((values == 1).float().mean())
    assert seen[False] < 0.12
    assert seen[True] > 0.35
