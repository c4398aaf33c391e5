"""The safety bound of a model: which first look, and up to which probability, may leave voxels out and lose nothing.

It is measured on cases that the network which looks did not train on. There, every threshold below a certain one keeps
each component of each label and all but 0.0005 of a label's Dice, compared with the same network's exhaustive
segmentation; where one network looks for several, which may find what it does not, compared with the reference, too.
The bound is a tenth of the lowest of these, since other images may be less clear. Of the ways to look that have one,
the model takes the one that spares most.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import SimpleITK as sitk

from dints.data.grid import Grid
from dints.errors import InputError, brief
from dints.inference.first_look import WAYS, FirstLook, Way
from dints.inference.focus import BLOCK
from dints.inference.tiling import Tiling

MOST_DICE = 0.0005  # that a label of a case may lose
RESERVE = 10  # how far the bound stays below what lost nothing
LOWEST = 1e-4  # a bound that is lower would tell background from what half precision makes of it
FEWEST_SAVED = 0.1  # of the passes, the first look's own taken off; for less it is not worth its risk


@dataclass(frozen=True)
class SafetyBound:
    """Up to which foreground probability of which first look nothing is lost, and how it was measured."""

    threshold: float
    way: Way
    saved: float  # mean share of the passes of the cases that is spared
    cases: int

    def to_mapping(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    @staticmethod
    def from_mapping(values: Mapping[str, Any], source: str) -> SafetyBound:
        """Reads what `to_mapping` gave; InputError if it is something else."""
        try:
            way = Way(int(values["way"]["scale"]), bool(values["way"]["alone"]))
            bound = SafetyBound(float(values["threshold"]), way, float(values["saved"]), int(values["cases"]))
            if not 0 < bound.threshold < 1 or way not in WAYS:
                raise ValueError(f"threshold {bound.threshold}, scale {way.scale}")
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise InputError(f"{source}: the safety bound is damaged ({brief(error)}); export again") from error
        return bound


@dataclass(frozen=True)
class MeasuredLook:
    """What is known of one network's look at one case."""

    look: FirstLook
    scale: int
    limit: float  # lowest threshold at which something is lost of its own segmentation; infinite where that is empty
    limit_alone: float  # of its own or of the reference

    @staticmethod
    def of(look: FirstLook, scale: int, own: np.ndarray, reference: np.ndarray, grid: Grid) -> MeasuredLook:
        """From the network's exhaustive segmentation and the reference, [Xc, Yc, Zc] of the crop."""
        limit = _limit(look, own, grid)
        return MeasuredLook(look, scale, limit, min(limit, _limit(look, reference, grid)))

    def spared(self, threshold: float, way: Way, tiling: Tiling) -> float:
        """The share of an ensemble's passes."""
        every = math.prod(tiling.grid(self.look.shape).shape)
        computed = self.look.focus(threshold).windows(tiling).count
        return 1 - (computed + self.look.passes * way.networks(tiling.networks) / tiling.networks) / every


def safety_bound(looks: Sequence[MeasuredLook], tiling: Tiling) -> SafetyBound | str:
    """Of the ways that hold for all of these cases the one that spares most, or a phrase that says why none does."""
    found = [_bound([look for look in looks if look.scale == way.scale], way, tiling) for way in WAYS]
    bounds = [bound for bound in found if isinstance(bound, SafetyBound)]
    return max(bounds, key=lambda bound: bound.saved) if bounds else str(found[-1])


def _bound(looks: Sequence[MeasuredLook], way: Way, tiling: Tiling) -> SafetyBound | str:
    if not looks:
        return "the cases have too few windows for a first look"
    limit = min(look.limit_alone if way.alone and tiling.networks > 1 else look.limit for look in looks)
    if math.isinf(limit):
        return "nothing was found in any case"
    if limit / RESERVE < LOWEST:
        return f"something would be lost at a probability of {limit:.2g}"
    saved = float(np.mean([look.spared(limit / RESERVE, way, tiling) for look in looks]))
    if saved < FEWEST_SAVED:
        return f"a first look would spare {max(0.0, saved):.0%} of the work"
    return SafetyBound(limit / RESERVE, way, saved, len(looks))


def _limit(look: FirstLook, labels: np.ndarray, grid: Grid) -> float:
    """The lowest threshold at which a component of a label, or too much of its Dice, is lost."""
    found = (value for value in np.unique(labels) if value)
    return min((_limit_of(labels == value, look, grid) for value in found), default=math.inf)


def _limit_of(mask: np.ndarray, look: FirstLook, grid: Grid) -> float:
    place = np.nonzero(mask)
    level = _levels_at(place, look.highest, grid)
    components = sitk.GetArrayFromImage(sitk.ConnectedComponent(sitk.GetImageFromArray(mask.astype(np.uint8)), True))
    clearest = np.zeros(int(components.max()) + 1)
    np.maximum.at(clearest, components[place], level)
    may_go = math.floor(len(level) * 2 * MOST_DICE / (1 + MOST_DICE))  # for Dice 2b / (1 + b) of the part b that stays
    return float(min(clearest[1:].min(), np.partition(level, may_go)[may_go]))


def _levels_at(place: Sequence[np.ndarray], levels: np.ndarray, grid: Grid) -> np.ndarray:
    """The lowest level of the working voxels that voxels of the crop are interpolated from."""
    neighbours = []
    for voxels, crop, working in zip(place, grid.crop_shape, grid.working_shape, strict=True):
        centres = ((voxels + 0.5) * working / crop - 0.5).clip(0, working - 1)
        neighbours.append([rounded(centres).astype(int) // BLOCK for rounded in (np.floor, np.ceil)])
    x, y, z = neighbours
    lowest: np.ndarray = np.min([levels[i, j, k] for i in x for j in y for k in z], axis=0)
    return lowest
