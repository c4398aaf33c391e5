"""What the rules of `dints.plan.fit` choose from: networks and batches, from the paper's down to the smallest."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from dints.config import Config
from dints.config.values import plain
from dints.data.fingerprint import fitting_patch
from dints.geometry import Size
from dints.space.search_space import SearchSpace
from dints.zoo.catalogue import AnyDesign

# The recipe of short trainings: AdamW with one cycle, scans as they are oriented (studies/recipe, studies/ranking).
SHORT_RECIPE: Mapping[str, Any] = {
    "augmentation.flip_probability": 0.0,
    "augmentation.rotate90_probability": 0.0,
    "augmentation.affine_probability": 0.5,
    "search.architecture_learning_rate": 0.1,
    "training.optimizer": "adamw",
    "training.schedule": "one_cycle",
    "training.learning_rate": 2e-3,
}


LAYERS = 6  # of networks that are trained in less time than the paper's: 12 have lost to them (studies/hours)
FEW_FILTERS = 12  # wider networks gained nothing in so few steps (studies/hours)


@dataclass(frozen=True)
class Rung:
    """A network's filters and its batches. `side`^3 voxels are the most that a patch may have."""

    filters: int
    side: int
    batch: int


# The network gives way first, then the patch, then the batch; the smallest network comes before the smallest batches.
LADDER = (
    Rung(32, 96, 16),
    Rung(32, 96, 8),
    Rung(32, 96, 4),
    Rung(16, 96, 4),
    Rung(12, 96, 4),
    Rung(12, 64, 4),
    Rung(12, 64, 2),
    Rung(12, 48, 2),
    Rung(8, 48, 2),
    Rung(8, 32, 2),
)


def patch_steps(space: SearchSpace, design: AnyDesign | None, patch: Size) -> Size:
    """What sides of smaller patches are multiples of: a network of the zoo may need more than the space does."""
    x, y, z = space.patch_step
    while design is not None and not design.fits((2 * x, 2 * y, 2 * z)) and design.fits(patch):
        x, y, z = 2 * x, 2 * y, 2 * z
    return x, y, z


def on_rung(base: Config, rung: Rung, fixed: Collection[str], steps: Size) -> Config:
    """The short recipe with the network, patch and batch of a rung, none of them larger than in `base`.

    Args:
        steps: what sides of a patch are multiples of.
    """
    patch = base.sampling.patch
    changes = {
        "search.layers": min(LAYERS, base.search.layers),
        "training.filters": min(rung.filters, base.training.filters),
        "sampling.patch": fitting_patch(patch, steps, patch, min(rung.side**3, math.prod(patch))),
        "training.batch_size": min(rung.batch, base.training.batch_size),
        "search.batch_size": min(rung.batch, base.search.batch_size),
    }
    return changed(base, {**SHORT_RECIPE, **changes}, fixed)


def changed(config: Config, changes: Mapping[str, Any], fixed: Collection[str]) -> Config:
    """With other values of "section.key", but for those that are fixed."""
    values: dict[str, dict[str, Any]] = {}
    for key, value in changes.items():
        if key not in fixed:
            section, name = key.split(".")
            values.setdefault(section, {})[name] = plain(value)
    return Config.from_mapping(values, "plan", config)
