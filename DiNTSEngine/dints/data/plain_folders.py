"""Cases in plain folders: images and labels matched by name."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from pathlib import Path

from dints.data.cases import Case, Listing, Problem, label_name, unique_cases, without_channel
from dints.data.formats import image_name, is_dicom, is_image
from dints.errors import InputError

# training images, their labels, images without labels; the first line whose images exist is taken
FOLDERS = (("imagesTr", "labelsTr", "imagesTs"), ("images", "labels", "imagesTs"))


def plain_cases(folder: Path) -> Listing:
    """Cases of `images/` and `labels/` (or `imagesTr/` and `labelsTr/`), and those of `imagesTs/` without labels.

    An image is a file or a DICOM folder. Its label has the same name; the file formats may differ. Where names match
    only without _0000, _0001, ..., these number the channels.
    """
    names = next((names for names in FOLDERS if (folder / names[0]).is_dir()), None)
    if names is None:
        raise InputError(f"{folder}: has neither dataset.json nor images/ and labels/; arrange the data set so")
    images, tests = (_images_in(folder / name, with_folders=True) for name in (names[0], names[2]))
    labels = _images_in(folder / names[1], with_folders=False)
    label_of = {_letters(label_name(path)): path for path in reversed(labels)}
    numbered = _has_numbered_channels(images, set(label_of))
    cases = [Case(name, paths, label_of.get(_letters(name))) for name, paths in _by_name(images, numbered)]
    unlabelled = [case for case in cases if case.label is None]
    known = {_letters(case.name) for case in cases}
    problems = _unmatched(unlabelled, [path for path in labels if _letters(label_name(path)) not in known])
    problems += _repeated_labels(labels, label_of) + _loose_dicom(folder / names[0])
    test_cases = [Case(name, paths) for name, paths in _by_name(tests, numbered)]
    return unique_cases([case for case in cases if case.label], unlabelled + test_cases, problems)


def image_cases(folder: Path, channels: int, without: Path | None = None) -> list[Case]:
    """The images of one folder as cases without labels; _0000, _0001, ... number channels where there are several.

    `without` is a folder that is none of the images, though it may lie among them, or in a folder among them: that of
    the results.
    """
    images = _images_in(folder, with_folders=True)
    if without is not None:
        own = without.resolve()
        images = [path for path in images if not path.is_dir() or not _holds(path.resolve(), own)]
    return [Case(name, paths) for name, paths in _by_name(images, channels > 1)]


def _holds(folder: Path, results: Path) -> bool:
    """Whether a folder is that of the results, or is there for it alone: a DICOM series has files."""
    return folder == results or (results.is_relative_to(folder) and not any(map(Path.is_file, folder.iterdir())))


def _images_in(folder: Path, with_folders: bool) -> list[Path]:
    """Image files (and folders, each a DICOM series) in order of their names, without hidden ones."""
    if not folder.is_dir():
        return []
    visible = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    return [path for path in visible if (with_folders if path.is_dir() else is_image(path))]


def _name(path: Path) -> str:
    return path.name if path.is_dir() else image_name(path)


def _letters(name: str) -> str:
    """Names that look alike as one: macOS writes an accent apart from its letter, and archives keep that."""
    return unicodedata.normalize("NFC", name)


def _has_numbered_channels(images: Sequence[Path], labels: set[str]) -> bool:
    """Whether _0000 numbers a channel and not a case: some label has the name without it, and none has it with it."""
    names = {_letters(_name(path)) for path in images}
    return not names & labels and any(without_channel(name) in labels for name in names)


def _by_name(images: Sequence[Path], numbered: bool) -> list[tuple[str, tuple[Path, ...]]]:
    """(case name, its files). Without numbered channels every file is a case, also where names repeat."""
    if not numbered:
        return [(_name(path), (path,)) for path in images]
    groups: dict[str, list[Path]] = {}
    for path in images:
        groups.setdefault(without_channel(_name(path)), []).append(path)
    return [(name, tuple(paths)) for name, paths in groups.items()]


def _unmatched(cases: Sequence[Case], labels: Sequence[Path]) -> list[Problem]:
    """Images without label (they are kept as unlabelled) and labels without image."""
    reason, remedy = "has no label of the same name", "add the label to train with it"
    return [
        *(Problem(str(case.images[0]), reason, remedy, "warning", case.name) for case in cases),
        *(Problem(str(path), "has no image of the same name", "add the image or remove the label") for path in labels),
    ]


def _loose_dicom(folder: Path) -> list[Problem]:
    """Slices directly among the images, which nobody could tell apart."""
    loose = sorted(path for path in folder.iterdir() if not is_image(path) and is_dicom(path))
    if not loose:
        return []
    reason = f"is one of {len(loose)} DICOM files beside the images, which are passed over"
    return [Problem(str(loose[0]), reason, "put the slices of each series into a folder of their own", "warning")]


def _repeated_labels(labels: Sequence[Path], label_of: dict[str, Path]) -> list[Problem]:
    problems = []
    for path in labels:
        name = label_name(path)
        if (first := label_of[_letters(name)]) != path:
            reason = f"is a second label of the case, beside {first.name}"
            problems.append(Problem(str(path), reason, "remove one", case=name))
    return problems
