"""Times in words."""

from __future__ import annotations

SECONDS_A_MINUTE, SECONDS_AN_HOUR, SECONDS_A_DAY = 60, 3600, 86400


def duration(seconds: float) -> str:
    """A time as precise as it is worth: "40 s", "25 min", "3.5 h", "12 days"."""
    if seconds < 2 * SECONDS_A_MINUTE:
        return f"{seconds:.0f} s"
    if seconds < 2 * SECONDS_AN_HOUR:
        return f"{seconds / SECONDS_A_MINUTE:.0f} min"
    if seconds < 2 * SECONDS_A_DAY:
        return f"{seconds / SECONDS_AN_HOUR:.1f} h"
    return f"{seconds / SECONDS_A_DAY:.0f} days"
