"""What a data set is listed as: cases, and problems found on the way."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dints.data.formats import image_name

CHANNEL_SUFFIX = re.compile(r"(.+)_(\d{4})")  # case_0000, case_0001, ...: one file a channel


@dataclass(frozen=True)
class Case:
    """One subject: a file or DICOM folder for each channel (or one file with all channels), and its label."""

    name: str
    images: tuple[Path, ...]
    label: Path | None = None


@dataclass(frozen=True)
class Problem:
    """Something wrong with a data set. An "error" prevents training, a "warning" does not.

    `case` is the name of the case that the file belongs to, None where it belongs to no single one.
    """

    file: str
    reason: str
    remedy: str
    severity: str = "error"
    case: str | None = None

    def __str__(self) -> str:
        return f"{self.file}: {self.reason}; {self.remedy}"


@dataclass(frozen=True)
class Listing:
    """Cases with and without labels, and what was wrong while listing them."""

    labelled: tuple[Case, ...]
    unlabelled: tuple[Case, ...]
    problems: tuple[Problem, ...] = ()
    folds: tuple[tuple[str, ...], ...] = ()  # names that each fold is validated on, where the list says so
    held_out: tuple[str, ...] = ()  # names of labelled cases that no network may learn from
    dealt: tuple[str, ...] = ()  # names in the order in which folds get them, where the list says so


def label_name(path: Path) -> str:
    """Name of a label file without suffix; Slicer's segmentations end in .seg.nrrd."""
    return image_name(path).removesuffix(".seg")


def without_channel(name: str) -> str:
    """`name` without _0000, _0001, ... at its end."""
    match = CHANNEL_SUFFIX.fullmatch(name)
    return match[1] if match else name


def misnumbered(cases: Sequence[Case]) -> dict[str, str]:
    """What is wrong with the channels of cases that have as many as others, under other numbers; by the case's name.

    One that is missing would go unnoticed, and another one be taken for it.
    """
    matches = {case.name: [CHANNEL_SUFFIX.fullmatch(image_name(path)) for path in case.images] for case in cases}
    numbers = {
        name: tuple(match[2] for match in own if match)
        for name, own in matches.items()
        if len(own) > 1 and all(own) and len({match[1] for match in own if match}) == 1  # else it is no channel's
    }
    found: dict[str, str] = {}
    for count in {len(own) for own in numbers.values()}:
        alike = {name: own for name, own in numbers.items() if len(own) == count}
        usual = Counter(alike.values()).most_common(1)[0][0]
        words = f"where others have {' '.join(usual)}"
        found |= {name: f"has channels {' '.join(own)}, {words}" for name, own in alike.items() if own != usual}
    return found


def unique_cases(labelled: Sequence[Case], unlabelled: Sequence[Case], problems: Sequence[Problem] = ()) -> Listing:
    """Sorts by name and keeps the first case of every name: caches and results are filed by name."""
    taken: dict[str, Case] = {}
    kept: tuple[list[Case], list[Case]] = ([], [])
    found = list(problems)
    for cases, unique in zip((labelled, unlabelled), kept, strict=True):
        for case in sorted(cases, key=lambda case: (case.name, case.images)):
            if case.name in taken:
                reason = f"has the same case name {case.name!r} as {taken[case.name].images[0]}"
                found.append(Problem(str(case.images[0]), reason, "rename or remove one of them", case=case.name))
            else:
                taken[case.name] = case
                unique.append(case)
    return Listing(tuple(kept[0]), tuple(kept[1]), tuple(found))
