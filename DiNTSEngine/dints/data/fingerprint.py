"""What is typical of a data set, and the configuration that follows from it."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dints.config import AugmentationConfig, Config, PreprocessingConfig, SearchConfig
from dints.config.scaling import WINDOW, ZSCORE
from dints.config.settings import FRONT_BACK, RIGHT_LEFT
from dints.config.sides import ends_of, sides_of
from dints.cost.operations import relative_memory
from dints.data.agreement import AIR_BELOW, UNLIKE_VOXELS
from dints.data.cases import Problem
from dints.data.check import CheckResult
from dints.data.datalist import DataList, kind_of_channel
from dints.data.facts import CaseFacts, ChannelFacts
from dints.errors import InputError
from dints.geometry import Size, Vector

LOWEST_CT = -10_000.0  # what scanners write outside of their field of view lies above it
HIGHEST_CT = 10  # times the depth of the air: of fractions, what rises higher is an interpolated image of another kind
SEARCH_BYTES_PER_VOXEL = 40_000  # measured: a supernet step with 16 filters in single precision, 5.3 GB for 4 x 32^3
USABLE_MEMORY = 0.8  # of what there is; the rest is the system's and the data's
SMALL_STRUCTURE = 32  # voxels across; below it half the resolution cost Dice on the hippocampus (15 across)
ROUNDING = 1e-6  # of spacings that are twice one another
SMALLEST_BATCH = 2  # the patch shrinks before the batch gets smaller than this
UNKNOWN_MEMORY = 8 * 2**30  # bytes; taken where the system does not tell


@dataclass(frozen=True)
class Fingerprint:
    """Typical values of the cases with labels; sizes and spacings along the RAS axes."""

    cases: int
    spacing: Vector  # mm, median
    size: Size  # voxels at the median spacing, median
    modality: str  # "CT" or "MR"; CT where any channel is
    foreground: tuple[tuple[float, float], ...]  # 0.5 and 99.5 percentile in labels, a channel; medians of the cases
    structure: float = math.inf  # mm, diameter of a ball with the volume of the smallest label, median of cases
    kinds: tuple[str, ...] = ()  # "CT" or another of each channel; empty where all are of the modality


def fingerprint(result: CheckResult, datalist: DataList) -> Fingerprint:
    """Summarises the facts of a check. InputError if no case with a label could be read."""
    names = {case.name for case in datalist.cases}
    facts = [case for case in result.cases if case.name in names]
    if not facts:
        raise InputError(f"{datalist.folder}: no case with a label can be read; see the problems of the check")
    spacing = np.median([case.spacing for case in facts], axis=0)
    extents = np.array([np.multiply(case.size, case.spacing) for case in facts])
    channels = range(min(len(case.channels) for case in facts))
    kinds = _kinds(datalist, facts, len(channels))
    x, y, z = (round(float(value), 4) for value in spacing)
    width, depth, height = (max(1, round(float(value))) for value in np.median(extents / spacing, axis=0))
    return Fingerprint(
        cases=len(facts),
        spacing=(x, y, z),
        size=(width, depth, height),
        modality=datalist.modality or ("CT" if "CT" in kinds else "MR"),
        foreground=tuple(_foreground(facts, channel) for channel in channels),
        structure=_structure(facts),
        kinds=kinds if len(set(kinds)) > 1 else (),
    )


def default_config(datalist: DataList, typical: Fingerprint, memory_bytes: int | None = None) -> Config:
    """Settings for a data set without a preset; what is not derived here stays as in the paper (4.1).

    The working spacing is the median one. Where the smallest structure is less than 32 voxels across, the search space
    reaches full resolution, with one level more; an axis whose spacing is at least twice the finest leaves out so many
    halvings (`SearchSpace.delay`). A side of the patch is the largest multiple of what the levels ask for within the
    median size, at least two and at most the paper's 96 voxels. While a search batch of two such patches needs more
    than 80 % of `memory_bytes` (40 kB a voxel in the paper's space; default: the machine's), the longest sides shrink.
    The search batch is then the largest power of two that fits, at most the paper's 8; retraining takes twice as many,
    as in the paper. CT is clipped to the 0.5 and 99.5 percentiles of its labelled voxels. The tolerance of the surface
    metric is the coarsest spacing. InputError if the data set has no label but the background, or more than 256.
    """
    paper = Config()
    search = _search(paper.search, typical)
    usable = (memory_bytes or machine_memory()) * USABLE_MEMORY
    voxels = int(usable / (SEARCH_BYTES_PER_VOXEL * relative_memory(search.space, paper.search.space)))
    patch = fitting_patch(typical.size, search.space.patch_step, paper.sampling.patch, voxels // SMALLEST_BATCH)
    fitting = max(1, voxels // math.prod(patch))
    batch = min(paper.search.batch_size, 2 ** int(math.log2(fitting)))
    config = dataclasses.replace(
        paper,
        task=dataclasses.replace(
            paper.task,
            name=datalist.name,
            modality=typical.modality,
            channels=datalist.channels,
            labels=dict(datalist.labels),
            ignored=datalist.ignored,
            tolerance=max(typical.spacing),
        ),
        preprocessing=preprocessing(typical, paper.preprocessing),
        sampling=dataclasses.replace(paper.sampling, patch=patch),
        augmentation=_augmentation(paper.augmentation, datalist.labels),
        search=dataclasses.replace(search, batch_size=batch),
        training=dataclasses.replace(paper.training, batch_size=2 * batch),
    )
    return Config.from_mapping(config.to_mapping(), str(datalist.folder))


def preprocessing(typical: Fingerprint, paper: PreprocessingConfig) -> PreprocessingConfig:
    """The working spacing, and the scaling of each channel: windows for CT, deviations for all others."""
    scaling = {"CT": WINDOW}
    intensity: str | tuple[str, ...] = scaling.get(typical.modality, ZSCORE)
    if typical.kinds:
        intensity = tuple(scaling.get(kind, ZSCORE) for kind in typical.kinds)
    window = _window(typical) or paper.window
    return dataclasses.replace(paper, spacing=typical.spacing, intensity=intensity, window=window)


def scaling_notes(config: PreprocessingConfig, channels: Sequence[str]) -> list[str]:
    """How each channel is scaled, in a sentence."""
    windows = [config.window_of(index) for index in range(len(channels))]
    words = [
        "the deviation of its non-zero voxels" if own is None else f"the window {own[0]:g} to {own[1]:g}"
        for own in windows
    ]
    return [f"channel {name} is scaled by {own}" for name, own in zip(channels, words, strict=True)]


def with_scaling(result: CheckResult, config: PreprocessingConfig, datalist: DataList) -> CheckResult:
    """What a check found, how channels are scaled, and warnings of what spacing or window leave nothing of."""
    typical = fingerprint(result, datalist)
    lost = [*_other_spacing(config, typical, datalist), *_unseen(config, typical, datalist)]
    notes = dict.fromkeys((*result.notes, *scaling_notes(config, datalist.channels)))  # a check may have them already
    return dataclasses.replace(result, notes=tuple(notes), problems=tuple(dict.fromkeys((*result.problems, *lost))))


def _other_spacing(config: PreprocessingConfig, typical: Fingerprint, datalist: DataList) -> Iterator[Problem]:
    """A working spacing so far from that of the cases that one of both may be in another unit."""
    factors = np.divide(config.spacing, typical.spacing)
    if max(factors.max(), 1 / factors.min()) > UNLIKE_VOXELS:
        own, working = (" x ".join(f"{step:g}" for step in steps) for steps in (typical.spacing, config.spacing))
        reason = f"its voxels of {own} mm are resampled to {working} mm"
        remedy = "correct preprocessing.spacing, or the files if they are in another unit"
        yield Problem(str(datalist.folder), reason, remedy, "warning")


def _unseen(config: PreprocessingConfig, typical: Fingerprint, datalist: DataList) -> Iterator[Problem]:
    """Channels whose labelled voxels lie beyond their window: they have an offset, or are no Hounsfield units."""
    for index, (name, (lowest, highest)) in enumerate(zip(datalist.channels, typical.foreground, strict=False)):
        window = config.window_of(index)
        if window and (highest <= window[0] or lowest >= window[1]):
            shown = f"{lowest:g} to {highest:g}, all of it beyond the window {window[0]:g} to {window[1]:g}"
            remedy = "subtract the offset if there is one, often 1024, or correct preprocessing.window"
            reason = f"what is labelled lies at {shown} of channel {name}"
            yield Problem(str(datalist.folder), reason, remedy, "warning")


def _search(paper: SearchConfig, typical: Fingerprint) -> SearchConfig:
    """Small structures are lost at half the resolution; slices thicker than wide are not made thicker still."""
    finest = min(typical.spacing)
    x, y, z = (min(paper.levels, int(math.log2(own / finest) + ROUNDING)) for own in typical.spacing)
    if typical.structure / finest >= SMALL_STRUCTURE:
        return dataclasses.replace(paper, delay=(x, y, z))
    return dataclasses.replace(paper, levels=paper.levels + 1, finest=1, delay=(x, y, z))


def _structure(facts: Sequence[CaseFacts]) -> float:
    volumes = [min(case.label_volumes.values()) for case in facts if case.label_volumes]
    return 2 * (3 * float(np.median(volumes)) / (4 * math.pi)) ** (1 / 3) if volumes else math.inf


def _augmentation(paper: AugmentationConfig, labels: Mapping[int, str]) -> AugmentationConfig:
    """Without right-angle turns, and flips without a partner, where these would leave no left and right, or no ends."""
    sides, ends = sides_of(labels), ends_of(labels)
    lost = {*ends, *(() if sides.mirrorable else (RIGHT_LEFT,))}
    axes = tuple(axis for axis in paper.flip_axes if axis not in lost)
    turned = sides.any or FRONT_BACK in ends
    return dataclasses.replace(
        paper, rotate90_probability=0.0 if turned else paper.rotate90_probability, flip_axes=axes
    )


def machine_memory() -> int:
    """Bytes of main memory; 8 GiB where the system does not tell."""
    if {"SC_PAGE_SIZE", "SC_PHYS_PAGES"} <= set(getattr(os, "sysconf_names", ())):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return UNKNOWN_MEMORY


def _kinds(datalist: DataList, facts: Sequence[CaseFacts], count: int) -> tuple[str, ...]:
    """Of each channel, by its name; where that tells nothing by the data's modality, else by its values."""
    names = [*datalist.channels, *("",) * count][:count]
    told = [kind_of_channel(name) for name in names]
    modality = None if any(told) else datalist.modality
    return tuple(told[index] or modality or _measured_kind(facts, index) for index in range(count))


