"""Two data sets as one: new cases, and those of a run before."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import replace

from dints.data.cases import Case
from dints.data.datalist import DataList

PREFIX = "old-"  # of the names of cases from before: both sets may number theirs


def old_name(name: str) -> str:
    """What a case from before is called beside the new ones."""
    return f"{PREFIX}{name}"


def is_old(name: str) -> bool:
    """Whether a case beside new ones is from before."""
    return name.startswith(PREFIX)


def joined(new: DataList, old: Sequence[Case], held_out: Collection[str]) -> DataList:
    """`new` with the cases of before; `held_out` are those among them that no network has learned from.

    A case that has the files of one of before is that one: as two they would be learned from and validated on at once.
    Where the new list has folds of its own, they no longer count: cases of before keep theirs.
    """
    before = {_files(case) for case in old}
    again = {case.name for case in new.cases if _files(case) in before}
    added = [case for case in new.cases if case.name not in again]
    renamed = [replace(case, name=old_name(case.name)) for case in old]
    cases = tuple(sorted((*added, *renamed), key=lambda case: case.name))
    names = tuple(sorted({*new.held_out} - again | {*map(old_name, held_out)}))
    return replace(new, cases=cases, held_out=names, folds=())


def _files(case: Case) -> tuple[str, ...]:
    return tuple(os.path.realpath(path) for path in (*case.images, case.label) if path is not None)
