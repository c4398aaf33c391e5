"""What is odd about the label values of a data set as a whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from dints.config.sections import MOST_LABELS
from dints.data.cases import Problem
from dints.data.datalist import DataList
from dints.data.facts import CaseFacts
from dints.data.segments import UNNAMED


def value_problems(datalist: DataList, facts: Sequence[CaseFacts], is_damaged: bool) -> list[Problem]:
    """All that is found here.

    Args:
        facts: of the cases that could be read.
        is_damaged: whether there are others.
    """
    return [
        *_too_many(datalist),
        *([] if is_damaged else _nothing_labelled(datalist, facts)),
        *_absent(datalist, facts),
        *_one_structure(datalist, facts),
    ]


def _too_many(datalist: DataList) -> list[Problem]:
    """Values that nothing declares, as those of images would be."""
    if len(datalist.labels) <= MOST_LABELS:
        return []
    reason = f"its labels have {len(datalist.labels)} values, and {MOST_LABELS} are the most; some may be images"
    return [Problem(str(datalist.folder), reason, "give label files in their place, or leave some out")]


def _nothing_labelled(datalist: DataList, facts: Sequence[CaseFacts]) -> list[Problem]:
    """That no label holds anything, where all that were listed could be read."""
    names = {case.name for case in datalist.cases}
    read = [case for case in facts if case.name in names]
    if not read or any(case.label_volumes for case in read):
        return []
    reason = f"none of its {len(read)} labels holds anything but background: there is nothing to learn"
    return [Problem(str(datalist.folder), reason, "check the export of the labels, and their values")]


def _absent(datalist: DataList, facts: Sequence[CaseFacts]) -> list[Problem]:
    """Declared labels that no case holds."""
    present = {value for case in facts for value in case.label_volumes}
    return [
        Problem(str(datalist.folder), f"no case holds label {value} ({name})", "correct the declared labels", "warning")
        for value, name in datalist.labels.items()
        if value != 0 and value not in present and datalist.cases
    ]


def _one_structure(datalist: DataList, facts: Sequence[CaseFacts]) -> list[Problem]:
    """Cases that hold one value each, though not the same, and no names: masks of 0 and 1 beside masks of 0 and 255."""
    labels = {case.name: case.label for case in datalist.cases}
    held = {own.name: list(own.label_volumes) for own in facts if own.name in labels and own.label_volumes}
    singles = Counter(values[0] for values in held.values())
    named = any(value and not UNNAMED.fullmatch(name) for value, name in datalist.labels.items())
    if named or len(singles) < 2 or any(len(values) > 1 for values in held.values()):
        return []
    usual = singles.most_common(1)[0][0]
    remedy = "give it the same value in all files if it is the same structure"
    return [
        Problem(str(labels[name]), f"holds {value} alone, where others hold {usual} alone", remedy, "warning", name)
        for name, (value,) in held.items()
        if value != usual
    ]
