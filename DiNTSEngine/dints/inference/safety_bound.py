"""The safety bound of a model: below which probability a first look may leave windows out and lose nothing.

It is measured on cases whose exhaustive segmentation by a network that did not train on them is known. There, every
threshold below a certain one keeps each component of each label and all but 0.0005 of a label's Dice; the bound is a
tenth of the lowest of these, since other images may be less clear.
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
from dints.geometry import Size
from dints.inference.first_look import FirstLook, first_step
from dints.inference.window_grid import WindowGrid

MOST_DICE = 0.0005  # that a label of a case may lose
RESERVE = 10  # how far the bound stays below what lost nothing
LOWEST = 1e-4  # a bound that is lower would tell background from what half precision makes of it
FEWEST_SAVED = 0.1  # of the windows, the first look's own taken off; for less it is not worth its risk


@dataclass(frozen=True)
class SafetyBound:
    """Up to which foreground probability of a first look nothing is lost, and how it was measured."""

    threshold: float
    step: Size  # voxels from window to window of the widest first look it was measured with
    saved: float  # mean share of the windows of the cases that need not be computed
    cases: int

    def allows(self, grid: WindowGrid) -> bool:
        """Whether the first look at these windows is no coarser than those it was measured with."""
        return all(step <= measured for step, measured in zip(first_step(grid), self.step, strict=True))

    def to_mapping(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    @staticmethod
    def from_mapping(values: Mapping[str, Any], source: str) -> SafetyBound:
        """Reads what `to_mapping` gave; InputError if it is something else."""
        try:
            x, y, z = (int(step) for step in values["step"])
            bound = SafetyBound(float(values["threshold"]), (x, y, z), float(values["saved"]), int(values["cases"]))
            if not 0 < bound.threshold < 1 or min(bound.step) < 1:
                raise ValueError(f"threshold {bound.threshold}, step {bound.step}")
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise InputError(f"{source}: the safety bound is damaged ({brief(error)}); export again") from error
        return bound


@dataclass(frozen=True)
class MeasuredCase:
    """What is known of one case: its first look, and the lowest threshold at which something is lost."""

    look: FirstLook
    limit: float  # 1 where nothing was found, which no threshold can lose

    @staticmethod
    def of(look: FirstLook, labels: np.ndarray, grid: Grid) -> MeasuredCase:
        """From the exhaustive segmentation [Xc, Yc, Zc] of the crop."""
        levels = look.levels()
        found = (value for value in np.unique(labels) if value)
        return MeasuredCase(
            look, min((_limit(labels == value, look.grid, levels, grid) for value in found), default=1.0)
        )


def safety_bound(cases: Sequence[MeasuredCase]) -> SafetyBound | str:
    """The bound that holds for all of these cases, or a phrase that says why there is none."""
    if not cases:
        return "the cases have too few windows for a first look"
    threshold = min(case.limit for case in cases) / RESERVE
    if threshold < LOWEST:
        return f"something would be lost at a probability of {threshold * RESERVE:.2g}"
    saved = float(np.mean([1 - _share(case.look, threshold) for case in cases]))
    net = saved - float(np.mean([case.look.grid.fewest().mean() for case in cases]))
    if net < FEWEST_SAVED:
        return f"a first look would spare {max(0.0, net):.0%} of the windows"
    x, y, z = (max(steps) for steps in zip(*(first_step(case.look.grid) for case in cases), strict=True))
    return SafetyBound(threshold, (x, y, z), saved, len(cases))


def _share(look: FirstLook, threshold: float) -> float:
    """Of the windows, those that are computed."""
    return float(look.focus(threshold).windows.mean())


def _limit(mask: np.ndarray, windows: WindowGrid, levels: np.ndarray, grid: Grid) -> float:
    """The lowest threshold at which a component of the mask or too much of its Dice is lost."""
    place = np.nonzero(mask)
    level = _levels_at(place, windows, levels, grid)
    components = sitk.GetArrayFromImage(sitk.ConnectedComponent(sitk.GetImageFromArray(mask.astype(np.uint8)), True))
    clearest = np.zeros(int(components.max()) + 1)
    np.maximum.at(clearest, components[place], level)
    may_go = math.floor(len(level) * 2 * MOST_DICE / (1 + MOST_DICE))  # for Dice 2b / (1 + b) of the part b that stays
    return float(min(clearest[1:].min(), np.partition(level, may_go)[may_go]))


def _levels_at(place: Sequence[np.ndarray], windows: WindowGrid, levels: np.ndarray, grid: Grid) -> np.ndarray:
    """The lowest level of the working voxels that voxels of the crop are interpolated from."""
    neighbours = []
    for axis, (voxels, crop, working) in enumerate(zip(place, grid.crop_shape, grid.working_shape, strict=True)):
        centres = ((voxels + 0.5) * working / crop - 0.5).clip(0, working - 1)
        neighbours.append([windows.cells_at(axis, rounded(centres)) for rounded in (np.floor, np.ceil)])
    x, y, z = neighbours
    lowest: np.ndarray = np.min([levels[i, j, k] for i in x for j in y for k in z], axis=0)
    return lowest