def _measured_kind(facts: Sequence[CaseFacts], index: int) -> str:
    """CT if most cases look like it, whole numbers or not."""
    return "CT" if np.median([_is_hounsfield(case.channels[index]) for case in facts]) == 1 else "MR"


def _is_hounsfield(channel: ChannelFacts) -> bool:
    if not LOWEST_CT <= channel.lowest < AIR_BELOW:
        return False
    return channel.whole or 0 < channel.highest < -HIGHEST_CT * channel.lowest


def _foreground(facts: Sequence[CaseFacts], channel: int) -> tuple[float, float]:
    """Medians over the cases, so that metal or a wrong scale in one of them does not widen the range."""
    inside = [case.channels[channel].foreground_percentiles or case.channels[channel].percentiles for case in facts]
    return float(np.median([values[0] for values in inside])), float(np.median([values[-1] for values in inside]))


def fitting_patch(size: Size, steps: Size, largest: Size, voxels: int) -> Size:
    """The largest patch of at most `voxels`, as `default_config` says: sides are multiples of `steps`.

    Never below two steps, where the network's coarsest level has two voxels. Of equal sides z shrinks first, and x and
    y together: only patches that are square in the axial plane can be rotated by 90 degrees.
    """
    smallest = [2 * step for step in steps]
    limits = zip(size, steps, smallest, largest, strict=True)
    patch = [min(max(length // step * step, least), limit) for length, step, least, limit in limits]
    while math.prod(patch) > voxels and patch != smallest:
        longest = max(side for side, least in zip(patch, smallest, strict=True) if side > least)
        shrinking = (2,) if patch[2] == longest and patch[2] > smallest[2] else (0, 1)
        patch = [
            side - steps[axis] if axis in shrinking and side == longest and side > smallest[axis] else side
            for axis, side in enumerate(patch)
        ]
    x, y, z = patch
    return x, y, z


def _window(typical: Fingerprint) -> tuple[float, float] | None:
    """One window for all channels of CT; None where there is none, or its foreground has a single value."""
    kinds = typical.kinds or (typical.modality,) * len(typical.foreground)
    ranges = [channel for channel, kind in zip(typical.foreground, kinds, strict=True) if kind == "CT"]
    if not ranges:
        return None
    low, high = math.floor(min(low for low, _ in ranges)), math.ceil(max(high for _, high in ranges))
    return (float(low), float(high)) if low < high else None
