"""What a data set holds: its cases, channels and labels, from the decathlon's `dataset.json` or from plain folders."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dints.config import TaskConfig
from dints.config.ignored import IGNORED_NAME, says_ignored, without_ignored
from dints.data.cases import Case, Problem
from dints.data.dataset_json import listed_cases
from dints.data.images import read_channels
from dints.data.plain_folders import plain_cases
from dints.data.segments import folded, found_labels
from dints.errors import InputError, brief
from dints.files.storage import read_json
from dints.files.untrusted.yaml_text import parse_yaml

__all__ = ["Case", "DataList", "Problem", "data_folds", "parse_labels", "read_datalist"]

logger = logging.getLogger(__name__)

DESCRIPTION = "dataset.json"
LABEL_FILES = ("labels.yaml", "labels.yml", "labels.json")
LONGEST_NUMBER = 20  # digits of a label value
CT_CHANNEL = re.compile(r"(?<![a-z])ct(?![a-z])|computed tomography", re.IGNORECASE)
OTHER_CHANNEL = re.compile(  # what often lies beside CT
    r"(?<![a-z])(pet|suv|spect|dose|distance|dist|sdf|mask|probability|label)(?![a-z])", re.IGNORECASE
)
MR_CHANNEL = re.compile(r"(?<![a-z])(mri?|t1|t2|flair|adc|dwi)", re.IGNORECASE)


@dataclass(frozen=True)
class DataList:
    """The cases of a data set, sorted by name; names are unique. `problems` were found while listing them."""

    folder: Path
    name: str
    modality: str | None  # "CT", "MR", or None where nothing tells
    channels: tuple[str, ...]
    labels: dict[int, str]  # value in the file: name; 0 is the background
    cases: tuple[Case, ...]  # with a label
    unlabelled: tuple[Case, ...] = ()
    problems: tuple[Problem, ...] = ()
    folds: tuple[tuple[str, ...], ...] = ()  # names that each fold is validated on, where the list says so
    dealt: tuple[str, ...] = ()  # names in the order in which folds get them; a hash gives it where the list does not
    held_out: tuple[str, ...] = ()  # names of labelled cases that no network may learn from
    ignored: tuple[int, ...] = ()  # values of voxels that nobody annotated; they are no label
    named: bool = True  # by a description or a configuration; else the name is that of the folder

    @property
    def files(self) -> list[Path]:
        """All that is read of it: descriptions that may lie in its folder, and the images and labels of its cases."""
        descriptions = [self.folder / name for name in (DESCRIPTION, *LABEL_FILES)]
        cases = [*self.cases, *self.unlabelled]
        images = [path for case in cases for path in case.images]
        return [*descriptions, *images, *(case.label for case in cases if case.label)]

    @property
    def values(self) -> dict[int, str]:
        """Names of all values that label files may hold, those of ignored voxels included."""
        return self.labels | dict.fromkeys(self.ignored, IGNORED_NAME)


def read_datalist(folder: str | Path, task: TaskConfig | None = None) -> DataList:
    """Lists a data set. Voxels are read only to find label values and channels that nothing declares.

    `folder` holds a `dataset.json` (or is that file), or images and labels in folders, see `plain_folders`. What `task`
    says about name, modality, channels and labels wins over what the data set says; where that is something else, there
    is a warning among the `problems`. So is what is wrong with single cases, or `dints.data.check` finds it. InputError
    where the list itself cannot be used.
    """
    folder = Path(folder)
    description = folder if folder.is_file() else folder / DESCRIPTION
    folder = description.parent
    if not folder.is_dir():
        raise InputError(f"{folder}: is not a folder; give the folder of the data set")
    declared = read_json(description) if description.is_file() else {}
    if not isinstance(declared, Mapping):
        raise InputError(f"{description}: must hold an object with a list 'training'; see the decathlon's format")
    listing = listed_cases(description, declared) if "training" in declared else plain_cases(folder)
    cases = listing.labelled + listing.unlabelled
    if not cases:
        raise InputError(f"{folder}: holds no images; add them to images/ and labels/ or list them in dataset.json")
    channels = task.channels if task else _declared_channels(description, declared)
    if task:
        labels, ignored = dict(task.labels), task.ignored
    else:
        labels, ignored = without_ignored(_labels(folder, description, declared, listing.labelled))
    return DataList(
        folder=folder,
        name=task.name if task else str(declared.get("name") or folder.resolve().name),
        modality=task.modality if task else _modality(channels),
        channels=channels or _found_channels(cases[0]),
        labels=labels,
        cases=listing.labelled,
        unlabelled=listing.unlabelled,
        problems=(*listing.problems, *(_other_task(description, declared, task) if task else ())),
        folds=listing.folds,
        dealt=listing.dealt,
        held_out=listing.held_out,
        ignored=ignored,
        named=bool(task or declared.get("name")),
    )


def dealing_order(names: Iterable[str], seed: int = 0) -> tuple[str, ...]:
    """By a hash of seed and name, so that it is the same on every machine and for every order of the input."""
    return tuple(sorted(set(names), key=lambda name: _hash(f"{seed}/{name}")))


def data_folds(
    names: Iterable[str], folds: int, seed: int = 0, dealt: Sequence[str] = ()
) -> tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]:
    """(training names, validation names) of each fold; every name is validated in exactly one.

    InputError if there are fewer names than folds.

    Args:
        dealt: the names in the order in which folds get them, if that is not their `dealing_order`.
    """
    wanted = set(names)
    ordered = list(dict.fromkeys([*(name for name in dealt if name in wanted), *dealing_order(wanted, seed)]))
    if not 2 <= folds <= len(ordered):
        raise InputError(f"{len(ordered)} cases cannot be split into {folds} folds; add cases, or use 2 folds or more")
    held_out = [set(ordered[fold::folds]) for fold in range(folds)]
    return tuple((tuple(sorted(set(ordered) - fold)), tuple(sorted(fold))) for fold in held_out)


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode(errors="surrogatepass")).digest()  # names of files need not be valid text


def parse_labels(values: Any, source: str | Path) -> dict[int, str]:
    """{value: name} sorted by value, from {value: name} or {name: value}; a background that is missing is added."""
    if not isinstance(values, Mapping) or not values:
        raise InputError(f'{source}: labels must be a mapping such as {{"0": "background", "1": "liver"}}; correct it')
    labels: dict[int, str] = {}
    for key, item in values.items():
        value, name = (key, item) if _is_whole(key) else (item, key)
        if isinstance(value, list) and len(value) == 1:  # a region of one value is a label
            value = value[0]
        if isinstance(value, list | tuple):
            raise InputError(
                f"{source}: label {brief(key)} is a region of several values, {brief(list(value))}; regions that "
                'overlap are not supported: name each value of the label files once, as {"oedema": 1, "core": 2}, and '
                "add them up after the segmentation"
            )
        if not _is_whole(value):
            raise InputError(
                f"{source}: label {brief(key)}: {brief(item)} has no whole number; give one value and one name"
            )
        if not isinstance(name, str | int | float) or isinstance(name, bool) or not str(name).strip():
            raise InputError(f"{source}: label value {value} has the name {brief(name)}; give it a text")
        if int(value) in labels:
            raise InputError(f"{source}: label value {value} is declared twice; give every label its own value")
        labels[int(value)] = name if isinstance(name, str) else brief(name)
    labels.setdefault(0, "background")
    return dict(sorted(labels.items()))


def _is_whole(value: Any) -> bool:
    """Whether this is a label value, also as a text."""
    text = brief(value) if isinstance(value, int) else value
    return isinstance(text, str) and text.isdecimal() and len(text) <= LONGEST_NUMBER


def _declared_channels(description: Path, declared: Mapping[str, Any]) -> tuple[str, ...]:
    """Channel names in order, from "modality" or its newer name "channel_names": {"0": name, ...} or a list."""
    named = declared.get("modality") or declared.get("channel_names") or ()
    if isinstance(named, str):
        return (named,)
    if isinstance(named, Mapping):
        if not all(map(_is_whole, named)):
            raise InputError(
                f'{description}: "modality" must number its channels, as {{"0": "CT"}}, not {brief(named)}; correct it'
            )
        return tuple(str(named[key]) for key in sorted(named, key=int))
    if not isinstance(named, Sequence):
        raise InputError(
            f'{description}: "modality" must be a mapping such as {{"0": "CT"}}, not {brief(named)}; correct it'
        )
    return tuple(str(name) for name in named)


def kind_of_channel(name: str) -> str | None:
    """What the name of a channel tells: "CT", "MR", "other" for what is neither; nothing where it tells two or none."""
    kinds = (("CT", CT_CHANNEL), ("MR", MR_CHANNEL), ("other", OTHER_CHANNEL))
    told = [kind for kind, pattern in kinds if pattern.search(name)]
    return told[0] if len(told) == 1 else None


def _modality(channels: Sequence[str]) -> str | None:
    """What the channels' names tell: "CT" where one is, "MR" or nothing."""
    kinds = [kind_of_channel(name) for name in channels]
    return next((kind for kind in ("CT", "MR") if kind in kinds), None)


