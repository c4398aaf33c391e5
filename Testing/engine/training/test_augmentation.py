"""Augmentation keeps image and label together; each change depends on a generator of its own and on nothing else."""

from __future__ import annotations

import dataclasses
import time

import pytest
import torch

from dints.config import AugmentationConfig
from dints.config.sides import sides_of
from dints.process_group import BatchShard
from dints.seeds import generator
from dints.training import augmentation
from dints.training.augmentation import AUGMENTATIONS, Augmentation, augment

OFF = AugmentationConfig(flip_probability=0, rotate90_probability=0, affine_probability=0, gamma_probability=0)
ALWAYS = AugmentationConfig(flip_probability=1, rotate90_probability=1, affine_probability=1, gamma_probability=1)
PATCHES = [(8, 8, 8), (12, 8, 6), (8, 8, 4)]


def generators(seed: int = 0, step: int = 0):
    """What gives every augmentation its generator."""
    return lambda name: generator(seed, name, step)


def labelled(patch: tuple[int, int, int], batch: int = 6) -> tuple[torch.Tensor, torch.Tensor]:
    """Labels 0..4 at random and images that hold them."""
    labels = torch.randint(0, 5, (batch, *patch), generator=generator(0, "labels"), dtype=torch.uint8)
    return labels[:, None].float(), labels


def ramps(patch: tuple[int, int, int], batch: int = 6) -> tuple[torch.Tensor, torch.Tensor]:
    """Labels that count voxels along x, and images that hold them."""
    labels = torch.arange(patch[0], dtype=torch.uint8).view(1, -1, 1, 1).expand(batch, *patch).contiguous()
    return labels[:, None].float(), labels


@pytest.mark.parametrize("patch", PATCHES)
@pytest.mark.parametrize("change", [{"flip_probability": 0.5}, {"rotate90_probability": 0.8}])
def test_flips_and_right_angles_move_image_and_label_alike_and_keep_every_voxel(patch, change):
    images, labels = labelled(patch)
    changed, moved = augment(images, labels, dataclasses.replace(OFF, **change), generators())
    assert torch.equal(changed[:, 0], moved.float())
    assert torch.equal(changed.flatten(1).sort().values, images.flatten(1).sort().values)


def test_only_the_axes_that_are_named_are_flipped():
    images, labels = ramps((8, 8, 8))
    settings = dataclasses.replace(OFF, flip_probability=1, flip_axes=(0,))
    _, flipped = augment(images, labels, settings, generators())
    assert torch.equal(flipped, labels.flip(1))
    _, kept = augment(images, labels, dataclasses.replace(settings, flip_axes=(1, 2)), generators())
    assert torch.equal(kept, labels)


@pytest.mark.parametrize("patch", PATCHES)
def test_a_rotation_moves_image_and_label_alike(patch):
    images, labels = ramps(patch)
    changed, moved = augment(images, labels, dataclasses.replace(OFF, affine_probability=1), generators())
    assert not torch.equal(moved, labels)
    assert (changed[:, 0] - moved.float()).abs().max() <= 0.5 + 1e-4


def test_all_changes_together_keep_image_and_label_aligned():
    images, labels = ramps((16, 16, 8))
    config = dataclasses.replace(ALWAYS, gamma_probability=0)
    changed, moved = augment(images, labels, config, generators())
    assert (changed[:, 0] - moved.float()).abs().max() <= 0.5 + 1e-4


