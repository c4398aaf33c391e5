"""What was measured on a computer: seconds of each part of a run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from dints.errors import InputError
from dints.geometry import Vector


@dataclass(frozen=True)
class StepTime:
    """Seconds of a step as a function of the voxels of its batch: a constant part, and one that grows with them."""

    constant: float
    per_voxel: float

    def __call__(self, voxels: float) -> float:
        return self.constant + self.per_voxel * voxels

    @staticmethod
    def through(small: tuple[int, float], large: tuple[int, float]) -> StepTime:
        """Through (voxels, seconds) of a small and a large batch; through the origin where that would fall or sink."""
        slope = (large[1] - small[1]) / (large[0] - small[0]) if large[0] > small[0] else 0.0
        constant = large[1] - slope * large[0]
        return StepTime(constant, slope) if slope > 0 and constant >= 0 else StepTime(0.0, large[1] / large[0])


@dataclass(frozen=True)
class Timings:
    """Seconds with the settings of one configuration, on one device."""

    weights_step: float  # of the search: weights of the supernet
    architecture_step: float  # of the search: its architecture
    training_step: float
    window: float  # of inference, through one network
    check: float  # per voxel of a case's file
    cache: float  # the same: reading and preprocessing
    score: float  # the same: the way back to the file's grid, writing and scoring
    cropped: Vector  # shares of the axes that are left without the air around

    def to_mapping(self) -> dict[str, Any]:
        """Plain values, as JSON holds them."""
        return asdict(self) | {"cropped": list(self.cropped)}

    @staticmethod
    def from_mapping(values: Any, source: str) -> Timings:
        """Inverse of `to_mapping`. InputError if it is something else."""
        if not isinstance(values, Mapping):
            raise InputError(f"{source}: holds no measured times; delete the file")
        try:
            x, y, z = map(not_negative, values["cropped"])
            numbers = {own.name: not_negative(values[own.name]) for own in fields(Timings) if own.name != "cropped"}
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{source}: holds no measured times; delete the file") from error
        return Timings(**numbers, cropped=(x, y, z))


def not_negative(value: Any) -> float:
    """A number from 0; ValueError or TypeError if it is none."""
    number = float(value)
    if not 0 <= number < math.inf:
        raise ValueError
    return number
