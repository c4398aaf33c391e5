"""A data set that grows by corrected results: `dataset.json` in the decathlon's format, written last.

Files are numbered and rewritten from voxels and grid alone, so that neither their names nor their headers say who the
patient is. Every fourth case is held out for good (the list "validation"), so that there are always cases that no
version of a model has learned from. Killed at any moment, the data set is as before, or with the case.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from dints.data.datalist import parse_labels
from dints.data.images import as_label, read_channels, read_image, split_channels, write_image
from dints.data.placement import geometry_difference
from dints.data.segments import folded
from dints.errors import InputError, brief
from dints.files.lock import locked
from dints.files.storage import atomic_path, read_json, remove_leftovers, write_json

INDEX = "dataset.json"
LISTS = ("training", "validation")  # the second is held out
HELD_OUT_EVERY = 4
PATIENCE_SECONDS = 30.0  # for another process that adds a case
PAUSE_SECONDS = 0.2

ImageSource = sitk.Image | str | os.PathLike[str]


@dataclass(frozen=True)
class Origin:
    """Where a correction comes from. `model` has the "id", "name" and "version" of the model that was corrected."""

    by: str = ""
    model: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class AddedCase:
    """What became of a correction: its name, whether no model will learn from it, whether it replaced an earlier one.

    `training` and `held` count the cases of the data set after it.
    """

    folder: Path
    case: str
    held_out: bool
    replaced: bool
    training: int
    held: int


@dataclass
class _Index:
    """The data set's description, and what is asked of it."""

    path: Path
    values: dict[str, Any] = field(default_factory=dict)

    @property
    def labels(self) -> dict[int, str]:
        return parse_labels(self.values.get("labels"), self.path)

    def entries(self, name: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.values.setdefault(name, [])
        if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
            raise InputError(f"{self.path}: {name!r} must be a list of cases with image and label; correct it")
        return found

    def find(self, checksum: str) -> tuple[str, dict[str, Any]] | None:
        """List and entry of an image that was added before."""
        found = ((name, entry) for name in LISTS for entry in self.entries(name))
        return next(((name, entry) for name, entry in found if entry.get("image_sha256") == checksum), None)

    def next_number(self) -> int:
        """Above those of all cases, and of files that a killed process left."""
        images = self.path.parent / "images"
        names = [path.name for path in images.iterdir()] if images.is_dir() else []
        names += [Path(str(entry.get("label"))).name for name in LISTS for entry in self.entries(name)]
        return 1 + max((int(name[:4]) for name in names if name[:4].isdecimal()), default=0)


def add_case(
    folder: str | Path,
    images: ImageSource | Sequence[ImageSource],
    label: ImageSource,
    labels: Mapping[int, str],
    channels: Sequence[str] = ("image",),
    origin: Origin | None = None,
) -> AddedCase:
    """Puts an image and its corrected segmentation into a data set, which is made if there is none.

    The same image again, by its voxels, keeps its number and takes the new segmentation; the one before is kept in
    `earlier/`. Labels are matched with those of the data set by name; new names are added to it.

    Args:
        images: one a channel, 3D, as files or in memory.
        label: on the same grid, with the values of `labels`.
        labels: {value: name}, the background included.
        channels: their names.
        origin: who corrected which model.

    Raises:
        InputError: image and segmentation do not fit each other or the data set, or `folder` is something else.
    """
    folder, scans = Path(folder), _scans(images)
    voxels = _voxels(label, labels, scans[0])
    if len(scans) != len(channels):
        raise InputError(f"image: has {len(scans)} channels instead of {len(channels)}: {', '.join(channels)}")
    with _turn(folder):
        index = _open(folder, labels, channels, origin)
        values, voxels = _in_values_of(index, labels, voxels)
        checksum = _checksum(scans)
        known = index.find(checksum)
        case = Path(str(known[1]["label"])).name[:4] if known else f"{index.next_number():04d}"
        held_out = known[0] == LISTS[1] if known else int(case) % HELD_OUT_EVERY == 0
        if known:
            _keep_earlier(folder, case)
        files = known[1]["image"] if known else _write_scans(folder, case, scans)
        write_image(_like(voxels, scans[0]), folder / "labels" / f"{case}.nii.gz")
        entry = {"image": files, "label": f"labels/{case}.nii.gz", **_record(origin, checksum)}
        entries = index.entries(LISTS[held_out])
        if known:
            entries[entries.index(known[1])] = entry
        else:
            entries.append(entry)
        index.values["labels"] = {str(value): name for value, name in values.items()}
        write_json(index.path, index.values)
        counts = [len(index.entries(name)) for name in LISTS]
    return AddedCase(folder, case, held_out, known is not None, *counts)


def declared_labels(folder: str | Path) -> dict[int, str]:
    """The labels of a data set of corrections; {} where there is none yet."""
    path = Path(folder) / INDEX
    return _Index(path, read_json(path)).labels if path.is_file() else {}


def merged_labels(known: Mapping[int, str], more: Mapping[int, str]) -> tuple[dict[int, str], dict[int, int]]:
    """`known` with the names that only `more` has, and which value each value of `more` has there."""
    merged, value_of = dict(known), {folded(name): value for value, name in known.items()}
    for value, name in sorted(more.items()):
        if value and folded(name) not in value_of:
            value_of[folded(name)] = value if value not in merged else max(merged) + 1
            merged[value_of[folded(name)]] = name
    return dict(sorted(merged.items())), {value: value_of[folded(name)] if value else 0 for value, name in more.items()}


@contextmanager
def _turn(folder: Path) -> Iterator[None]:
    """Waits for another process that adds a case; InputError if that takes long."""
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        lock = locked(folder)
        try:
            lock.__enter__()
            break
        except InputError:
            if time.monotonic() > end:
                raise
            time.sleep(PAUSE_SECONDS)
    try:
        remove_leftovers(folder, recursive=True)
        yield
    finally:
        lock.__exit__(None, None, None)


def _open(folder: Path, labels: Mapping[int, str], channels: Sequence[str], origin: Origin | None) -> _Index:
    """The data set's index; of a new one, written before any file, so that no folder is half a data set."""
    path = folder / INDEX
    if path.is_file():
        values = read_json(path)
        if not isinstance(values, dict) or "training" not in values or "labels" not in values:
            raise InputError(f'{path}: lacks "training" or "labels"; choose another folder for corrections')
        names = values.get("channel_names") or values.get("modality") or {}
        if len(names) != len(channels):
            raise InputError(f"{path}: has {len(names)} channels and the case {len(channels)}; choose another folder")
        return _Index(path, values)
    if others := [entry.name for entry in folder.iterdir() if not entry.name.startswith(".")]:
        raise InputError(f"{folder}: holds {brief(others[0])} and no {INDEX}; choose an empty folder for corrections")
    values = {
        "name": (origin.model or {}).get("name", folder.name) if origin else folder.name,
        "channel_names": {str(number): name for number, name in enumerate(channels)},
        "labels": {str(value): name for value, name in sorted({0: "background", **labels}.items())},
        **{name: [] for name in LISTS},
    }
    write_json(path, values)
    return _Index(path, values)


def _scans(images: ImageSource | Sequence[ImageSource]) -> list[sitk.Image]:
    """One image a channel on one grid."""
    given = [images] if isinstance(images, sitk.Image | str | os.PathLike) else list(images)
    found: list[sitk.Image] = []
    for image in given:
        found += split_channels(image) if isinstance(image, sitk.Image) else read_channels(image)
    if not found:
        raise InputError("image: none was given; name at least one")
    for other in found[1:]:
        if difference := geometry_difference(found[0], other):
            raise InputError(f"image: {difference} as in the first channel; resample one channel to the other")
    return found


def _voxels(label: ImageSource, labels: Mapping[int, str], scan: sitk.Image) -> np.ndarray:
    """Label values [Z, Y, X] on the grid of the scan."""
    image = as_label(label if isinstance(label, sitk.Image) else read_image(label), "segmentation")
    if difference := geometry_difference(scan, image):
        raise InputError(f"segmentation: {difference} as in the image; export it on the grid of the image")
    voxels = sitk.GetArrayFromImage(image)
    unknown = set(np.unique(voxels).tolist()) - {0, *labels}
    if unknown:
        raise InputError(
            f"segmentation: holds value {min(unknown)}, which no label has; name it, or correct the voxels"
        )
    return voxels


def _in_values_of(index: _Index, labels: Mapping[int, str], voxels: np.ndarray) -> tuple[dict[int, str], np.ndarray]:
    """Labels of the data set with the new ones, and the voxels in its values."""
    merged, value_of = merged_labels(index.labels, labels)
    table = np.zeros(max((0, *labels)) + 1, np.uint16 if max(merged) > np.iinfo(np.uint8).max else np.uint8)
    for value, own in value_of.items():
        table[value] = own
    return merged, table[voxels]


def _write_scans(folder: Path, case: str, scans: Sequence[sitk.Image]) -> str | list[str]:
    names = [f"images/{case}_{number:04d}.nii.gz" for number in range(len(scans))]
    names = names if len(scans) > 1 else [f"images/{case}.nii.gz"]
    for name, scan in zip(names, scans, strict=True):
        write_image(_like(sitk.GetArrayFromImage(scan), scan), folder / name)
    return names if len(names) > 1 else names[0]


def _like(voxels: np.ndarray, scan: sitk.Image) -> sitk.Image:
    """An image of these voxels on the grid of a scan, and with nothing else of its header."""
    image = sitk.GetImageFromArray(voxels)
    image.SetSpacing(scan.GetSpacing())
    image.SetOrigin(scan.GetOrigin())
    image.SetDirection(scan.GetDirection())
    return image


def _keep_earlier(folder: Path, case: str) -> None:
    """A copy of the label that is about to be replaced."""
    earlier = folder / "earlier"
    number = 1 + sum(1 for _ in earlier.glob(f"{case}-*.nii.gz"))
    with atomic_path(earlier / f"{case}-{number}.nii.gz") as copy:
        copy.write_bytes((folder / "labels" / f"{case}.nii.gz").read_bytes())


def _record(origin: Origin | None, checksum: str) -> dict[str, Any]:
    origin = origin or Origin()
    added = datetime.now(UTC).isoformat(timespec="seconds")
    model = dict(origin.model) if origin.model else None
    return {"added": added, "by": origin.by, "model": model, "image_sha256": checksum}


def _checksum(scans: Sequence[sitk.Image]) -> str:
    """Of voxels and sizes, whatever file they were read from."""
    digest = hashlib.sha256()
    for scan in scans:
        digest.update(str(scan.GetSize()).encode())
        digest.update(np.ascontiguousarray(sitk.GetArrayViewFromImage(scan), np.float32).tobytes())
    return digest.hexdigest()
