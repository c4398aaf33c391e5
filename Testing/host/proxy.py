"""Proxies: what a panel sees of Qt's objects. One class for each listed class, generated from the listing."""

from __future__ import annotations

import types
from typing import Any

import shiboken6
from PySide6.QtCore import QObject, QThread

from . import enums, signals
from .api import Listing, listing
from .convert import attach, existing_proxy, raw_of, register, unwrap, wrap
from .errors import report
from .members import KEYWORDS, Method, getter_property, property_table, qt_property

ALIASES = {"name": "objectName"}  # PythonQt's own name for it


class Proxy:
    """Base of all proxies. Refuses every attribute that its class does not have, on reading and on writing."""

    __slots__ = ("__weakref__", "_raw")
    _raw_class: type
    signals: frozenset[str] = frozenset()

    def __init__(self, *args: Any, **keywords: Any) -> None:
        if keywords:
            raise ValueError(f"{type(self).__name__}() takes no keyword arguments: {', '.join(keywords)}")
        raw_class = type(self)._raw_class
        raw = enums.call(raw_class, raw_class, tuple(unwrap(argument) for argument in args))
        attach(self, raw, keep="_host_overrides" in vars(raw_class))

    def __init_subclass__(cls, generated: bool = False) -> None:
        if not generated:
            cls._raw_class = _overriding(cls)

    def className(self) -> str:
        return type(self).__name__

    def inherits(self, class_name: str) -> bool:
        raw = raw_of(self)
        return raw.inherits(class_name) if isinstance(raw, QObject) else class_name == type(self).__name__

    def delete(self) -> None:
        shiboken6.delete(raw_of(self))

    def __getattr__(self, name: str) -> Any:
        """Aliases (`exec_`, `name`) and dynamic properties; called only where the class has no such member."""
        alias = ALIASES.get(name, name.rstrip("_"))
        if alias != name and not name.startswith("_") and alias in type(self).member_names:
            return getattr(self, alias)
        raw = raw_of(self)
        if isinstance(raw, QObject) and name in (bytes(n.data()).decode() for n in raw.dynamicPropertyNames()):
            return wrap(raw.property(name))
        raise AttributeError(f"{type(self).__name__} has no attribute named '{name}'")

    def __setattr__(self, name: str, value: Any) -> None:
        cls = type(self)
        member = getattr(cls, ALIASES.get(name, name), None)
        if isinstance(member, property) or hasattr(self, "__dict__"):
            object.__setattr__(self, ALIASES.get(name, name), value)
            return
        if member is not None:
            raise AttributeError(f"'{name}' of {cls.__name__} is not a property: call its setter")
        raise AttributeError(
            f"{cls.__name__} has no attribute '{name}': creating new attributes on C++ objects is not allowed"
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Proxy):
            return False
        return self is other or bool(raw_of(self) == raw_of(other))

    def __hash__(self) -> int:
        return hash(raw_of(self))

    def __repr__(self) -> str:
        raw = object.__getattribute__(self, "_raw")
        return f"{type(self).__name__} ({raw if shiboken6.isValid(raw) else 'destroyed'})"

    def __dir__(self) -> list[str]:
        return sorted(type(self).member_names)

    member_names: frozenset[str] = frozenset()


def _connect(self: Any, signal: str, *target: Any) -> bool:
    """`connect(signal, callable)` or `connect(signal, receiver, "slot()")`."""
    return signals.connect(self, signal, _slot(target))


def _disconnect(self: Any, signal: str, *target: Any) -> bool:
    return signals.disconnect(self, signal, _slot(target) if target else None)


def _slot(target: tuple) -> Any:
    return target[0] if len(target) == 1 else getattr(target[0], target[1].split("(")[0])


def _find_children(self: Any, kind: Any = None, name: str | None = None) -> tuple:
    raw_kind = kind._raw_class if hasattr(kind, "_raw_class") else QObject
    found = raw_of(self).findChildren(raw_kind) if name is None else raw_of(self).findChildren(raw_kind, name)
    wanted = (child for child in found if not isinstance(kind, str) or child.inherits(kind))
    return tuple(wrap(child) for child in wanted)


def _find_child(self: Any, kind: Any, name: str | None = None) -> Any:
    return next(iter(_find_children(self, kind, name)), None)


def _delete_later(self: Any) -> None:
    """Delete when control is back in the main event loop. A test has none: then when it processes events itself."""
    if QThread.currentThread().loopLevel():
        raw_of(self).deleteLater()
    else:
        _to_delete.append(raw_of(self))


