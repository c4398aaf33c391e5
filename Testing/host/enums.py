"""Enumerations the way PythonQt shows them: flat plain ints, converted back where PySide6 insists on its enum types."""

from __future__ import annotations

import typing
from collections.abc import Callable
from enum import Enum, Flag
from functools import reduce
from operator import or_
from typing import Any

from shibokensupport.signature import get_signature


def nested_enums(raw_class: type) -> dict[str, type[Enum]]:
    """Enum types declared in `raw_class` or inherited, by name."""
    found: dict[str, type[Enum]] = {}
    for base in raw_class.__mro__:
        for name, value in vars(base).items():
            if isinstance(value, type) and issubclass(value, Enum):
                found.setdefault(name, value)
    return found


def flat_values(raw_class: type) -> dict[str, int]:
    """Members of all enums of `raw_class` as plain ints: {"Running": 2, ...}."""
    return {
        member: int(value.value)
        for enum_type in nested_enums(raw_class).values()
        for member, value in enum_type.__members__.items()
    }


def _enum_in(annotation: Any) -> type[Enum] | None:
    candidates = (annotation, *typing.get_args(annotation))
    return next((c for c in candidates if isinstance(c, type) and issubclass(c, Enum)), None)


def _member(enum_type: type[Enum], value: int) -> Enum:
    """Member, or combination of members, of this value; ValueError where there is none."""
    if issubclass(enum_type, Flag) and value >= 0:
        known = reduce(or_, (member.value for member in enum_type), 0)
        if value & ~known:
            raise ValueError(f"{value} is no combination of {enum_type.__name__}")
    return enum_type(value)


def _convert(signature: Any, args: tuple) -> tuple | None:
    """`args` with ints made enum members where `signature` wants them; None where nothing had to be converted."""
    positional = [p for p in signature.parameters.values() if p.name != "self" and p.kind != p.KEYWORD_ONLY]
    if len(args) > len(positional):
        return None
    converted = list(args)
    changed = False
    for index, (argument, parameter) in enumerate(zip(args, positional, strict=False)):
        enum_type = _enum_in(parameter.annotation)
        if enum_type is not None and type(argument) is int:
            converted[index] = _member(enum_type, argument)
            changed = True
    return tuple(converted) if changed else None


def call(function: Callable, described: Any, args: tuple) -> Any:
    """Call a PySide6 function with PythonQt's plain ints for enums.

    `described` is the unbound function or the class whose signature PySide6 knows. Raises ValueError, as PythonQt
    does, where no overload takes the arguments.
    """
    try:
        return function(*args)
    except TypeError as error:
        if "argument" not in str(error):
            raise
        signatures = get_signature(described) or []
        for signature in signatures if isinstance(signatures, list) else [signatures]:
            try:
                converted = _convert(signature, args)
                if converted is not None:
                    return function(*converted)
            except (TypeError, ValueError):
                continue  # the next overload may fit
        raise ValueError(f"called with wrong arguments: {error}") from error
