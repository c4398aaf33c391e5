"""Paired differences of two networks on the same cases, with an interval, and what they allow to say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from dints.errors import InputError

RESAMPLES = 10_000
CONFIDENCE = 0.95
SEED = 0
FEWEST_CASES = 5  # below, resampling cases says next to nothing


@dataclass(frozen=True)
class PairedDifference:
    """Mean over cases of one network's score minus another's, with its 95 % interval (percentile bootstrap)."""

    mean: float
    low: float
    high: float
    cases: int

    @property
    def verdict(self) -> str:
        """Better, worse, or not told apart: whether the interval leaves 0 out."""
        if self.cases < FEWEST_CASES or self.low <= 0 <= self.high:
            return "not told apart"
        return "better" if self.low > 0 else "worse"


def paired_difference(
    ours: Mapping[str, float], theirs: Mapping[str, float], confidence: float = CONFIDENCE
) -> PairedDifference:
    """Of scores by case. Cases that are undefined (NaN) for either are left out.

    The bootstrap resamples cases, and draws the same numbers each time.

    Args:
        confidence: of the interval; higher where several are looked at together.

    Raises:
        InputError: the scores are of different cases, or none is defined for both.
    """
    if ours.keys() != theirs.keys():
        case = min(ours.keys() ^ theirs.keys())
        raise InputError(f"{case}: is scored for one of the networks only; score the same cases for both")
    differences = np.array([ours[case] - theirs[case] for case in sorted(ours)])
    differences = differences[~np.isnan(differences)]
    if not len(differences):
        raise InputError("no case has a score of both networks; nothing can be compared")
    generator = np.random.default_rng(SEED)
    means = generator.choice(differences, (RESAMPLES, len(differences))).mean(1)
    tail = 100 * (1 - confidence) / 2
    low, high = np.percentile(means, (tail, 100 - tail))
    return PairedDifference(float(differences.mean()), float(low), float(high), len(differences))
