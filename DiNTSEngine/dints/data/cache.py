"""Preprocessed cases on disk as memory-mapped arrays, so that a data set larger than memory trains.

One folder a case, named after the case and a hash of the settings and of its files' sizes and times. `case.json` is
written last: a folder without it, or whose arrays do not match it, was interrupted and is built again.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import mmap
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dints.config import PreprocessingConfig
from dints.config.ignored import IGNORED_NAME
from dints.data.cases import Case
from dints.data.grid import Grid
from dints.data.images import read_channels
from dints.data.preprocessing import Preprocessor
from dints.data.segments import read_named_label, segments_of
from dints.errors import InputError, memory_for
from dints.events import Reporter
from dints.files.storage import atomic_path, read_json, write_json, writing
from dints.geometry import Box

FORMAT = 1  # of the entries; raise it when preprocessing or the layout changes
KEY_LENGTH = 16  # hexadecimal digits: 64 bits

SAMPLES_PER_CLASS = 10_000  # foreground voxels to centre patches on; some more than a training run draws from a case


@dataclass(frozen=True)
class CachedCase:
    """A preprocessed case. Arrays are mapped on each access, not held: a large data set would exhaust open files."""

    name: str
    folder: Path
    grid: Grid
    channels: int
    samples: Mapping[int, int]  # rows of `foreground` that each class has; classes that are absent have none

    @property
    def image(self) -> np.memmap:
        """float32 [C, X, Y, Z], mapped read-only."""
        return np.lib.format.open_memmap(self.folder / "image.npy", mode="r")

    @property
    def label(self) -> np.memmap:
        """Class indices uint8 [X, Y, Z], IGNORED where nobody annotated; mapped read-only."""
        return np.lib.format.open_memmap(self.folder / "label.npy", mode="r")

    @property
    def foreground(self) -> dict[int, np.ndarray]:
        """Some voxels int32 [n, 3] of each class that is present, without the background; mapped read-only."""
        if not self.samples:
            return {}
        rows = np.load(self.folder / "foreground.npy", mmap_mode="r")
        ends = np.cumsum(list(self.samples.values()))
        return dict(zip(self.samples, np.split(rows, ends[:-1]), strict=True))


def announce(volume: np.memmap, box: Box) -> None:
    """Tells the system that the voxels [..., *box] of a mapped volume are read next, where it can be told.

    Left to guess, it reads ahead around each row: of a CT several times what a patch needs, one row after the other.
    """
    mapped = volume.base
    if isinstance(mapped, mmap.mmap) and hasattr(mmap, "MADV_WILLNEED"):  # not on Windows
        for start, end in byte_ranges(volume, box):
            mapped.madvise(mmap.MADV_WILLNEED, start, end - start)


def byte_ranges(volume: np.memmap, box: Box) -> Iterator[tuple[int, int]]:
    """[start, end) in the mapped file of what holds the voxels [..., *box]: whole pages, one range a plane of x.

    Rows along z are short and lie next to each other; picking them one by one would not save a page.
    """
    x, y = (range(*axis.indices(size)) for axis, size in zip(box[:2], volume.shape[-3:-1], strict=True))
    *planes, row = volume.strides[:-1]
    starts = np.array([volume.offset + y.start * row])
    for indices, stride in zip((*map(range, volume.shape[:-3]), x), planes, strict=True):
        starts = np.add.outer(starts, np.array(indices) * stride).ravel()
    for start in starts.tolist():
        yield start - start % mmap.PAGESIZE, start + len(y) * row


@dataclass(frozen=True)
class Cache:
    """The cases of a data set under one set of preprocessing settings."""

    cases: Mapping[str, CachedCase]

    def case(self, name: str) -> CachedCase:
        """The case of that name; InputError if it was not cached."""
        if name not in self.cases:
            raise InputError(f"{name}: is not in the cache; name one of the {len(self.cases)} cases of the data set")
        return self.cases[name]


@dataclass(frozen=True)
class LabelSource:
    """What label files may hold."""

    labels: Mapping[int, str]
    ignored: tuple[int, ...]

    @property
    def names(self) -> dict[int, str]:
        """Of all values, those of ignored voxels included."""
        return dict(self.labels) | dict.fromkeys(self.ignored, IGNORED_NAME)


def build_cache(
    cases: Sequence[Case],
    config: PreprocessingConfig,
    labels: Collection[int],
    folder: Path,
    reporter: Reporter,
    ignored: Sequence[int] = (),
) -> Cache:
    """Preprocesses the labelled `cases` whose entry is missing, out of date or damaged, and opens all.

    Args:
        labels: values that label files may hold, 0 among them; with their names, where files name their segments.
        ignored: other values, of voxels that nobody annotated.

    Raises:
        InputError: a case cannot be used; it is named. So it is in a MemoryShortageError.
        StorageError: the disk is full.
    """
    names = dict(labels) if isinstance(labels, Mapping) else {value: f"label {value}" for value in labels}
    source = LabelSource(names, tuple(ignored))
    preprocessor = Preprocessor(config)
    cached = {}
    for done, case in enumerate(cases):
        reporter.progress("preprocess", done, len(cases))
        entry = Path(folder) / f"{case.name}-{_key(case, config, source)}"
        cached[case.name] = _open(case.name, entry) or _build(case, entry, preprocessor, source)
    reporter.progress("preprocess", len(cases), len(cases))
    return Cache(cached)


def _key(case: Case, config: PreprocessingConfig, source: LabelSource) -> str:
    """Hash of all that an entry depends on. Files count by name, size and time: reading them would take as long."""
    settings = {"format": FORMAT, "preprocessing": dataclasses.asdict(config), "values": sorted(source.labels)}
    if source.ignored:
        settings["ignored"] = source.ignored
    if case.label and segments_of(case.label):
        settings["names"] = sorted(source.labels.items())
    paths = [path for given in _files(case) for path in (sorted(given.iterdir()) if given.is_dir() else [given])]
    try:
        files = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in paths]
    except OSError as error:
        raise InputError(f"{error.filename}: cannot be read ({error.strerror}); check the path") from error
    text = json.dumps([settings, files], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:KEY_LENGTH]


def _files(case: Case) -> tuple[Path, ...]:
    if case.label is None:
        raise InputError(f"{case.name}: has no label; only labelled cases can be trained on")
    return (*case.images, case.label)


def _open(name: str, entry: Path) -> CachedCase | None:
    """The case in a finished entry; None if there is none or its arrays are not what `case.json` says."""
    try:
        description = read_json(entry / "case.json")
        samples = {int(index): count for index, count in description["samples"].items()}
        case = CachedCase(name, entry, Grid.from_mapping(description["grid"]), description["channels"], samples)
        found = case.image.shape, case.label.shape, sum(map(len, case.foreground.values()))
    except (InputError, OSError, ValueError, KeyError, TypeError, AttributeError, EOFError):  # damaged
        return None
    shape = case.grid.working_shape
    return case if found == ((case.channels, *shape), shape, sum(samples.values())) else None


def _build(case: Case, entry: Path, preprocessor: Preprocessor, source: LabelSource) -> CachedCase:
    """Preprocesses a case into its entry."""
    *images, label = _files(case)
    try:
        with memory_for(case.name, "preprocessed"):
            channels = read_channels(images)
            image, grid = preprocessor(channels)
            found = read_named_label(label, source.names, channels[0])
            classes = preprocessor.label(found, grid, list(source.labels), source.ignored).numpy()
    except InputError as error:
        raise InputError(f"{case.name}: {error}") from error
    samples = {index: voxels for index in range(1, len(source.labels)) if len(voxels := _some_voxels(classes == index))}
    counts = {index: len(voxels) for index, voxels in samples.items()}
    with writing(entry):
        (entry / "case.json").unlink(missing_ok=True)  # from here on the entry is unfinished
    _write_array(entry / "image.npy", image.numpy())
    _write_array(entry / "label.npy", classes)
    _write_array(entry / "foreground.npy", np.concatenate([np.empty((0, 3), np.int32), *samples.values()]))
    write_json(entry / "case.json", {"channels": len(image), "grid": grid.to_mapping(), "samples": counts})
    return CachedCase(case.name, entry, grid, len(image), counts)


def _write_array(path: Path, array: np.ndarray) -> None:
    """Like `np.save`, which leaves the writing to C and does not hear of a disk that is full at the last bytes."""
    array = np.ascontiguousarray(array)
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(array))
        file.write(array.data)


def _some_voxels(mask: np.ndarray) -> np.ndarray:
    """int32 [n, 3]: at most SAMPLES_PER_CLASS voxels of a mask, spread evenly over them."""
    voxels = np.flatnonzero(mask)
    chosen = voxels[np.linspace(0, len(voxels) - 1, min(len(voxels), SAMPLES_PER_CLASS)).astype(np.int64)]
    return np.stack(np.unravel_index(chosen, mask.shape), axis=1).astype(np.int32)
