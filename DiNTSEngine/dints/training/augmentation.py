"""Random changes of training patches (4.1), batched, on the device that holds the patches.

`AUGMENTATIONS` lists them. A new one is a function in `spatial.py` or `intensity.py`, a line here, and its probability
(0 switches it off) in `dints.config.AugmentationConfig`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from dints.config import AugmentationConfig
from dints.config.sides import Sides
from dints.process_group import BatchShard
from dints.training.draws import Draws, Pair
from dints.training.intensity import blur, brightness, contrast, gamma, inverted_gamma, low_resolution, noise
from dints.training.spatial import flip, flip_probability, rotate90, rotate_and_scale

KEPT, EXCHANGED, LOST = "kept", "exchanged", "lost"


class Augmentation(NamedTuple):
    """A line of the table."""

    name: str  # of its generator: another name draws other numbers
    probability: Callable[[AugmentationConfig], float]  # that a patch is changed
    change: Callable[[Tensor, Tensor, AugmentationConfig, Draws], Pair]  # copies of the chosen patches, changed
    sides: str = KEPT  # what becomes of left and right


def augment(
    images: Tensor,
    labels: Tensor,
    config: AugmentationConfig,
    generator_of: Callable[[str], torch.Generator],
    shard: BatchShard | None = None,
    sides: Sides | None = None,
) -> Pair:
    """Changed copies of images float [B, C, X, Y, Z] and labels uint8 [B, X, Y, Z].

    Args:
        generator_of: gives an augmentation its generator on the CPU, by its name; there is no other randomness. So
            adding, removing or moving one leaves the numbers of all others as they were.
        shard: which patches of a whole batch these are; they are changed as they would be in the whole.
        sides: of the classes. What is mirrored along R-L gets the other side's classes, or is left out where one has
            none; so is what leaves no left and right at all.
    """
    images, labels = images.clone(), labels.clone()
    for name, probability, change, effect in AUGMENTATIONS:
        if sides and sides.any and (effect == LOST or (effect == EXCHANGED and not sides.mirrorable)):
            continue
        draws = Draws(generator_of(name), shard or BatchShard(slice(None), len(images)))
        patches = draws.choose(probability(config)).to(images.device)
        if len(patches):
            images[patches], labels[patches] = change(images[patches], labels[patches], config, draws)
            if sides and effect == EXCHANGED:
                labels[patches] = _other_sides(sides).to(labels.device)[labels[patches].long()]
    return images, labels


def _other_sides(sides: Sides) -> Tensor:
    """uint8 [256]: by class index, that of the other side; what is no class, as ignored voxels, stays."""
    classes = torch.arange(256, dtype=torch.uint8)
    classes[: len(sides.classes)] = torch.tensor(sides.classes, dtype=torch.uint8)
    return classes


# In the order in which they are applied. Each changes some patches, whichever the others change.
AUGMENTATIONS = (
    Augmentation("flip 0", partial(flip_probability, 0), partial(flip, 0), EXCHANGED),
    Augmentation("flip 1", partial(flip_probability, 1), partial(flip, 1)),
    Augmentation("flip 2", partial(flip_probability, 2), partial(flip, 2)),
    Augmentation("rotate90", lambda config: config.rotate90_probability, rotate90, LOST),
    Augmentation("affine", lambda config: config.affine_probability, rotate_and_scale),
    Augmentation("noise", lambda config: config.noise_probability, noise),
    Augmentation("blur", lambda config: config.blur_probability, blur),
    Augmentation("brightness", lambda config: config.brightness_probability, brightness),
    Augmentation("contrast", lambda config: config.contrast_probability, contrast),
    Augmentation("low resolution", lambda config: config.low_resolution_probability, low_resolution),
    Augmentation("inverted gamma", lambda config: config.inverted_gamma_probability, inverted_gamma),
    Augmentation("gamma", lambda config: config.gamma_probability, gamma),
)
