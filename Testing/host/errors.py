"""Exceptions that PythonQt prints and swallows are also kept here, so that tests can fail on them."""

from __future__ import annotations

import sys
import traceback


class HostError(Exception):
    """Panel code failed where Slicer would only have printed a traceback, or asked the host for what it cannot do."""


_errors: list[BaseException] = []


def report(error: BaseException) -> None:
    """Print the traceback of `error`, as PythonQt does for an exception in a slot, and keep it for the tests."""
    traceback.print_exception(error, file=sys.stderr)
    _errors.append(error)


def collect_unraised() -> None:
    """Also keep what VTK's observers and Qt's virtual methods print: both end in `sys.excepthook`."""

    def hook(kind: type[BaseException], error: BaseException, trace: object) -> None:
        report(error)

    sys.excepthook = hook


def take_errors() -> list[BaseException]:
    """Return the exceptions collected since the last call, and forget them."""
    taken = list(_errors)
    _errors.clear()
    return taken


def raise_errors() -> None:
    """Raise the first exception that was swallowed in a slot, if there is one; the others are forgotten."""
    errors = take_errors()
    if errors:
        raise HostError(f"{len(errors)} exception(s) in slots, the first: {errors[0]!r}") from errors[0]
