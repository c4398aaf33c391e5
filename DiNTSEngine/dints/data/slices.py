"""The slices of a DICOM series, each with its own geometry, and what keeps them from being one volume.

Attributes are those of PS3.3 C.7.6.2 (image plane), C.7.6.3 (pixels) and C.12.1 (objects).
"""

from __future__ import annotations

import filecmp
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from dints.data.itk import itk_name
from dints.data.placement import GEOMETRY_TOLERANCE
from dints.errors import InputError, brief

POSITION, ORIENTATION, PIXEL_SPACING = "0020|0032", "0020|0037", "0028|0030"
SLOPE, INTERCEPT, FRAMES = "0028|1053", "0028|1052", "0028|0008"
SERIES, OBJECT, PHOTOMETRIC = "0020|000e", "0008|0018", "0028|0004"
NAMES = {
    POSITION: "Image Position",
    ORIENTATION: "Image Orientation",
    PIXEL_SPACING: "Pixel Spacing",
    SLOPE: "Rescale Slope",
    INTERCEPT: "Rescale Intercept",
    FRAMES: "Number of Frames",
}
COUNTS = {POSITION: 3, ORIENTATION: 6, PIXEL_SPACING: 2, SLOPE: 1, INTERCEPT: 1, FRAMES: 1}
SAME_PLACE = 0.01  # mm; no slices are so thin
GAP_TOLERANCE = 0.1  # of the slice distance; a missing slice moves others by half of it or more
ROUNDING = 0.1  # mm; of two positions that are rounded to a decimal
UNIT_TOLERANCE = 1e-3  # of the length of an axis and of the cosine between two
EXPORT = "export the series again with its geometry, or as .nii.gz or .nrrd"
ONE_STACK = "put the slices of one stack into a folder of their own"


@dataclass(frozen=True)
class Slice:
    """One file: its pixels as ITK has them, and the texts of its attributes, "" for those that it lacks."""

    path: Path
    size: tuple[int, ...]  # columns, rows
    kind: int  # pixel type, after slope and intercept
    components: int
    texts: Mapping[str, str]

    @staticmethod
    def of(path: Path) -> Slice:
        """Reads the header; RuntimeError if it is not that of an image."""
        reader = sitk.ImageFileReader()
        reader.SetFileName(itk_name(path))
        reader.SetImageIO("GDCMImageIO")
        reader.ReadImageInformation()
        keys = set(reader.GetMetaDataKeys())
        tags = (*NAMES, SERIES, OBJECT, PHOTOMETRIC)
        texts = {tag: reader.GetMetaData(tag).strip() if tag in keys else "" for tag in tags}
        return Slice(path, reader.GetSize()[:2], reader.GetPixelID(), reader.GetNumberOfComponents(), texts)

    def numbers(self, tag: str) -> NDArray[np.float64]:
        """What an attribute says that the slice has; InputError if it is not made of as many numbers as it must be."""
        try:
            values = np.array([float(part) for part in self.texts[tag].split("\\")])
        except ValueError:
            values = np.empty(0)
        if len(values) != COUNTS[tag] or not np.isfinite(values).all():
            raise InputError(f"{self.path}: has the {NAMES[tag]} {brief(self.texts[tag])}; {EXPORT}")
        return values

    @property
    def position(self) -> NDArray[np.float64]:
        """Of the first pixel's centre, mm in LPS."""
        return self.numbers(POSITION)

    @property
    def spacing(self) -> tuple[float, float]:
        """mm between columns and between rows; the attribute has them the other way round."""
        rows, columns = self.numbers(PIXEL_SPACING).tolist()
        return columns, rows

    @property
    def axes(self) -> NDArray[np.float64]:
        """[3, 3] directions along a row, along a column and out of the plane, in columns."""
        row, column = self.numbers(ORIENTATION).reshape(2, 3)
        return np.stack([row, column, np.cross(row, column)], axis=1)


def stacked(folder: Path, slices: Sequence[Slice]) -> list[Slice]:
    """The slices in order along their normal.

    Raises:
        InputError: they are not one stack of equal slices at equal distances.
    """
    for refuse in (
        _refuse_frames,
        _refuse_colours,
        _refuse_missing,
        _refuse_odd_values,
        _refuse_odd_axes,
        _refuse_different,
    ):
        refuse(folder, slices)
    if len(slices) == 1:
        raise InputError(f"{folder}: holds a single slice, which is no volume; give the folder of the whole series")
    normal = slices[0].axes[:, 2]
    ordered = sorted(slices, key=lambda one: (float(normal @ one.position), len(one.path.name), one.path.name))
    _refuse_same_places(folder, ordered, normal)
    _refuse_gaps(folder, ordered, normal)
    return ordered


def _refuse_frames(folder: Path, slices: Sequence[Slice]) -> None:
    for one in slices:
        if one.texts[FRAMES] and (frames := one.numbers(FRAMES)[0]) > 1:
            reason = f"{one.path.name} holds {frames:g} frames, whose places cannot be compared"
            raise InputError(f"{folder}: {reason}; load it into 3D Slicer and save it as .nii.gz or .nrrd")


def _refuse_colours(folder: Path, slices: Sequence[Slice]) -> None:
    coloured = [one for one in slices if one.components > 1]
    if coloured:
        reason = f"{coloured[0].path.name} is a picture in colours, no scan"
        raise InputError(f"{folder}: {reason}; give the folder of the scan that it was made from")


