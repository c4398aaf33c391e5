"""Label files that name their segments, as 3D Slicer's `.seg.nrrd`: names decide what a voxel is, not values.

Slicer numbers segments in the order in which they were made, keeps those that may overlap in layers of their own (a
fourth axis), and can crop a file to what was drawn; its header says so.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import SimpleITK as sitk

from dints.config.ignored import says_ignored
from dints.config.sections import LARGEST_LABEL
from dints.data.cases import Case, Problem
from dints.data.images import as_label, read_image, read_label, split_channels
from dints.data.itk import itk_name, quiet
from dints.data.placement import geometry_difference
from dints.errors import InputError
from dints.events import Remark

SEGMENT_FILE = ".seg.nrrd"
NAME_KEY = re.compile(r"Segment(\d+)_Name")
UNNAMED = re.compile(r"label \d+")  # what values are called that nothing names
UNNAMED_SEGMENT = re.compile(r"segment[_ ]?\d+", re.IGNORECASE)  # what Slicer calls a segment that nobody named
REMEDY = "give the same segments the same values in all files (Slicer exports them so with a color table)"


class Segment(NamedTuple):
    """One segment of a file: voxels that hold `value` in a layer."""

    name: str
    layer: int
    value: int


def segments_of(path: Path) -> tuple[Segment, ...]:
    """What the header of a label file names, in its order; () where it names nothing, or cannot be read."""
    if not path.name.lower().endswith(SEGMENT_FILE):
        return ()
    reader = sitk.ImageFileReader()
    reader.SetFileName(itk_name(path))
    try:
        with quiet():
            reader.ReadImageInformation()
    except RuntimeError:  # reading the file itself says why
        return ()
    numbers = sorted(int(match[1]) for match in map(NAME_KEY.fullmatch, reader.GetMetaDataKeys()) if match)
    several = reader.GetNumberOfComponents() > 1 or reader.GetDimension() > 3
    return tuple(
        Segment(
            reader.GetMetaData(f"Segment{number}_Name").strip(),
            # Older files say neither: each segment is a layer of zeros and ones.
            _number(reader, f"Segment{number}_Layer", place if several else 0),
            _number(reader, f"Segment{number}_LabelValue", 1 if several else number + 1),
        )
        for place, number in enumerate(numbers)
    )


def named_values(path: Path) -> dict[int, str]:
    """Name of each label value of a file with a single layer; {} where none is named."""
    return {segment.value: segment.name for segment in segments_of(path) if segment.layer == 0}


def found_labels(paths: Iterable[Path]) -> dict[int, str]:
    """Labels of files that nothing else declares, from their names; values without a name are called "label 1".

    Values stay those of the files where all agree; else names are numbered in the order in which they are met.
    InputError where they do not agree and another file has values alone. Files that cannot be read are passed over.
    """
    named, unnamed = {}, []
    for path in paths:
        if segments := segments_of(path):
            named[path] = segments
        else:
            unnamed.append(path)
    spelling = {folded(own.name): own.name for segments in reversed(named.values()) for own in reversed(segments)}
    pairs = {(own.value, folded(own.name)) for segments in named.values() for own in segments}
    if len(pairs) == len({value for value, _ in pairs}) == len({name for _, name in pairs}):
        labels = {value: spelling[name] for value, name in pairs}
    else:
        if unnamed:
            raise InputError(
                f"{unnamed[0]}: holds values without names, and files such as {next(iter(named))} give the same names "
                "to other values; declare what the values mean in dataset.json or labels.yaml, and rename the segments"
            )
        names = dict.fromkeys(folded(own.name) for segments in named.values() for own in segments)
        labels = {value: spelling[name] for value, name in enumerate(names, start=1)}
    values = {value for path in unnamed for value in _values(path)}
    labels |= {value: f"label {value}" for value in values if value > 0 and value not in labels}
    return {0: "background", **dict(sorted(labels.items()))}


def read_named_label(
    path: str | Path,
    labels: Mapping[int, str],
    like: sitk.Image | None = None,
    remark: Remark = lambda sentence: None,
) -> sitk.Image:
    """A label image with the values of `labels`, by the names of its segments where the file has some.

    Args:
        labels: names by value, those of ignored voxels included.
        like: the image that was segmented; a file that was cropped to what was drawn is put back on its grid.
        remark: is told what was taken for granted of the file.

    Raises:
        InputError: a segment with voxels has a name that is no label, or overlaps with that of another label.
    """
    path = Path(path)
    segments = segments_of(path)
    if not segments:
        return read_label(path, remark)
    layers = split_channels(read_image(path, remark), str(path))
    merged = np.zeros(layers[0].GetSize()[::-1], np.uint16)
    for index, layer in enumerate(layers):
        own = [segment for segment in segments if segment.layer == index]
        voxels = _by_name(path, as_label(layer, str(path)), own, labels, by_value=len(layers) == 1)
        both = (merged != 0) & (voxels != 0) & (merged != voxels)
        if both.any():
            names = " and ".join(repr(labels[int(values[both][0])]) for values in (merged, voxels))
            raise InputError(
                f"{path}: its segments {names} overlap in {int(both.sum())} voxels, which can have one label only; "
                "remove the overlap in Slicer's Segment Editor"
            )
        merged = np.maximum(merged, voxels)
    image = sitk.GetImageFromArray(merged)
    image.CopyInformation(layers[0])
    return image if like is None else _placed(image, like)


def blank(label: sitk.Image, values: Collection[int]) -> sitk.Image:
    """A label image with background where it holds one of the values."""
    if not values:
        return label
    voxels = sitk.GetArrayFromImage(label)
    voxels[np.isin(voxels, list(values))] = 0
    image = sitk.GetImageFromArray(voxels)
    image.CopyInformation(label)
    return image


def name_problems(cases: Sequence[Case], labels: Mapping[int, str]) -> list[Problem]:
    """Values without a declared name that files name differently: two structures would be mixed."""
    named = {case: found for case in cases if case.label and (found := named_values(case.label))}
    problems = []
    for value in (value for value, name in labels.items() if UNNAMED.fullmatch(name)):
        names = Counter(folded(found[value]) for found in named.values() if value in found)
        for case, found in named.items():
            if value in found and folded(found[value]) != (expected := names.most_common(1)[0][0]):
                reason = f"calls value {value} {found[value]!r}, where it is {expected!r} elsewhere"
                problems.append(Problem(str(case.label), reason, REMEDY, case=case.name))
    return problems


def _by_name(
    path: Path, layer: sitk.Image, segments: Sequence[Segment], labels: Mapping[int, str], by_value: bool
) -> np.ndarray:
    """Voxels uint16 [Z, Y, X] of a layer with the values of `labels`."""
    voxels = sitk.GetArrayViewFromImage(layer)
    present = np.zeros(LARGEST_LABEL + 1, bool)
    present[voxels] = True
    present[0] = False
    table = np.zeros(LARGEST_LABEL + 1, np.uint16)
    for segment in segments:
        if present[segment.value]:
            table[segment.value] = _label_value(path, segment, labels, by_value)
            present[segment.value] = False
    if present.any():
        raise InputError(
            f"{path}: holds value {int(present.argmax())}, which none of its segments has; save it in Slicer again"
        )
    renamed: np.ndarray = table[voxels]
    return renamed


def _label_value(path: Path, segment: Segment, labels: Mapping[int, str], by_value: bool) -> int:
    """The value of the label of a segment's name. Where either has no real name, values decide, if they can."""
    for value, name in labels.items():
        if folded(name) == folded(segment.name) or (value and says_ignored(name) and says_ignored(segment.name)):
            return value
    no_name = UNNAMED_SEGMENT.fullmatch(segment.name) or UNNAMED.fullmatch(labels.get(segment.value, ""))
    if by_value and no_name and segment.value in labels:
        return segment.value
    known = ", ".join(name for value, name in labels.items() if value)
    raise InputError(
        f"{path}: has a segment {segment.name!r}, which is none of the labels {known}; rename it in Slicer, or correct "
        "the declared labels"
    )


