"""Scalings of intensities: one for all channels of a case, or one for each, where they hold different things."""

from __future__ import annotations

from typing import Any

WINDOW, ZSCORE = "window", "zscore"
Window = tuple[float, float]


def is_for_each(value: Any) -> bool:
    """Whether a setting has an entry for each channel: texts or windows in a tuple."""
    return isinstance(value, tuple) and all(isinstance(entry, str | tuple) for entry in value)


def of_channel(value: Any, channel: int) -> Any:
    """What a setting says of a channel."""
    return value[channel] if is_for_each(value) else value


def misfit(settings: dict[str, Any], channels: int | None) -> str:
    """Which of some settings does not fit so many channels, as far as they are known; "" if all do."""
    for key, value in settings.items():
        if is_for_each(value) and (not value or (channels and len(value) != channels)):
            return f"{key} must have one entry for each channel ({channels or 'some'}), not {len(value)}"
    return ""
