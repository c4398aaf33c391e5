"""Parameters of panels that stand for settings of the engine: limits and defaults are the engine's."""

from slicer.parameterNodeWrapper import Default, WithinRange

from dints.config import all_settings


def within(key: str) -> WithinRange:
    """The limits of a setting. Where an end itself is not allowed, the engine says so before the start."""
    known = all_settings()[key]
    return WithinRange(max(known.low, known.above), min(known.high, known.below))


def standard(key: str, index: int = 0) -> Default:
    """The default of a setting, or of one of its entries."""
    value = all_settings()[key].default
    return Default(value[index] if isinstance(value, tuple) else value)
