"""What is odd about a case beside the others of its data set."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dints.data.cases import Case, Problem
from dints.data.facts import CaseFacts

AIR_BELOW = -500.0  # intensities that reach below it may be Hounsfield units: lung and air


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
