"""Command line options that Qt takes for its own before a script sees them."""

from __future__ import annotations

from collections.abc import Iterable

WITH_VALUE = {
    "display",
    "geometry",
    "icon",
    "name",
    "platform",
    "platformpluginpath",
    "platformtheme",
    "plugin",
    "qwindowgeometry",
    "qwindowicon",
    "qwindowtitle",
    "session",
    "style",
    "stylesheet",
    "title",
}
ALONE = {"dograb", "nograb", "reverse", "sync", "widgetcount"}


def is_qt_option(argument: str) -> bool:
    """Whether Qt takes it, written with one dash or two."""
    return argument.startswith("-") and _name(argument) in WITH_VALUE | ALONE


def without_qt_options(arguments: Iterable[str]) -> list[str]:
    """What is left for a script. A value that Qt takes is the next argument, unless it is behind a "="."""
    left: list[str] = []
    remaining = iter(arguments)
    for argument in remaining:
        if not is_qt_option(argument):
            left.append(argument)
        elif _name(argument) in WITH_VALUE and "=" not in argument:
            next(remaining, None)
    return left


def _name(argument: str) -> str:
    dashes = 2 if argument.startswith("--") else 1
    return argument[dashes:].partition("=")[0]
