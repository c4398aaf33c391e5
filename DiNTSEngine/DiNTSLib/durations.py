"""Times in words."""

from __future__ import annotations

from slicer.i18n import tr as _

SECONDS_IN_MINUTE, SECONDS_IN_HOUR, SECONDS_IN_DAY = 60, 3600, 86400


def duration(seconds: float) -> str:
    """A time as precise as it is worth."""
    if seconds < SECONDS_IN_MINUTE:
        return _("{seconds} s").format(seconds=max(1, round(seconds)))
    if seconds < 2 * SECONDS_IN_HOUR:
        return _("{minutes} min").format(minutes=round(seconds / SECONDS_IN_MINUTE))
    if seconds < 2 * SECONDS_IN_DAY:
        return _("{hours:.1f} h").format(hours=seconds / SECONDS_IN_HOUR)
    return _("{days} days").format(days=round(seconds / SECONDS_IN_DAY))
