"""JSON from strangers: plain values, or one ValueError that says in a line what is wrong."""

from __future__ import annotations

import json
import reprlib
from typing import Any, NoReturn

LONGEST_QUOTE = 120  # characters of a text in a message: enough for most file names

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = LONGEST_QUOTE


def parse_json(text: str | bytes) -> Any:
    """The value of a JSON text; unlike Python's own reader, this one refuses NaN and infinity as the format does."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def brief(value: Any) -> str:
    """A value as messages quote it: one short line, whatever it holds."""
    try:
        return " ".join(_SHORT.repr(value).split())
    except ValueError:  # Python does not write whole numbers of thousands of digits
        return "a number of thousands of digits"


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number")