def _placed(label: sitk.Image, like: sitk.Image) -> sitk.Image:
    """A label that covers a part of the grid of `like`, on the whole; others as they are, for others to refuse."""
    if label.GetSize() == like.GetSize():
        return label
    start = [round(index) for index in like.TransformPhysicalPointToContinuousIndex(label.GetOrigin())]
    ends = [first + count for first, count in zip(start, label.GetSize(), strict=True)]
    if min(start) < 0 or any(end > size for end, size in zip(ends, like.GetSize(), strict=True)):
        return label
    box = tuple(slice(first, end) for first, end in zip(start, ends, strict=True))
    if geometry_difference(like[box], label):
        return label
    whole = np.zeros(like.GetSize()[::-1], np.uint16)
    whole[box[::-1]] = sitk.GetArrayViewFromImage(label)
    image = sitk.GetImageFromArray(whole)
    image.CopyInformation(like)
    return image


def _number(reader: sitk.ImageFileReader, key: str, missing: int) -> int:
    """A number of the header below the largest label; `missing` where it tells none."""
    text = reader.GetMetaData(key).strip() if reader.HasMetaDataKey(key) else ""
    return min(int(text), LARGEST_LABEL) if text.isdecimal() and len(text) < len(str(LARGEST_LABEL**2)) else missing


def _values(path: Path) -> list[int]:
    try:
        label = read_label(path)  # must outlive the view on its voxels
    except InputError:  # the check of the case says why
        return []
    values: list[int] = np.unique(sitk.GetArrayViewFromImage(label)).tolist()
    return values


def folded(name: str) -> str:
    """A name without what differs between ways of writing it."""
    return re.sub(r"[\s_-]+", " ", name.strip()).casefold()
