"""Rotation and scaling in space against SciPy, and where slices are thick."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from scipy.ndimage import affine_transform
from scipy.spatial.transform import Rotation

from dints.config import AugmentationConfig
from dints.process_group import BatchShard
from dints.seeds import generator
from dints.training.augmentation import augment
from dints.training.draws import Draws
from dints.training.spatial import rotate_and_scale, turning_axes

SPACE = AugmentationConfig(
    flip_probability=0,
    rotate90_probability=0,
    affine_probability=1,
    gamma_probability=0,
    rotation_axes=(0, 1, 2),
    rotation_degrees=30.0,
    scale_range=(0.7, 1.4),
)


def volumes(*size: int, batch: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    """Two channels of smooth images, and labels of their first."""
    noise = torch.randn((batch, 2, *size), generator=generator(0, "images"))
    images = torch.nn.functional.avg_pool3d(noise, 5, 1, 2) * 10
    return images, (images[:, 0] > 0).to(torch.uint8)


def turned(config: AugmentationConfig, *size: int) -> tuple[torch.Tensor, ...]:
    """Images, labels, and both changed."""
    images, labels = volumes(*size)
    return images, labels, *augment(images, labels, config, lambda name: generator(0, name))


@pytest.mark.parametrize("axes", [(0,), (1,), (2,), (0, 1), (2, 0), (0, 1, 2)])
def test_rotation_and_scaling_are_those_of_scipy(axes: tuple[int, ...]) -> None:
    size = (14, 12, 13)
    config = dataclasses.replace(SPACE, rotation_axes=axes)
    images, labels = volumes(*size)
    moved, classes = rotate_and_scale(images, labels, config, draws())
    numbers = draws()
    limit = np.radians(30)
    angles = {axis: numbers.uniform(-limit, limit).numpy() for axis in axes}
    scales = numbers.factors(config.scale_range).numpy()
    centre = (np.array(size) - 1) / 2
    for patch in range(len(images)):
        matrix = np.eye(3)
        for axis in axes:
            sign = -1 if axis == 1 else 1  # the plane of y is (x, z), which turns the other way
            matrix = matrix @ Rotation.from_rotvec(sign * angles[axis][patch] * np.eye(3)[axis]).as_matrix()
        scaled = [axis for axis in range(3) if len(axes) > 1 or axis != axes[0]]
        matrix[scaled] /= scales[patch]
        resample = {"matrix": matrix, "offset": centre - matrix @ centre, "mode": "reflect"}
        for channel, own in zip(images[patch], moved[patch], strict=True):
            np.testing.assert_allclose(own, affine_transform(channel.numpy(), order=1, **resample), atol=1e-3)
        nearest = affine_transform(labels[patch].numpy(), order=0, **resample)
        assert (nearest != classes[patch].numpy()).mean() < 2e-3


def draws() -> Draws:
    """The numbers of a batch of three."""
    return Draws(generator(0, "affine"), BatchShard(slice(None), 3))


def test_labels_move_with_their_images() -> None:
    _, _, images, labels = turned(SPACE, 16, 16, 16)
    inside = (images[:, 0].abs() > 0.5).numpy()  # away from the border of the classes
    agreeing = ((images[:, 0] > 0).to(torch.uint8) == labels).numpy()
    assert agreeing[inside].mean() > 0.99


def test_labels_stay_classes_and_constant_images_constant() -> None:
    labels = torch.randint(0, 2, (3, 12, 12, 12), dtype=torch.uint8, generator=generator(0, "labels")) * 7
    images, moved = augment(torch.full((3, 1, 12, 12, 12), 2.5), labels, SPACE, lambda name: generator(0, name))
    torch.testing.assert_close(images, torch.full_like(images, 2.5))
    assert set(moved.unique().tolist()) == {0, 7}
    assert not torch.equal(moved, labels)


@pytest.mark.parametrize("axes", [(0,), (1,), (2,)])
def test_a_single_axis_keeps_its_planes(axes: tuple[int, ...]) -> None:
    places = torch.arange(12.0).view([-1 if axis == axes[0] else 1 for axis in range(3)])
    images = places.expand(3, 1, 12, 12, 12)
    labels = images[:, 0].to(torch.uint8)
    config = dataclasses.replace(SPACE, rotation_axes=axes)
    own, moved = augment(images, labels, config, lambda name: generator(0, name))
    torch.testing.assert_close(own, images)
    assert torch.equal(moved, labels)


def test_thick_slices_turn_in_their_plane_alone() -> None:
    assert turning_axes((0, 1, 2), (96, 96, 96)) == [0, 1, 2]
    assert turning_axes((0, 1, 2), (96, 96, 32)) == [0, 1, 2]
    assert turning_axes((0, 1, 2), (96, 96, 24)) == [2]
    assert turning_axes((0, 1, 2), (24, 96, 80)) == [0]
    assert turning_axes((2,), (96, 24, 24)) == [2]
    places = torch.arange(4.0).view(1, 1, 1, 1, -1).expand(3, 1, 16, 16, 4)
    own, _ = augment(places, places[:, 0].to(torch.uint8), SPACE, lambda name: generator(0, name))
    torch.testing.assert_close(own, places)
