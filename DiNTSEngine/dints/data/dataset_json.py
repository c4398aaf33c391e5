"""Cases that a `dataset.json` in the decathlon's format lists."""

from __future__ import annotations

import ntpath
import os
import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from dints.data.cases import Case, Listing, label_name, unique_cases, without_channel
from dints.data.formats import image_name
from dints.errors import InputError, brief

OTHER_LISTS = ("validation", "test", "testing")


def listed_cases(description: Path, declared: Mapping[str, Any]) -> Listing:
    """Cases of the lists "training" and "test". Counts such as numTraining are not read: they are often wrong.

    Of Auto3DSeg's data lists, "fold" of an entry says which fold is validated on it; the labelled cases of "validation"
    and "testing" are held out of search and training. "dealt" is the place of a case among those that folds get one
    after the other: with it names that stand for others (`dints.remote.runs.parcel`) give the folds of those.
    """
    training = _entries(description, declared, "training")
    labelled = [_case(description, entry, "training") for entry in training]
    others = [_case(description, entry, key) for key in OTHER_LISTS for entry in _entries(description, declared, key)]
    held_out = [case for case in others if case.label]
    known = {case.images for case in (*labelled, *held_out)}  # listed again without its label, a case is nothing new
    unlabelled = [case for case in others if not case.label and case.images not in known]
    listing = unique_cases([*labelled, *held_out], unlabelled)
    names = [case.name for case in labelled]
    folds, dealt = _folds(description, training, names), _dealt(training, names)
    return replace(listing, folds=folds, held_out=tuple(sorted(case.name for case in held_out)), dealt=dealt)


def _dealt(entries: Sequence[Any], names: Sequence[str]) -> tuple[str, ...]:
    """Names by the place that their entries name; nothing unless all do."""
    places = [entry.get("dealt") if isinstance(entry, Mapping) else None for entry in entries]
    if any(type(place) is not int for place in places):
        return ()
    return tuple(name for _, name in sorted(zip(places, names, strict=True)))


def _folds(description: Path, entries: Sequence[Any], names: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Names by the fold that their entries name; nothing if none does. InputError if only some do."""
    numbers = [entry.get("fold") if isinstance(entry, Mapping) else None for entry in entries]
    if all(number is None for number in numbers):
        return ()
    found: dict[int, list[str]] = {}
    for name, number in zip(names, numbers, strict=True):
        if type(number) is not int or number < 0:
            reason = f"fold {brief(number)} of {name} is no number from 0"
            raise InputError(f'{description}: {reason}; give every entry of "training" a fold, or none')
        found.setdefault(number, []).append(name)
    if sorted(found) != list(range(len(found))) or len(found) < 2:
        numbers_found = ", ".join(map(str, sorted(found)))
        raise InputError(f"{description}: has folds {numbers_found}; number at least two of them from 0 on")
    return tuple(tuple(sorted(found[number])) for number in range(len(found)))


def _entries(description: Path, declared: Mapping[str, Any], key: str) -> list[Any]:
    entries = declared.get(key) or []
    if not isinstance(entries, list):
        raise InputError(f"{description}: {key!r} must be a list of cases, not {brief(entries)}; correct it")
    return [entry for entry in entries if not _is_hidden(entry)]


def _is_hidden(entry: Any) -> bool:
    """Whether an entry names a hidden file, such as the "._case.nii.gz" in archives made on macOS."""
    image = entry.get("image") if isinstance(entry, Mapping) else entry
    return isinstance(image, str) and ntpath.basename(image).startswith(".")


def _case(description: Path, entry: Any, key: str) -> Case:
    """One entry: {"image": file or list of files, "label": file}; in "test" also a file name alone."""
    fields = entry if isinstance(entry, Mapping) else {"image": entry}
    images = fields.get("image")
    images = [images] if isinstance(images, str) else images
    label = None if key == "test" else fields.get("label")
    strings = images if isinstance(images, list) else []
    named = strings and all(isinstance(image, str) for image in strings)
    if not named or (key == "training" and not isinstance(label, str)):
        wanted = '{"image": "...", "label": "..."}' if key == "training" else 'a file name or {"image": "..."}'
        raise InputError(f"{description}: {brief(entry)} in {key!r} is not a case; write {wanted}")
    paths = [_inside(description, image) for image in strings]
    if len(paths) == 1:
        paths = _channel_files(paths[0])
    label_path = _inside(description, label) if label else None
    return Case(_name(paths, label_path), tuple(paths), label_path)


def _inside(description: Path, entry: str) -> Path:
    """Path of an entry. A description from a stranger may not point out of its folder; links that the user made may."""
    relative = posixpath.normpath(entry.replace("\\", "/"))
    if os.path.isabs(entry) and Path(os.path.normpath(entry)).is_relative_to(description.parent.absolute()):
        return Path(os.path.normpath(entry))
    if not entry or posixpath.isabs(relative) or ntpath.splitdrive(relative)[0] or relative.split("/")[0] == "..":
        raise InputError(f"{description}: {brief(entry)} lies outside the data set's folder; move the file into it")
    return description.parent / relative


def _channel_files(path: Path) -> list[Path]:
    """`path`, or the files path_0000, path_0001, ... that stand in its place where a list names cases only."""
    if path.exists() or not path.parent.is_dir():
        return [path]
    name = image_name(path)
    suffix = path.name.removeprefix(name)
    siblings = (path.parent / entry for entry in sorted(os.listdir(path.parent)) if entry.endswith(suffix))
    return [sibling for sibling in siblings if without_channel(image_name(sibling)) == name] or [path]


def _name(images: Sequence[Path], label: Path | None) -> str:
    """The image's name without its channel; that of the label where several images have no common one."""
    name, stripped = image_name(images[0]), without_channel(image_name(images[0]))
    if len(images) == 1:
        return stripped if label and label_name(label) == stripped else name
    return label_name(label) if label else stripped
