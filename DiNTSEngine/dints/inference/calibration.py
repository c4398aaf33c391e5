"""Dice of a scan without a reference: a line through the expected and the true Dice of a cross-validation."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from dints.errors import InputError, brief

FEWEST_CASES = 8  # of fewer, the error says little
SMALLEST_SPREAD = 1e-6  # of expected Dice; below, a line through them has no slope


@dataclass(frozen=True)
class Calibration:
    """Dice = intercept + slope * expected Dice, and how far that is off on scans that the networks had not seen."""

    slope: float
    intercept: float
    error: float  # mean absolute error; each case was predicted from all others
    cases: int

    @staticmethod
    def fit(expected: Sequence[float], dice: Sequence[float]) -> Calibration | None:
        """Least squares over cases; None if there are too few of them.

        Args:
            expected: `Confidence.expected_dice` of each case, by a network that did not see it.
            dice: mean over its labels, against its reference.
        """
        x, y = np.array(expected, float), np.array(dice, float)
        if len(x) < FEWEST_CASES:
            return None
        slope, intercept = _line(x, y)
        others = [_line(np.delete(x, index), np.delete(y, index)) for index in range(len(x))]
        left_out = [_value(*line, own) for line, own in zip(others, x, strict=True)]
        return Calibration(slope, intercept, float(np.abs(np.array(left_out) - y).mean()), len(x))

    def predicted(self, expected: float) -> float:
        """Dice, 0..1, of a scan with this expected Dice."""
        return _value(self.slope, self.intercept, expected)

    def to_mapping(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    @staticmethod
    def from_mapping(values: Mapping[str, Any] | None, source: str) -> Calibration | None:
        """None of None; InputError if it is something else than `to_mapping` gives."""
        if values is None:
            return None
        try:
            slope, intercept, error = (float(values[name]) for name in ("slope", "intercept", "error"))
            if not all(map(math.isfinite, (slope, intercept, error))):
                raise ValueError("it is not finite")
            return Calibration(slope, intercept, error, int(values["cases"]))
        except (KeyError, TypeError, ValueError, OverflowError) as error_found:
            reason = brief(error_found)
            raise InputError(
                f"{source}: the calibration is damaged ({reason}); export the model again"
            ) from error_found


def _line(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Slope and intercept; a slope below zero is none, as more doubt never means a better result."""
    spread = x - x.mean()
    if np.abs(spread).max() < SMALLEST_SPREAD:
        return 0.0, float(y.mean())
    slope = max(0.0, float((spread * (y - y.mean())).sum() / (spread**2).sum()))
    return slope, float(y.mean() - slope * x.mean())


def _value(slope: float, intercept: float, expected: float) -> float:
    return min(1.0, max(0.0, intercept + slope * expected))
