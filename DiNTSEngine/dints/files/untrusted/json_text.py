"""JSON from strangers: plain values, or one ValueError that says in a line what is wrong."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

from dints.errors import LONGEST_QUOTE, brief

DEEPEST_JSON = 50  # lists in lists; ours have some ten, and what is much deeper cannot be written or compared either


def parse_json(text: str | bytes) -> Any:
    """The value of a JSON text; bytes may begin with a byte order mark.

    Unlike Python's own reader, this one refuses NaN and infinity as the format does, and a name with two values.
    """
    try:
        value = json.loads(text, parse_constant=_refuse, parse_float=_finite, object_pairs_hook=_each_once)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if _depth(value) > DEEPEST_JSON:
        raise ValueError("it is nested too deeply")
    return value


def _depth(value: Any) -> int:
    """Of lists and objects in one another, level by level: recursion is what deep values are meant to exhaust."""
    depth, level = 0, [value]
    while level := [item for item in level if isinstance(item, dict | list)]:
        depth += 1
        level = [inner for item in level for inner in (item.values() if isinstance(item, dict) else item)]
    return depth


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in pairs:
        if values.setdefault(name, value) != value:
            raise ValueError(f"it gives {brief(name)} twice")
    return values


def _finite(number: str) -> float:
    """A number in JSON; 1e999 would be read as infinity."""
    value = float(number)
    return value if math.isfinite(value) else _refuse(number[:LONGEST_QUOTE])


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number")
