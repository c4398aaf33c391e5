"""What the check measures of a case."""

from __future__ import annotations

from dataclasses import dataclass

from dints.geometry import Size, Vector

PERCENTILES = (0.5, 50.0, 99.5)


@dataclass(frozen=True)
class ChannelFacts:
    """Intensities of one channel of a case."""

    lowest: float
    highest: float
    whole: bool  # all voxels are whole numbers
    percentiles: tuple[float, ...]  # `PERCENTILES` of all voxels
    foreground_percentiles: tuple[float, ...] | None  # the same of the labelled voxels, if there are any


@dataclass(frozen=True)
class CaseFacts:
    """What is known of a case whose images can be read. Size (voxels) and spacing (mm) are along the RAS axes."""

    name: str
    size: Size
    spacing: Vector
    channels: tuple[ChannelFacts, ...]
    label_volumes: dict[int, float]  # mm^3 of each label value that occurs, without background
