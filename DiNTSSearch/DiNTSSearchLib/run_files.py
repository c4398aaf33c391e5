"""JSON files of a run's folder as the panel reads them: they may be damaged, or of a later version.

`SHAPES` says what each must hold for the panel to show it: a type or several, a value, a function that says whether a
value will do, [of each entry], {"key": of this one, "key?": of one that may be missing}, or {str: of each}.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import NoneType
from typing import Any

from slicer.i18n import tr as _

from dints.errors import InputError
from dints.files.storage import read_json


def isNumber(value: Any) -> bool:
    """Whether it can be drawn and divided."""
    return isinstance(value, int | float) and abs(value) <= sys.float_info.max


def isHours(value: Any) -> bool:
    """Whether it is a time that a run was given; None is as long as it takes."""
    return value is None or (isNumber(value) and value > 0)


def isText(value: Any) -> bool:
    """Whether the scene can hold it: a file name need not be UTF-8."""
    return isinstance(value, str) and value == value.encode(errors="replace").decode()


PROBLEM = {"file": str, "reason": str, "remedy": str, "severity": str, "case?": (str, NoneType)}
FACTS = {"name": str, "size": [isNumber], "spacing": [isNumber], "label_volumes": {str: isNumber}}

DIFFERENCE = {"mean": isNumber, "low": isNumber, "high": isNumber, "verdict": isText}


def isDifference(value: Any) -> bool:
    """Whether it says how the searched network differs from another; None for itself."""
    return value is None or fits(value, DIFFERENCE)


NETWORK = {"caption": isText, "filters": int, "dice": isNumber, "difference": isDifference}
FAILED = {"caption": isText, "reason": isText}


def isPlace(value: Any) -> bool:
    """Whether it is a point."""
    return fits(value, [isNumber]) and len(value) == 3


SUSPECT = {"case": isText, "label": isText, "reason": isText, "sentence": isText, "world": isPlace}
SUSPECT |= {"dice": isNumber, "expected_dice": isNumber}

SHAPES: dict[str, Any] = {
    "suspects.json": {"suspects": [SUSPECT]},
    "run.json": {"format": 1, "data": isText},
    "remote.json": {"format": 1, "host": isText},
    "plan.json": {"hours?": isHours},
    "choices.json": {"data": isText, "preset": isText, "folds": int},
    "compare.json": {"verdict": isText, "networks": [NETWORK], "failed?": [FAILED]},
    "check.json": {"cases": [FACTS], "problems": [PROBLEM], "notes?": [isText]},
}


def readChecked(path: Path) -> Any:
    """What a file holds; InputError if it cannot be read, or is not what `SHAPES` says of it."""
    value = read_json(path)
    if not fits(value, SHAPES[path.name]):
        sentence = _("{path}: does not hold what this version writes there; make it anew, or update the extension")
        raise InputError(sentence.format(path=path))
    return value


def fits(value: Any, shape: Any) -> bool:
    """Whether a value is as `shape` says."""
    if isinstance(shape, type | tuple):
        return isinstance(value, shape)
    if callable(shape):
        return bool(shape(value))
    if isinstance(shape, list):
        return isinstance(value, list) and all(fits(entry, shape[0]) for entry in value)
    if not isinstance(shape, dict):
        return bool(value == shape)
    if not isinstance(value, dict):
        return False
    if str in shape:
        return all(fits(entry, shape[str]) for entry in value.values())
    return all(
        fits(value[key.removesuffix("?")], own) if key.removesuffix("?") in value else key.endswith("?")
        for key, own in shape.items()
    )