def _labels(folder: Path, description: Path, declared: Mapping[str, Any], cases: Sequence[Case]) -> dict[int, str]:
    """As they are declared, else as label files name them, or after their values."""
    found = _declared_labels(folder, description, declared)
    return found or found_labels(case.label for case in cases if case.label)


def _declared_labels(folder: Path, description: Path, declared: Mapping[str, Any]) -> dict[int, str]:
    """From dataset.json, labels.yaml or labels.json; {} where none says any. InputError if two say different things."""
    labels = {description: parse_labels(declared["labels"], description)} if declared.get("labels") else {}
    for path in (folder / name for name in LABEL_FILES):
        if path.is_file():
            try:
                labels[path] = parse_labels(_read_yaml(path), path)
            except InputError:
                if description not in labels:  # else it may be another program's file of that name
                    raise
    first = next(iter(labels), description)
    for path, own in labels.items():
        if own != labels[first]:
            raise InputError(f"{path}: names other labels than {first.name}; remove it, or correct either")
    return labels.get(first, {})


def _other_task(description: Path, declared: Mapping[str, Any], task: TaskConfig) -> Iterator[Problem]:
    """What a data set says otherwise than the settings, which are taken: they may be for other data."""
    folder, remedy = description.parent, "make sure that the settings are for these data"
    try:
        labels = _declared_labels(folder, description, declared)
        kind = _modality(_declared_channels(description, declared))
    except InputError:  # of which nothing is taken
        return
    for value, name in labels.items():
        wanted = task.values.get(value, name)
        if value and folded(name) != folded(wanted) and not says_ignored(name):
            reason = f"calls value {value} {brief(name)}, and the settings call it {brief(wanted)}"
            yield Problem(str(folder), reason, remedy, "warning")
    if kind and kind != task.modality:
        yield Problem(str(folder), f"has images of {kind}, and the settings are for {task.modality}", remedy, "warning")


def _read_yaml(path: Path) -> Any:
    """A YAML or JSON file (the second is a subset of the first)."""
    try:
        return parse_yaml(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({error}); correct the file") from error


def _found_channels(case: Case) -> tuple[str, ...]:
    """ "channel 0" and so on, as many as a case has. A file that cannot be read counts as one; the check reports it."""
    try:
        count = len(read_channels(case.images))
    except InputError as error:
        logger.debug("channels not counted: %s", error)
        count = len(case.images)
    return tuple(f"channel {index}" for index in range(count)) if count > 1 else ("image",)