@pytest.mark.parametrize("patch", [(33, 33, 5), (41, 21, 5)])
def test_a_rotation_has_its_angle_in_voxels_and_scaling_its_factor(patch):
    x, y, _ = patch
    images, labels = torch.zeros((1, 1, *patch)), torch.zeros((1, *patch), dtype=torch.uint8)
    images[0, 0, x // 2 + 4, y // 2, 2] = 1
    config = dataclasses.replace(OFF, affine_probability=1, rotation_degrees=90.0, scale_range=(1.5, 1.5))
    changed, _ = augment(images, labels, config, generators(3))
    positions = changed[0, 0].nonzero().float()
    weights = changed[0, 0][changed[0, 0] > 0]
    centre = (positions * weights[:, None]).sum(0) / weights.sum() - torch.tensor([x // 2, y // 2, 2])
    assert float(centre.norm()) == pytest.approx(4 * 1.5, abs=0.1)
    assert float(centre[2]) == pytest.approx(0, abs=1e-4)
    assert abs(float(centre[1])) > 1


def test_right_angles_are_left_out_where_they_would_change_the_patch_size():
    images, labels = labelled((12, 8, 6))
    changed, _ = augment(images, labels, dataclasses.replace(OFF, rotate90_probability=1), generators())
    assert torch.equal(changed, images)


def test_the_same_generators_give_the_same_patches_and_others_give_others():
    images, labels = labelled((8, 8, 8))
    first = augment(images, labels, AugmentationConfig(), generators(step=5))
    again = augment(images, labels, AugmentationConfig(), generators(step=5))
    other = augment(images, labels, AugmentationConfig(), generators(step=6))
    assert all(torch.equal(one, two) for one, two in zip(first, again, strict=True))
    assert not torch.equal(first[0], other[0])


def test_global_random_state_is_neither_used_nor_changed():
    images, labels = labelled((8, 8, 8))
    before = torch.get_rng_state()
    augment(images, labels, ALWAYS, generators())
    assert torch.equal(before, torch.get_rng_state())


def test_the_patches_given_stay_as_they_are():
    images, labels = labelled((8, 8, 8))
    copies = images.clone(), labels.clone()
    augment(images, labels, ALWAYS, generators())
    assert torch.equal(images, copies[0])
    assert torch.equal(labels, copies[1])


def test_a_probability_of_zero_switches_everything_off():
    images, labels = labelled((8, 8, 8))
    changed, moved = augment(images, labels, OFF, generators())
    assert torch.equal(changed, images)
    assert torch.equal(moved, labels)


def with_noise(images, labels, config, draws):
    """An augmentation that draws much, and differently for each patch."""
    for patch in images:
        patch += torch.randn(patch.shape, generator=draws.generator)
    return images, labels


def scaled_by_a_draw(images, labels, config, draws):
    """An augmentation with an amount for each patch."""
    return images * draws.uniform(1, 2).to(images).view(-1, 1, 1, 1, 1), labels


def mixed() -> tuple[torch.Tensor, torch.Tensor]:
    """Patches after half of all augmentations."""
    config = AugmentationConfig(affine_probability=0.5, gamma_probability=0.5)
    images, labels = labelled((8, 8, 8), batch=12)
    return augment(images, labels, config, generators())


@pytest.mark.parametrize("place", range(len(AUGMENTATIONS) + 1))
def test_an_augmentation_that_is_inserted_leaves_the_draws_of_all_others_alone(monkeypatch, place):
    images, labels = mixed()
    drawn = []

    def idle(images, labels, config, draws):
        drawn.append(draws.uniform())
        with_noise(images.clone(), labels, config, draws)
        return images, labels

    table = list(AUGMENTATIONS)
    table.insert(place, Augmentation("inserted", lambda config: 0.7, idle))
    monkeypatch.setattr(augmentation, "AUGMENTATIONS", tuple(table))
    changed, moved = mixed()
    assert 0 < len(drawn[0]) < 12
    assert torch.equal(changed, images)
    assert torch.equal(moved, labels)


def test_noise_that_is_added_last_changes_the_images_it_chose_and_nothing_else(monkeypatch):
    images, labels = mixed()
    noise = Augmentation("noise", lambda config: 0.5, with_noise)
    monkeypatch.setattr(augmentation, "AUGMENTATIONS", (*AUGMENTATIONS, noise))
    changed, moved = mixed()
    same = (changed == images).flatten(1).all(1)
    assert 0 < int(same.sum()) < 12
    assert torch.equal(moved, labels)


def test_every_augmentation_has_a_generator_of_its_own():
    asked = []

    def generator_of(name):
        asked.append(name)
        return generator(0, name)

    augment(*labelled((8, 8, 8)), OFF, generator_of)
    assert asked == [entry.name for entry in AUGMENTATIONS]
    assert len(set(asked)) == len(asked)


def test_a_shard_of_a_batch_is_changed_as_in_the_whole(monkeypatch):
    scaling = Augmentation("scaling", lambda config: 0.5, scaled_by_a_draw)
    monkeypatch.setattr(augmentation, "AUGMENTATIONS", (*AUGMENTATIONS, scaling))
    images, labels = mixed()
    config = AugmentationConfig(affine_probability=0.5, gamma_probability=0.5)
    whole = labelled((8, 8, 8), batch=12)
    for rows in (slice(0, 5), slice(5, 12)):
        shard = (volumes[rows] for volumes in whole)
        changed, moved = augment(*shard, config, generators(), BatchShard(rows, 12))
        torch.testing.assert_close(changed, images[rows])
        assert torch.equal(moved, labels[rows])


def test_switching_one_change_off_leaves_the_others_as_they_were():
    images, labels = labelled((8, 8, 8))
    both = dataclasses.replace(OFF, flip_probability=0.5, gamma_probability=1)
    _, moved = augment(images, labels, both, generators())
    _, alone = augment(images, labels, dataclasses.replace(both, gamma_probability=0), generators())
    assert torch.equal(moved, alone)


def test_gamma_keeps_range_and_order_of_each_channel_and_leaves_labels_alone():
    images = torch.randn((4, 2, 6, 6, 6), generator=generator(0, "noise")) * 3
    labels = torch.zeros((4, 6, 6, 6), dtype=torch.uint8)
    changed, moved = augment(images, labels, dataclasses.replace(OFF, gamma_probability=1), generators())
    assert not torch.allclose(changed, images)
    torch.testing.assert_close(changed.amin((2, 3, 4)), images.amin((2, 3, 4)))
    torch.testing.assert_close(changed.amax((2, 3, 4)), images.amax((2, 3, 4)))
    assert torch.equal(changed.flatten(2).argsort(), images.flatten(2).argsort())
    assert torch.equal(moved, labels)


def test_a_constant_patch_stays_finite_and_constant():
    images, labels = torch.full((2, 1, 8, 8, 8), -3.5), torch.zeros((2, 8, 8, 8), dtype=torch.uint8)
    changed, _ = augment(images, labels, ALWAYS, generators())
    torch.testing.assert_close(changed, images)


@pytest.mark.quiet
def test_augmentation_takes_little_of_a_training_step():
    images = torch.randn((8, 1, 32, 32, 32))
    labels = torch.randint(0, 3, (8, 32, 32, 32), dtype=torch.uint8)
    seconds = []
    for step in range(6):
        start = time.process_time()
        augment(images, labels, AugmentationConfig(), generators(step=step))
        seconds.append(time.process_time() - start)
    assert min(seconds) < 0.03


SIDES = sides_of({0: "background", 1: "kidney left", 2: "kidney right", 3: "spine"})
SIDED = torch.arange(4, dtype=torch.uint8).view(1, 4, 1, 1).repeat(2, 1, 4, 2)  # class x at index x along R-L


def test_flips_along_right_and_left_exchange_the_sides():
    images = SIDED[:, None].float()
    flipped, labels = augment(
        images, SIDED, dataclasses.replace(OFF, flip_probability=1, flip_axes=(0,)), generators(), sides=SIDES
    )
    assert torch.equal(flipped, images.flip(-3))
    assert labels[0, :, 0, 0].tolist() == [3, 1, 2, 0]  # mirrored: 3 2 1 0


def test_flips_along_the_other_axes_leave_the_sides_alone():
    config = dataclasses.replace(OFF, flip_probability=1, flip_axes=(1, 2))
    _, labels = augment(SIDED[:, None].float(), SIDED, config, generators(), sides=SIDES)
    assert torch.equal(labels, SIDED)


def test_what_would_lose_left_and_right_is_left_out():
    config = dataclasses.replace(OFF, rotate90_probability=1)
    images = torch.rand(2, 1, 4, 4, 2)
    assert not torch.equal(augment(images, SIDED, config, generators())[0], images)
    assert torch.equal(augment(images, SIDED, config, generators(), sides=SIDES)[0], images)
    unpaired = sides_of({0: "background", 1: "left atrium"})
    config = dataclasses.replace(OFF, flip_probability=1, flip_axes=(0,))
    assert torch.equal(augment(images, SIDED.clamp(max=1), config, generators(), sides=unpaired)[0], images)