def delete_pending() -> None:
    """Delete what was to be deleted once control is back where a main event loop would be."""
    while _to_delete:
        raw = _to_delete.pop()
        if shiboken6.isValid(raw):
            raw.deleteLater()


_to_delete: list[QObject] = []

QOBJECT_MEMBERS = {
    "deleteLater": _delete_later,
    "connect": _connect,
    "disconnect": _disconnect,
    "findChildren": _find_children,
    "findChild": _find_child,
}
COMMON_MEMBERS = frozenset({"className", "inherits", "delete"})


class HiddenMember:
    """Takes the place of a base class's member that Slicer does not list for the derived class."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: type) -> Any:
        raise AttributeError(f"{owner.__name__} has no attribute named '{self.name}'")


def listed_signals(raw_class: type, names: Listing) -> frozenset[str]:
    """Signatures of the listed signals that Qt 6 has; where only names were listed, those of the listed names."""
    by_name = {s for s in signals.signal_signatures(raw_class) if s.split("(")[0] in names.members}
    listed = names.signals | by_name
    return frozenset(entry for entry in listed if signals.resolve(raw_class, listed, entry))


def _members(raw_class: type, names: Listing) -> dict[str, Any]:
    """Class dictionary of the proxy: the listed members that Qt 6 has."""
    properties = property_table(raw_class)
    signal_names = {entry.split("(")[0] for entry in listed_signals(raw_class, names)}
    enum_types = enums.nested_enums(raw_class)
    values = enums.flat_values(raw_class)
    members: dict[str, Any] = {}
    for member in sorted(names.names - COMMON_MEMBERS):
        is_object = issubclass(raw_class, QObject)
        if is_object and member in QOBJECT_MEMBERS:
            members[member] = QOBJECT_MEMBERS[member]
        elif member in names.properties | names.members and member in properties:
            members[member] = qt_property(raw_class, member)
        elif member in signal_names:
            members[member] = signals.SignalMember(member)
        elif member in names.enums | names.members and member in values:
            members[member] = values[member]
        elif member in enum_types or member.rstrip("s") in enum_types:
            members[member] = int  # an enum's or a flag's type: called with an int, gives an int
        elif callable(getattr(raw_class, KEYWORDS.get(member, member), None)):
            is_property = member in names.properties
            members[member] = getter_property(member) if is_property else Method(raw_class, member)
    return members


def make_proxy_class(name: str, raw_class: type) -> type:
    """Generate and register the proxy class of listed class `name`, e.g. "qt.QLabel"."""
    names = listing(name)
    bases = [c for c in (_registered.get(base) for base in raw_class.__mro__[1:]) if c]
    parent = bases[0] if bases else Proxy
    members = _members(raw_class, names)
    body = {
        **{member: HiddenMember() for member in parent.member_names - names.names - COMMON_MEMBERS},
        **members,
        "__slots__": (),
        "__doc__": f"{name} as Slicer shows it.",
        "__module__": name.split(".")[0],
        "_raw_class": raw_class,
        "signals": listed_signals(raw_class, names),
        "listed_as": name,
        "member_names": frozenset(members) | COMMON_MEMBERS,
    }
    proxy_class = types.new_class(name.split(".")[1], (parent,), {"generated": True}, lambda ns: ns.update(body))
    _registered[raw_class] = proxy_class
    register(raw_class, proxy_class)
    return proxy_class


_registered: dict[type, type] = {}


def _overriding(cls: type) -> type:
    """Qt class whose virtual methods call the methods that the panel's class `cls` defines."""
    panel_classes = [c for c in cls.__mro__ if issubclass(c, Proxy) and "listed_as" not in vars(c) and c is not Proxy]
    base = next(c._raw_class for c in cls.__mro__ if "listed_as" in vars(c))
    names = {n for c in panel_classes for n, v in vars(c).items() if isinstance(v, types.FunctionType)}
    overrides = {n: _forward(base, n) for n in names if not n.startswith("__") and callable(getattr(base, n, None))}
    raw_class = type(cls.__name__, (base,), {**overrides, "_host_overrides": True})
    signals.signal_signatures(raw_class)
    return raw_class


def _forward(base: type, name: str) -> Any:
    def forward(raw: Any, *args: Any) -> Any:
        proxy = existing_proxy(raw)
        if proxy is not None:
            try:
                return unwrap(getattr(proxy, name)(*(wrap(argument) for argument in args)))
            except Exception as error:
                report(error)
        return getattr(base, name)(raw, *args)

    return forward
