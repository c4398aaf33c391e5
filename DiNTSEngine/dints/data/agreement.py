"""What is odd about a case beside the others of its data set."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np

from dints.data.cases import Case, Problem, misnumbered
from dints.data.facts import CaseFacts
from dints.data.outputs import file_identity

UNLIKE_VOXELS = 8  # times as long or short as others' voxels: slices that are thick and wide stay below, cm do not
AIR_BELOW = -500.0  # intensities that reach below it may be Hounsfield units: lung and air


def problems_among(cases: Sequence[Case], facts: Sequence[CaseFacts]) -> list[Problem]:
    """All that is found here."""
    return [
        *_other_channels(cases),
        *_shared_labels(cases),
        *_copies(cases, facts),
        *_other_units(cases, facts),
        *offset_problems(cases, facts),
    ]


def _other_channels(cases: Sequence[Case]) -> list[Problem]:
    file_of = {case.name: case.images[0] for case in cases}
    remedy = "add the missing channel, or number the files alike"
    return [Problem(str(file_of[name]), reason, remedy, case=name) for name, reason in misnumbered(cases).items()]


def _shared_labels(cases: Sequence[Case]) -> list[Problem]:
    """Cases whose label is another case's, too."""
    first: dict[object, str] = {}
    problems = []
    for case in cases:
        if case.label is not None and (other := first.setdefault(file_identity(case.label), case.name)) != case.name:
            reason, remedy = f"is the label of {other}, too", "correct the list of cases"
            problems.append(Problem(str(case.label), reason, remedy, "warning", case.name))
    return problems


def _copies(cases: Sequence[Case], facts: Sequence[CaseFacts]) -> list[Problem]:
    """Cases with the image of another one, by its size and intensities: folds would share what it shows."""
    file_of = {case.name: case.images[0] for case in cases}
    first: dict[Hashable, str] = {}
    problems = []
    for own in facts:
        measured = tuple((one.lowest, one.highest, one.percentiles) for one in own.channels)
        is_constant = all(lowest == highest for lowest, highest, _ in measured)
        if not is_constant and (other := first.setdefault((own.size, own.spacing, measured), own.name)) != own.name:
            reason = f"has the size and the intensities of {other}, whose copy it may be"
            remedy = "remove one of them: a network that learned from one would be validated on the other"
            problems.append(Problem(str(file_of[own.name]), reason, remedy, "warning", own.name))
    return problems


def _other_units(cases: Sequence[Case], facts: Sequence[CaseFacts]) -> list[Problem]:
    """Cases whose voxels are so much longer or shorter than those of most that their sizes may be in another unit."""
    file_of = {case.name: case.images[0] for case in cases}
    lengths = {own.name: float(np.prod(own.spacing)) ** (1 / 3) for own in facts}
    usual = float(np.median(list(lengths.values()))) if lengths else 1.0
    problems = []
    for name, length in lengths.items():
        if not 1 / UNLIKE_VOXELS < length / usual < UNLIKE_VOXELS:
            reason = f"has voxels of {length:.3g} mm, on average along the axes, where most others have {usual:.3g} mm"
            remedy = "correct the spacing in the file if it is in another unit"
            problems.append(Problem(str(file_of[name]), reason, remedy, "warning", name))
    return problems


def offset_problems(cases: Sequence[Case], facts: Sequence[CaseFacts]) -> list[Problem]:
    """Cases without any negative value where most others hold Hounsfield units: stored with an offset, often 1024."""
    file_of = {case.name: case.images for case in cases}
    problems = []
    for channel in range(min((len(own.channels) for own in facts), default=0)):
        if np.median([own.channels[channel].lowest for own in facts]) >= AIR_BELOW:
            continue
        for own in facts:
            lowest, images = own.channels[channel].lowest, file_of[own.name]
            if lowest >= 0:
                reason = f"begins at {lowest:g}, where most others reach below {AIR_BELOW:g}, as Hounsfield units do"
                remedy = "subtract the offset if it has one, often 1024"
                file = images[channel] if channel < len(images) else images[0]
                problems.append(Problem(str(file), reason, remedy, "warning", own.name))
    return problems
