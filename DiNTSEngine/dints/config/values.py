"""Values from a file or a command line into a dataclass, strict on names and types."""

from __future__ import annotations

import dataclasses
import difflib
import math
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any

from dints.errors import InputError, brief

LARGEST_INTEGER = 2**63 - 1
KINDS = {  # one and several of a type, in the words of a user
    int: ("a whole number", "whole numbers"),
    float: ("a number", "numbers"),
    bool: ("true or false", "true or false"),
    str: ("a text", "texts"),
}
LONGEST_KEY = 60  # characters of an unknown key that a message quotes


def merged(base: Any, values: Any, source: str, prefix: str = "") -> Any:
    """`base`, a dataclass, with the values of a mapping in place of its own.

    Raises:
        InputError: an unknown name or a value of another type; `source` and `prefix` say where it stands.
    """
    if not isinstance(values, Mapping):
        place = prefix.rstrip(".") or "the top level"
        raise InputError(f"{source}: {place} must be a mapping of names to values, not {brief(values)}")
    hints = typing.get_type_hints(type(base))
    changes = {}
    for key, value in values.items():
        if key not in hints:
            name = (key if isinstance(key, str) else brief(key))[:LONGEST_KEY]
            nearest = difflib.get_close_matches(name, hints, n=1, cutoff=0)
            raise InputError(f"{source}: unknown key {prefix}{name}; did you mean {prefix}{nearest[0]}?")
        current = getattr(base, key)
        if dataclasses.is_dataclass(current):
            changes[key] = merged(current, value, source, f"{prefix}{key}.")
        else:
            try:
                changes[key] = _convert(hints[key], value)
            except (TypeError, ValueError, OverflowError):
                wanted = kind_of(hints[key])
                raise InputError(f"{source}: {prefix}{key} must be {wanted}, not {brief(value)}") from None
    return dataclasses.replace(base, **changes)


def _convert(hint: Any, value: Any) -> Any:
    """`value` as the type that `hint` names; TypeError or ValueError if it is something else."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return _convert_union(arguments, value)
    if origin is tuple:
        return _convert_tuple(arguments, value)
    if origin is dict:
        if not isinstance(value, Mapping):
            raise TypeError
        converted = {_convert_key(arguments[0], key): _convert(arguments[1], item) for key, item in value.items()}
        if len(converted) < len(value):  # 1 and "1" are one key
            raise ValueError
        return converted
    if hint is float and type(value) in (int, str):  # YAML 1.1 reads 1e-3 as a string
        value = float(value)
    if type(value) is not hint:
        raise TypeError
    return _checked(value)


def _convert_union(arguments: tuple[Any, ...], value: Any) -> Any:
    """The value as the first of the types that takes it."""
    if value is None and types.NoneType in arguments:
        return None
    *others, last = (argument for argument in arguments if argument is not types.NoneType)
    for hint in others:
        try:
            return _convert(hint, value)
        except (TypeError, ValueError, OverflowError):
            continue  # the next one may take it
    return _convert(last, value)


def _checked(value: Any) -> Any:
    """A plain value; ValueError if it is no number, too large for PyTorch and NumPy, or no text that can be written."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError
    if isinstance(value, int) and abs(value) > LARGEST_INTEGER:
        raise ValueError
    if isinstance(value, str):
        value.encode()
    return value


def _convert_key(hint: Any, key: Any) -> Any:
    """JSON turns the integer keys of a mapping into texts."""
    return _convert(hint, int(key) if hint is int and isinstance(key, str) else key)


def _convert_tuple(arguments: tuple[Any, ...], value: Any) -> tuple[Any, ...]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise TypeError
    if arguments[-1] is Ellipsis:
        return tuple(_convert(arguments[0], item) for item in value)
    if len(value) != len(arguments):
        raise ValueError
    return tuple(_convert(argument, item) for argument, item in zip(arguments, value, strict=True))


def kind_of(hint: Any) -> str:
    """A type in the words of a user, such as "a list of 3 whole numbers"."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return " or ".join("null" if argument is types.NoneType else kind_of(argument) for argument in arguments)
    if origin is tuple and arguments[-1] is Ellipsis:
        one = arguments[0]
        return f"a list of {KINDS[one][1]}" if one in KINDS else "a list of such"
    if origin is tuple:
        return f"a list of {len(arguments)} {KINDS[arguments[0]][1]}"
    if origin is dict:
        return f"a mapping of {KINDS[arguments[0]][1]} to {KINDS[arguments[1]][1]}"
    return KINDS[hint][0]


def plain(value: Any) -> Any:
    """Tuples as lists, as YAML and JSON hold them."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    return value
