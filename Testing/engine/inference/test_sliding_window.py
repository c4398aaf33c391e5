"""Windows cover the volume, weigh in smoothly, and leave nothing of a window in what comes out."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from monai.inferers import sliding_window_inference
from torch import nn

from dints.errors import InputError
from dints.inference.band_sums import SMALLEST_WEIGHT, gaussian_weights
from dints.inference.passes import PassCounter
from dints.inference.sliding_window import sliding_window
from dints.inference.window_grid import WindowGrid, count_windows, stride_of, window_starts

PATCH = (8, 10, 6)
SHAPE = (21, 10, 17)


def identity(windows: torch.Tensor) -> torch.Tensor:
    return windows


def small_network(seed: int = 0, classes: int = 3) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv3d(2, 4, 3, padding=1), nn.ReLU(), nn.Conv3d(4, classes, 3, padding=1)).eval()


def random_volume(shape=SHAPE, channels: int = 2) -> torch.Tensor:
    return torch.randn((channels, *shape), generator=torch.Generator().manual_seed(1))


def joined(bands) -> torch.Tensor:
    """[F, K, X, Y, Z] of bands that must follow each other without a gap."""
    bands = list(bands)
    rows = 0
    for band in bands:
        assert band.first_row == rows
        rows += band.logits[0].shape[-1]
    return torch.cat([torch.stack(band.logits) for band in bands], -1)


@pytest.mark.parametrize("shape", [SHAPE, PATCH, (30, 31, 7)])
@pytest.mark.parametrize("batch_size", [1, 4])
def test_windows_of_an_identity_reproduce_the_volume(shape, batch_size):
    volume = random_volume(shape)
    result = joined(sliding_window(volume, [identity], PATCH, (3, 5, 4), batch_size=batch_size))
    assert result.shape == (1, *volume.shape)
    torch.testing.assert_close(result[0], volume, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("overlap", [0.0, 0.25, 0.5, 0.625])
def test_it_equals_the_sliding_window_of_monai(overlap):
    network, volume = small_network(), random_volume()
    expected = sliding_window_inference(
        volume[None], PATCH, 3, network, overlap=overlap, mode="gaussian", sigma_scale=0.125
    )
    result = joined(sliding_window(volume, [network], PATCH, stride_of(PATCH, overlap)))
    torch.testing.assert_close(result[0], expected[0].detach(), atol=1e-4, rtol=0)


def test_bands_give_what_one_accumulator_of_the_whole_volume_gives():
    network, volume, stride = small_network(), random_volume(), (5, 7, 4)
    sums, weights = torch.zeros(3, *SHAPE), torch.zeros(SHAPE)
    for corner in itertools.product(*window_starts(SHAPE, PATCH, stride)):
        place = tuple(slice(start, start + size) for start, size in zip(corner, PATCH, strict=True))
        with torch.no_grad():
            sums[(slice(None), *place)] += network(volume[(slice(None), *place)][None])[0] * gaussian_weights(PATCH)
        weights[place] += gaussian_weights(PATCH)
    result = joined(sliding_window(volume, [network], PATCH, stride))
    torch.testing.assert_close(result[0], sums / weights, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("one_at_a_time", [False, True])
def test_every_window_goes_once_through_every_network(one_at_a_time):
    seen = {0: [], 1: []}
    networks = [lambda windows, index=index: seen[index].append(windows.clone()) or windows for index in seen]
    steps = []
    result = joined(
        sliding_window(
            random_volume(),
            networks,
            PATCH,
            (4, 4, 4),
            batch_size=2,
            one_at_a_time=one_at_a_time,
            passes=PassCounter(lambda done, total: steps.append((done, total))),
        )
    )
    total = count_windows(SHAPE, PATCH, (4, 4, 4))
    windows = [torch.cat(calls) for calls in seen.values()]
    assert [len(calls) for calls in windows] == [total, total]
    torch.testing.assert_close(windows[0], windows[1], atol=0, rtol=0)
    torch.testing.assert_close(result[0], result[1], atol=0, rtol=0)
    assert steps[-1] == (2 * total, 2 * total)
    assert [done for done, _ in steps] == sorted(done for done, _ in steps)


def test_a_volume_of_one_window_tells_progress_after_each_network_and_flip():
    steps = []
    networks = [small_network(0), small_network(1)]
    volume = random_volume()[:, : PATCH[0], : PATCH[1], : PATCH[2]]
    tell = lambda done, total: steps.append((done, total))  # noqa: E731
    list(sliding_window(volume, networks, PATCH, PATCH, mirrored_axes=(0, 1, 2), passes=PassCounter(tell)))
    assert steps == [(done, 16) for done in range(1, 17)]


def test_several_networks_give_what_each_gives_alone():
    networks, volume = [small_network(0), small_network(1)], random_volume()
    together = joined(sliding_window(volume, networks, PATCH, (4, 4, 4)))
    for index, network in enumerate(networks):
        alone = joined(sliding_window(volume, [network], PATCH, (4, 4, 4)))
        torch.testing.assert_close(together[index], alone[0])


@pytest.mark.parametrize("axes", [(), (0,), (0, 2), (0, 1, 2)])
def test_mirroring_averages_over_all_flips_of_its_axes(axes):
    network, volume = small_network(), random_volume(PATCH)
    with torch.no_grad():
        spatial = [axis + 2 for axis in axes]
        flips = [flip for count in range(4) for flip in itertools.combinations(spatial, count)]
        expected = torch.stack([network(volume[None].flip(flip)).flip(flip)[0] for flip in flips]).mean(0)
    result = joined(sliding_window(volume, [network], PATCH, PATCH, mirrored_axes=axes))
    assert len(flips) == 2 ** len(axes)
    torch.testing.assert_close(result[0], expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("shape", [(5, 20, 20), (20, 3, 20), (20, 20, 4), (2, 3, 1), (1, 1, 1)])
def test_volumes_smaller_than_the_patch_are_seen_in_whole_windows(shape):
    sizes = []
    volume = random_volume(shape)
    network = lambda windows: sizes.append(tuple(windows.shape[2:])) or windows  # noqa: E731
    result = joined(sliding_window(volume, [network], PATCH, (4, 4, 4)))
    assert set(sizes) == {PATCH}
    torch.testing.assert_close(result[0], volume, atol=1e-5, rtol=1e-5)


def test_padding_reflects_the_volume():
    inputs = []
    volume = torch.arange(4.0).reshape(1, 4, 1, 1).expand(1, 4, 10, 6)
    list(sliding_window(volume, [lambda windows: inputs.append(windows) or windows], PATCH, PATCH))
    assert inputs[0][0, 0, :, 0, 0].tolist() == [2, 1, 0, 1, 2, 3, 2, 1]


def test_memory_mapped_volumes_are_read_as_they_are(tmp_path):
    volume = random_volume()
    np.save(tmp_path / "image.npy", volume.numpy())
    mapped = np.load(tmp_path / "image.npy", mmap_mode="r")
    torch.testing.assert_close(
        joined(sliding_window(mapped, [identity], PATCH, (4, 4, 4)))[0], volume, atol=1e-5, rtol=1e-5
    )


def test_bands_stay_valid_after_the_next_one_is_made():
    bands = sliding_window(random_volume(), [identity], PATCH, (4, 4, 2))
    first = next(bands).logits[0]
    kept = first.clone()
    list(bands)
    torch.testing.assert_close(first, kept, atol=0, rtol=0)


def test_no_voxel_of_a_window_weighs_nothing():
    weights = gaussian_weights((96, 32, 16))
    assert weights.shape == (96, 32, 16)
    assert float(weights.min()) >= SMALLEST_WEIGHT
    torch.testing.assert_close(weights, weights.flip((0, 1, 2)))


def test_the_last_window_ends_with_the_volume():
    assert window_starts((20, 8, 5), (8, 8, 8), (5, 8, 1)) == ((0, 5, 10, 12), (0,), (0,))
    assert window_starts((16, 17, 8), (8, 8, 8), (8, 8, 8)) == ((0, 8), (0, 8, 9), (0,))


@pytest.mark.parametrize("stride", [(0, 4, 4), (9, 4, 4)])
def test_a_stride_that_leaves_gaps_is_refused(stride):
    with pytest.raises(InputError, match="stride"):
        list(sliding_window(random_volume(), [identity], PATCH, stride))


def test_mirrored_windows_give_each_side_its_own_class():
    """A network that finds class 1 on the low side of an axis and class 2 on the high one, whatever it is shown."""

    def network(windows):
        place = torch.linspace(-1, 1, windows.shape[2]).view(1, 1, -1, 1, 1).expand_as(windows)
        return torch.cat((torch.zeros_like(windows), -place, place), dim=1)

    volume = np.zeros((1, 8, 8, 8), np.float32)
    for exchanged, expected in (((0, 2, 1), True), ((), False)):
        (band,) = sliding_window(volume, [network], (8, 8, 8), (8, 8, 8), mirrored_axes=(0,), other_side=exchanged)
        classes = band.logits[0].argmax(0)
        assert bool((classes[:4] == 1).all() and (classes[4:] == 2).all()) is expected


def half_constant_volume() -> torch.Tensor:
    """Two constants side by side, and random voxels beside them."""
    volume = random_volume((32, 24, 30))
    volume[:, 10:], volume[1, :10, :, 15:], volume[0, :10, :, 15:] = -1.5, 0.25, 0.5
    return volume


def test_constant_windows_change_no_bit(monkeypatch):
    volume, networks, stride = half_constant_volume(), [small_network(0), small_network(1)], (4, 5, 3)
    reused = joined(sliding_window(volume, networks, PATCH, stride))
    monkeypatch.setattr(WindowGrid, "constant", lambda grid, volume: np.zeros(grid.shape, bool))
    assert torch.equal(reused, joined(sliding_window(volume, networks, PATCH, stride)))


@pytest.mark.parametrize("batch_size", [1, 4])
def test_constant_windows_go_through_a_network_once_and_count_as_no_pass(batch_size):
    volume, stride, seen, steps = half_constant_volume(), (4, 5, 3), [], []
    networks = [lambda windows: seen.append(len(windows)) or windows for _ in range(2)]
    passes = PassCounter(lambda done, total: steps.append((done, total)))
    joined(sliding_window(volume, networks, PATCH, stride, batch_size=batch_size, passes=passes))
    starts = list(itertools.product(*window_starts((32, 24, 30), PATCH, stride)))
    windows = [volume[:, x : x + 8, y : y + 10, z : z + 6].flatten(1) for x, y, z in starts]
    varied = sum(bool((window.amax(1) > window.amin(1)).any()) for window in windows)
    assert varied < len(windows) / 2
    assert steps[-1] == (2 * varied, 2 * varied)
    changes = len(window_starts((32, 24, 30), PATCH, stride)[2]) * 3  # from one constant to another, at each row
    assert 2 * varied < sum(seen) <= 2 * (varied + changes)
