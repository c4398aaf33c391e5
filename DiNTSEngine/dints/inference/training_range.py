"""What the training data looked like, and in which respects a case does not: that is worth a warning.

Networks answer with confidence whatever they are shown. Spacing, extent and the shape of the histogram tell a scan of
another kind (another modality, another part of the body, not cropped) without looking at anatomy. A scan upside down or
with inverted intensities has all of these as it should; it is told by the volumes of what was found in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from dints.data.grid import Grid
from dints.errors import InputError, brief

PERCENTILES = (1, 10, 50, 90, 99)  # of an image's intensities as the networks see them
PERCENTILE_VOXELS = 200_000  # at most so many, evenly chosen, are sorted
AXES = 3
# How far a case may lie beyond the extremes of the training cases: lengths and volumes by a factor, percentiles by a
# part of the distance between these extremes, and at least by a fifth of a standard deviation.
LENGTH_FACTOR = 1.3
VOLUME_FACTOR = 1.1
FEWEST_CASES = 20  # whose volumes say how large is too large; with fewer, many a healthy patient lies outside
PERCENTILE_MARGIN = 0.5
SMALLEST_MARGIN = 0.2

Interval = tuple[float, float]


@dataclass(frozen=True)
class TrainingRange:
    """Extremes over the training cases."""

    spacing: tuple[Interval, ...]  # mm, along R, A, S
    extent: tuple[Interval, ...]  # mm, of the field of view without surrounding air
    intensity: tuple[tuple[Interval, ...], ...]  # a channel: of each of PERCENTILES, after preprocessing
    volume: tuple[Interval, ...] = ()  # mm3, of each foreground class; empty if not known or of too few cases

    @staticmethod
    def of(cases: Iterable[tuple[np.ndarray, np.ndarray, Grid]], classes: int) -> TrainingRange:
        """From preprocessed images [C, X, Y, Z], their class indices [X, Y, Z] and their grids; at least one case."""
        measured = [
            (grid.oriented_spacing, _extent(grid), _percentiles(image), _volumes(label, grid, classes))
            for image, label, grid in cases
        ]
        spacing, extent, intensity, volume = (np.array(values) for values in zip(*measured, strict=True))
        channels = tuple(_extremes(intensity[:, channel]) for channel in range(intensity.shape[1]))
        volumes = _extremes(volume) if len(volume) >= FEWEST_CASES else ()
        return TrainingRange(_extremes(spacing), _extremes(extent), channels, volumes)

    def fits(self, channels: int, classes: int) -> bool:
        """Whether it is of a task with so many channels and classes, the background included."""
        return len(self.intensity) == channels and len(self.volume) in (0, classes - 1)

    def joined(self, other: TrainingRange) -> TrainingRange:
        """The extremes of both; of another number of channels or classes what is only here."""
        intensity = self.intensity
        if len(intensity) == len(other.intensity):
            intensity = tuple(_joined(*pair) for pair in zip(intensity, other.intensity, strict=True))
        volume = _joined(self.volume, other.volume) if len(self.volume) == len(other.volume) else ()
        return TrainingRange(
            _joined(self.spacing, other.spacing), _joined(self.extent, other.extent), intensity, volume
        )

    def to_mapping(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    @staticmethod
    def from_mapping(values: Mapping[str, Any], source: str) -> TrainingRange:
        """Reads what `to_mapping` gave; InputError if it is something else."""
        try:
            lengths = [tuple(_interval(pair) for pair in values[name]) for name in ("spacing", "extent")]
            intensity = tuple(tuple(_interval(pair) for pair in channel) for channel in values["intensity"])
            volume = tuple(_interval(pair) for pair in values.get("volume", ()))
            if any(len(axes) != AXES for axes in lengths) or {len(c) for c in intensity} != {len(PERCENTILES)}:
                raise ValueError("other axes or percentiles")
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            reason = brief(error)
            raise InputError(f"{source}: the range of the training data is damaged ({reason}); export again") from error
        return TrainingRange(lengths[0], lengths[1], intensity, volume)

    def differences(self, image: np.ndarray, grid: Grid) -> list[str]:
        """One phrase a respect in which a preprocessed image [C, X, Y, Z] is unlike all training cases."""
        found = _strange_lengths("spacing", grid.oriented_spacing, self.spacing)
        found += _strange_lengths("size", _extent(grid), self.extent)
        for channel, (measured, ranges) in enumerate(zip(_percentiles(image), self.intensity, strict=True)):
            strange = [
                percentile
                for percentile, value, (low, high) in zip(PERCENTILES, measured, ranges, strict=True)
                if not low - _margin(low, high) <= value <= high + _margin(low, high)
            ]
            if strange:
                where = "" if len(self.intensity) == 1 else f" of channel {channel}"
                found.append(
                    f"intensities{where} are distributed otherwise ({', '.join(_ordinal(p) for p in strange)})"
                )
        return found

    def strange_volumes(self, classes: np.ndarray, grid: Grid, names: Sequence[str]) -> list[str]:
        """One phrase a foreground class, named by `names`, whose volume in class indices [x, y, z] is unlike all."""
        found = []
        measured = _volumes(classes, grid, len(names) + 1)
        for name, value, (low, high) in zip(names, measured, self.volume, strict=False):  # none where not known
            if not low / VOLUME_FACTOR <= value <= high * VOLUME_FACTOR:
                found.append(f"{name} {value:.4g} mm3, in training {low:.4g}-{high:.4g} mm3")
        return found


def _volumes(classes: np.ndarray, grid: Grid, count: int) -> np.ndarray:
    """mm3 of the classes 1 to `count` - 1 in class indices that cover the crop, at whatever resolution."""
    planes = classes.T  # one at a time, as counting needs eight bytes a voxel
    voxels = sum((np.bincount(plane.ravel(), minlength=count)[:count] for plane in planes), np.zeros(count))[1:]
    return voxels * (np.prod(_extent(grid)) / classes.size)


def _extent(grid: Grid) -> tuple[float, ...]:
    return tuple(count * step for count, step in zip(grid.crop_shape, grid.oriented_spacing, strict=True))


def _percentiles(image: np.ndarray) -> np.ndarray:
    """[C, P] of the voxels that are not 0, which is what surrounds a scan."""
    rows = []
    for channel in image:
        step = max(1, channel.size // PERCENTILE_VOXELS)
        voxels = channel.ravel()[::step]
        inside = voxels[voxels != 0]
        rows.append(np.percentile(inside if inside.size else voxels, PERCENTILES))
    return np.array(rows)


def _extremes(values: np.ndarray) -> tuple[Interval, ...]:
    """[cases, n] to n intervals."""
    return tuple((float(low), float(high)) for low, high in zip(values.min(0), values.max(0), strict=True))


def _joined(first: Sequence[Interval], second: Sequence[Interval]) -> tuple[Interval, ...]:
    pairs = zip(first, second, strict=True)
    return tuple((min(low, other_low), max(high, other_high)) for (low, high), (other_low, other_high) in pairs)


def _interval(pair: Sequence[float]) -> Interval:
    low, high = (float(value) for value in pair)
    if not low <= high:
        raise ValueError(f"{low} to {high} is no range")
    return low, high


def _strange_lengths(name: str, measured: Sequence[float], ranges: Sequence[Interval]) -> list[str]:
    """Along R-L, A-P and S-I; empty if none is strange."""
    axes = list(zip(measured, ranges, strict=True))
    if all(low / LENGTH_FACTOR <= value <= high * LENGTH_FACTOR for value, (low, high) in axes):
        return []
    known = " x ".join(f"{low:.4g}" if low == high else f"{low:.4g}-{high:.4g}" for low, high in ranges)
    return [f"{name} {' x '.join(f'{value:.4g}' for value in measured)} mm, in training {known} mm"]


def _margin(low: float, high: float) -> float:
    return max(PERCENTILE_MARGIN * (high - low), SMALLEST_MARGIN)


def _ordinal(percentile: int) -> str:
    return {1: "1st percentile", 50: "median"}.get(percentile, f"{percentile}th percentile")