def _refuse_missing(folder: Path, slices: Sequence[Slice]) -> None:
    """Attributes of the geometry that any slice lacks, and values that are scaled in some slices only."""
    for tag in (POSITION, ORIENTATION, PIXEL_SPACING, SLOPE, INTERCEPT):
        without = [one.path.name for one in slices if not one.texts[tag]]
        if without and (len(without) < len(slices) or tag not in (SLOPE, INTERCEPT)):
            reason = f"{len(without)} of {len(slices)} slices do not say their {NAMES[tag]} ({min(without)})"
            raise InputError(f"{folder}: {reason}; {EXPORT}")


def _refuse_odd_values(folder: Path, slices: Sequence[Slice]) -> None:
    """Values that GDCM changes: it turns those of MONOCHROME1 round, and takes a slope of 0 for 1."""
    for one in slices:
        if one.texts[PHOTOMETRIC] == "MONOCHROME1":
            reason = f"{one.path.name} shows high values dark (MONOCHROME1), and they would be turned round"
            raise InputError(f"{folder}: {reason}; convert the series to MONOCHROME2")
        if one.texts[SLOPE] and one.numbers(SLOPE)[0] == 0:
            raise InputError(f"{folder}: {one.path.name} has the {NAMES[SLOPE]} 0, of which no values come; {EXPORT}")


def _refuse_odd_axes(folder: Path, slices: Sequence[Slice]) -> None:
    axes = slices[0].axes[:, :2]
    if np.abs(axes.T @ axes - np.eye(2)).max() > UNIT_TOLERANCE or not min(slices[0].spacing) > 0:
        reason = f"{slices[0].path.name} has an Image Orientation or Pixel Spacing that is none"
        raise InputError(f"{folder}: {reason}; {EXPORT}")


def _refuse_different(folder: Path, slices: Sequence[Slice]) -> None:
    """Slices of another size, pixel size or orientation than the first, by what that moves in the far corner."""
    first = slices[0]
    tolerance = GEOMETRY_TOLERANCE * min(first.spacing)
    extent = np.multiply(first.size, first.spacing)
    facts: dict[str, tuple[Callable[[Slice], Any], Callable[[Slice], NDArray[np.float64]]]] = {
        "sizes": (lambda one: one.size, lambda one: np.subtract(one.size, first.size)),
        "pixel sizes": (
            lambda one: one.spacing,
            lambda one: np.subtract(one.spacing, first.spacing) * first.size,
        ),
        "orientations": (
            lambda one: one.numbers(ORIENTATION).tolist(),
            lambda one: np.linalg.norm((one.axes - first.axes)[:, :2], axis=0) * extent,
        ),
    }
    for name, (fact, difference) in facts.items():
        for one in slices:
            if np.abs(difference(one)).max() > tolerance:
                found = f"{brief(fact(first))} in {first.path.name}, {brief(fact(one))} in {one.path.name}"
                raise InputError(f"{folder}: holds slices of different {name} ({found}); {ONE_STACK}")


def _refuse_same_places(folder: Path, ordered: Sequence[Slice], normal: NDArray[np.float64]) -> None:
    places: list[list[Slice]] = []
    for one in ordered:
        if places and abs(normal @ (one.position - places[-1][0].position)) <= SAME_PLACE:
            places[-1].append(one)
        else:
            places.append([one])
    crowded = [place for place in places if len(place) > 1]
    if not crowded:
        return
    first, second = crowded[0][:2]
    if _is_copy(second, first):
        more = sum(len(place) - 1 for place in crowded) - 1
        others = f" (there may be {more} more)" if more else ""
        raise InputError(f"{folder}: {second.path.name} is a copy of {first.path.name}{others}; delete the copy")
    counts = {len(place) for place in places}
    reason = f"{first.path.name} and {second.path.name} lie at the same place"
    if len(counts) == 1:
        reason = f"holds {max(counts)} volumes of the same place, such as time points, echoes or reconstructions"
    raise InputError(f"{folder}: {reason}; put the slices of one volume into a folder of their own")


def _is_copy(one: Slice, other: Slice) -> bool:
    same_object = bool(one.texts[OBJECT]) and one.texts[OBJECT] == other.texts[OBJECT]
    return same_object or filecmp.cmp(one.path, other.path, shallow=False)


def _refuse_gaps(folder: Path, ordered: Sequence[Slice], normal: NDArray[np.float64]) -> None:
    """Slices that do not lie on one line at equal distances."""
    positions = np.array([one.position for one in ordered])
    expected = np.linspace(positions[0], positions[-1], len(ordered))
    heights, distances = (positions - expected) @ normal, np.diff(positions @ normal)
    if np.abs(heights).max() > max(GAP_TOLERANCE * distances.mean(), ROUNDING):
        reason = f"slices are missing or uneven ({distances.min():.3g} to {distances.max():.3g} mm apart)"
        raise InputError(f"{folder}: {reason}; export the series again")
    beside = np.linalg.norm(positions - expected - np.outer(heights, normal), axis=1)
    if beside.max() > max(GEOMETRY_TOLERANCE * min(ordered[0].spacing), ROUNDING):
        worst = ordered[int(beside.argmax())].path.name
        reason = f"{worst} lies {beside.max():.3g} mm beside the line of the other slices"
        raise InputError(f"{folder}: {reason}; {ONE_STACK}")
