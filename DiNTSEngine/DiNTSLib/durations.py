"""Times in words."""

from __future__ import annotations

from slicer.i18n import tr as _

SECONDS_IN_MINUTE = 60


def duration(seconds: float) -> str:
    """A time as precise as it is worth."""
    if seconds < SECONDS_IN_MINUTE:
        return _("{seconds} s").format(seconds=max(1, round(seconds)))
    return _("{minutes} min").format(minutes=round(seconds / SECONDS_IN_MINUTE))
