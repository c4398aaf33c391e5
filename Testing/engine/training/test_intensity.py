"""Changes of intensities against batchgeneratorsv2 (nnU-Net's) and SciPy, and what each must keep."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from dints.config import AugmentationConfig
from dints.process_group import BatchShard
from dints.seeds import generator
from dints.training.augmentation import augment

OFF = AugmentationConfig(flip_probability=0, rotate90_probability=0, affine_probability=0, gamma_probability=0)
CHANGES = ("noise", "blur", "brightness", "contrast", "low_resolution", "inverted_gamma", "gamma")
SYNCHRONOUS = {"synchronize_channels": True, "p_per_channel": 1}


def patches(*shape: int) -> torch.Tensor:
    """Images with a mean and a deviation of their own."""
    return torch.randn(shape, generator=generator(0, "images")) * 3 + 5


def changed(images: torch.Tensor, shard: BatchShard | None = None, **settings) -> torch.Tensor:
    """The images after the changes asked for; their labels must stay."""
    labels = torch.zeros((len(images), *images.shape[2:]), dtype=torch.uint8)
    config = dataclasses.replace(OFF, **settings)
    result, kept = augment(images, labels, config, lambda name: generator(1, name), shard)
    assert torch.equal(kept, labels)
    return result


def reference(module: str, name: str, images: torch.Tensor, *arguments, **named) -> torch.Tensor:
    """What a transform of batchgeneratorsv2 makes of every patch."""
    package = pytest.importorskip(f"batchgeneratorsv2.transforms.{module}", reason="needs batchgeneratorsv2")
    transform = getattr(package, name)(*arguments, **named)
    return torch.stack([transform(image=image.clone())["image"] for image in images])


@pytest.mark.parametrize("exponent", [0.7, 1.0, 1.5])
@pytest.mark.parametrize("inverted", [False, True])
@pytest.mark.parametrize("keeps", ["range", "statistics"])
def test_gamma_is_that_of_nnunet(exponent: float, inverted: bool, keeps: str) -> None:
    images = patches(3, 2, 8, 7, 6)
    name = "inverted_gamma" if inverted else "gamma"
    retained = {"p_invert_image": int(inverted), "p_retain_stats": int(keeps == "statistics")}
    expected = reference("intensity.gamma", "GammaTransform", images, exponent, **retained, **SYNCHRONOUS)
    settings = {f"{name}_probability": 1.0, "gamma_range": (exponent, exponent), "gamma_keeps": keeps}
    torch.testing.assert_close(changed(images, **settings), expected)


@pytest.mark.parametrize("factor", [0.75, 1.25])
@pytest.mark.parametrize("kept", [False, True])
def test_contrast_is_that_of_nnunet(factor: float, kept: bool) -> None:
    images = patches(3, 2, 8, 7, 6)
    expected = reference("intensity.contrast", "ContrastTransform", images, factor, kept, **SYNCHRONOUS)
    own = changed(images, contrast_probability=1.0, contrast_range=(factor, factor), contrast_keeps_range=kept)
    torch.testing.assert_close(own, expected)


def test_brightness_is_that_of_nnunet() -> None:
    images = patches(3, 2, 8, 7, 6)
    expected = reference("intensity.brightness", "MultiplicativeBrightnessTransform", images, 1.2, **SYNCHRONOUS)
    torch.testing.assert_close(changed(images, brightness_probability=1.0, brightness_range=(1.2, 1.2)), expected)


@pytest.mark.parametrize("share", [0.3, 0.5, 0.77, 1.0])
@pytest.mark.parametrize(("size", "kept"), [((12, 11, 10), None), ((5, 16, 17), (0,))])
def test_low_resolution_is_that_of_nnunet_also_where_slices_are_thick(share: float, size, kept) -> None:
    images = patches(2, 2, *size)
    expected = reference(
        "spatial.low_resolution",
        "SimulateLowResolutionTransform",
        images,
        share,
        synchronize_axes=True,
        ignore_axes=kept,
        **SYNCHRONOUS,
    )
    own = changed(images, low_resolution_probability=1.0, low_resolution_range=(share, share))
    torch.testing.assert_close(own, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("deviation", [1e-3, 0.5, 1.0, 2.0])
def test_blur_is_that_of_scipy(deviation: float) -> None:
    images = patches(2, 2, 16, 15, 18)
    expected = gaussian_filter(images.numpy(), deviation, axes=(2, 3, 4), mode="reflect", truncate=7)
    own = changed(images, blur_probability=1.0, blur_range=(deviation, deviation))
    np.testing.assert_allclose(own.numpy(), expected, atol=1e-4)


def test_noise_has_its_deviation_relative_to_the_patch_and_no_mean() -> None:
    images = patches(4, 2, 24, 24, 24) * torch.tensor([1.0, 100.0]).view(1, 2, 1, 1, 1)
    added = changed(images, noise_probability=1.0, noise_range=(0.1, 0.1)) - images
    shares = added.std((2, 3, 4)) / images.std((2, 3, 4))
    torch.testing.assert_close(shares, torch.full((4, 2), 0.1), atol=2e-3, rtol=0)
    assert (added.mean((2, 3, 4)) / images.std((2, 3, 4))).abs().max() < 5e-3
    correlations = torch.corrcoef(added.flatten(0, 1).flatten(1)).fill_diagonal_(0)
    assert correlations.abs().max() < 0.05


@pytest.mark.parametrize("name", CHANGES)
def test_a_constant_image_stays_constant(name: str) -> None:
    images = torch.full((3, 2, 8, 8, 8), -3.5)
    own = changed(images, **{f"{name}_probability": 1.0})
    torch.testing.assert_close(own, own[:, :, :1, :1, :1].expand_as(own))
    if name != "brightness":
        torch.testing.assert_close(own, images)


@pytest.mark.parametrize("name", CHANGES)
def test_patches_are_changed_by_the_chance_asked_for_and_alike_in_every_shard(name: str) -> None:
    images = patches(12, 2, 8, 8, 8)
    settings = {f"{name}_probability": 0.5}
    whole = changed(images, **settings)
    same = (whole == images).flatten(1).all(1)
    assert 0 < int(same.sum()) < 12
    for rows in (slice(0, 5), slice(5, 12)):
        torch.testing.assert_close(changed(images[rows], BatchShard(rows, 12), **settings), whole[rows])


@pytest.mark.parametrize("name", ["noise", "blur", "brightness", "contrast", "low_resolution"])
def test_channels_and_patches_are_changed_differently(name: str) -> None:
    images = patches(1, 1, 32, 32, 32).expand(3, 2, 32, 32, 32)
    own = changed(images, **{f"{name}_probability": 1.0}).flatten(0, 1)
    assert len({volume.numpy().tobytes() for volume in own}) > 3  # a resolution may come twice: it is of whole voxels


@pytest.mark.parametrize("name", ["blur", "low_resolution", "contrast", "gamma", "inverted_gamma"])
def test_intensities_stay_within_the_range_of_the_patch(name: str) -> None:
    images = patches(4, 2, 8, 8, 8)
    own = changed(images, **{f"{name}_probability": 1.0})
    over_voxels = (2, 3, 4)
    assert (own.amin(over_voxels) >= images.amin(over_voxels) - 1e-4).all()
    assert (own.amax(over_voxels) <= images.amax(over_voxels) + 1e-4).all()


def test_nothing_of_this_happens_by_default() -> None:
    images = patches(8, 1, 8, 8, 8)
    others = {"flip_probability": 0, "rotate90_probability": 0, "affine_probability": 0, "gamma_probability": 0}
    assert torch.equal(changed(images, **dataclasses.asdict(AugmentationConfig(**others))), images)
