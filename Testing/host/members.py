"""Members of proxy classes: properties, methods, and what PythonQt adds to every object."""

from __future__ import annotations

import types
from collections.abc import Callable
from functools import cache
from typing import Any

from . import enums
from .convert import raw_of, unwrap, wrap

KEYWORDS = {"raise": "raise_", "print": "print_"}  # PySide6 renames what were keywords of Python


@cache
def property_table(raw_class: type) -> dict[str, bool]:
    """Q_PROPERTYs of a QObject class and whether they can be written; empty for value types.

    Kept from the first call on: PySide6 drops a Python class's static meta object once an instance extended it.
    """
    meta = getattr(raw_class, "staticMetaObject", None)
    found = (meta.property(index) for index in range(meta.propertyCount())) if meta else ()
    return {entry.name(): entry.isWritable() for entry in found}


def qt_property(raw_class: type, name: str) -> property:
    """Q_PROPERTY `name` as an attribute. Qt converts on writing, silently, as in Slicer."""
    writable = property_table(raw_class)[name]

    def read(self: Any) -> Any:
        return wrap(raw_of(self).property(name))

    def write(self: Any, value: Any) -> None:
        raw = raw_of(self)
        if not writable:
            raise AttributeError(f"property '{name}' of {type(self).__name__} is read-only")
        if not raw.setProperty(name, unwrap(value)):
            raise AttributeError(f"property '{name}' of {type(self).__name__} does not take {value!r}")

    return property(read, write)


def getter_property(name: str) -> property:
    """A member that PythonQt offers as a read-only attribute and PySide6 as a method."""
    return property(lambda self: call_member(self, name, ()))


def call_member(proxy: Any, name: str, args: tuple) -> Any:
    """Call method `name` of the Qt object, not the override of it that a panel's subclass may have."""
    raw = raw_of(proxy)
    raw_class = type(proxy)._raw_class
    owner = super(raw_class, raw) if vars(raw_class).get("_host_overrides") else raw
    name = KEYWORDS.get(name, name)
    return wrap(enums.call(getattr(owner, name), getattr(raw_class, name), tuple(unwrap(a) for a in args)))


class Method:
    """Class attribute for one method: bound on instances, callable on the class (with the instance, or static)."""

    def __init__(self, raw_class: type, name: str) -> None:
        self.name = name
        raw_function = getattr(raw_class, KEYWORDS.get(name, name))
        self.is_static = not isinstance(raw_function, (types.MethodDescriptorType, types.FunctionType))
        self.raw_function = raw_function

    def __get__(self, instance: Any, owner: type) -> QtMethod:
        if instance is not None:
            return QtMethod(self.name, instance, lambda *args: call_member(instance, self.name, args))
        if self.is_static:
            return QtMethod(self.name, owner, self._call_static)
        return QtMethod(self.name, owner, lambda target, *args: call_member(target, self.name, args))

    def _call_static(self, *args: Any) -> Any:
        return wrap(enums.call(self.raw_function, self.raw_function, tuple(unwrap(argument) for argument in args)))


class QtMethod:
    """Callable that refuses keyword arguments; equal for the same object, so that slots can be disconnected."""

    __slots__ = ("_function", "_name", "_owner")

    def __init__(self, name: str, owner: Any, function: Callable) -> None:
        self._name = name
        self._owner = owner
        self._function = function

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        if keywords:
            raise ValueError(f"{self._name}() takes no keyword arguments: {', '.join(keywords)}")
        return self._function(*args)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, QtMethod) and (self._owner, self._name) == (other._owner, other._name)

    def __hash__(self) -> int:
        return hash((self._owner, self._name))
