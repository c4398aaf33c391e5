"""Signals with PythonQt's rules: connected by signature or by attribute, called to emit, surplus arguments cut."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from typing import Any

from PySide6.QtCore import SIGNAL, QMetaMethod, QObject

from .convert import raw_of, unwrap, wrap
from .errors import report

FIRST_IN_QT5 = {"finished": "finished(int)"}  # overloads whose order Qt 6 changed: of QProcess
PYTHON_OBJECT = "PyObject"  # how Qt names a Python type in the signatures of the host's own widgets


def accepted_count(slot: Callable) -> int | None:
    """Number of arguments that a plain function or a method takes, defaulted ones included; None: any number."""
    function, bound = (slot.__func__, 1) if inspect.ismethod(slot) else (slot, 0)
    if not inspect.isfunction(function) or function.__code__.co_flags & inspect.CO_VARARGS:
        return None
    return function.__code__.co_argcount - bound


def adapter(slot: Callable) -> Callable:
    """Function for PySide6 to call: converts and cuts the arguments, and reports exceptions instead of raising."""
    count = accepted_count(slot)

    def deliver(*args: Any) -> None:
        try:
            slot(*(wrap(argument) for argument in args[:count]))
        except Exception as error:
            report(error)

    return deliver


def normalized(signature: str) -> str:
    return signature.replace(" ", "").replace("const", "").replace("&", "")


@cache
def signal_signatures(raw_class: type) -> tuple[str, ...]:
    """Signatures of all signals of a QObject class, in Qt's order: `clicked(bool)` before `clicked()`.

    Kept from the first call on: PySide6 drops a Python class's static meta object once an instance extended it.
    """
    meta = getattr(raw_class, "staticMetaObject", None)
    if meta is None:
        return ()  # a value type
    methods = (meta.method(index) for index in range(meta.methodCount()))
    return tuple(bytes(m.methodSignature().data()).decode() for m in methods if m.methodType() == QMetaMethod.Signal)


@cache
def resolve(raw_class: type, listed: frozenset[str], signature: str) -> str | None:
    """Signature under which Qt knows the listed signal `signature`; None where the class has no such signal.

    The host's widgets are Python classes: their vtk arguments are Python objects to Qt.
    """
    wanted = normalized(signature)
    if wanted not in {normalized(entry) for entry in listed}:
        return None
    name, parameters = wanted.rstrip(")").split("(", 1)
    parts = (PYTHON_OBJECT if part.startswith(("vtk", "QList<vtk")) else part for part in parameters.split(","))
    available = {normalized(entry): entry for entry in signal_signatures(raw_class)}
    return available.get(wanted) or available.get(f"{name}({','.join(parts)})")


def connect(proxy: Any, signature: str, slot: Callable) -> bool:
    """Connect; False where the object has no such signal."""
    if not callable(slot):
        raise ValueError(f"connect: {slot!r} cannot be called")
    raw = raw_of(proxy)
    known = resolve(type(raw), type(proxy).signals, signature)
    if known is None:
        return False
    connection = QObject.connect(raw, SIGNAL(known), adapter(slot))
    _connections(raw).append((known, slot, connection))
    return bool(connection)


def disconnect(proxy: Any, signature: str, slot: Callable | None = None) -> bool:
    """Undo what `connect` did for this slot, or for all slots of the signal."""
    raw = raw_of(proxy)
    known = resolve(type(raw), type(proxy).signals, signature)
    entries = _connections(raw)
    undone = [entry for entry in entries if entry[0] == known and slot in (None, entry[1])]
    for entry in undone:
        QObject.disconnect(entry[2])
        entries.remove(entry)
    return bool(undone)


def _connections(raw: QObject) -> list:
    if "_host_connections" not in vars(raw):
        raw._host_connections = []
    return raw._host_connections


class BoundSignal:
    """The signal of one object: `button.clicked`."""

    __slots__ = ("_name", "_proxy")

    def __init__(self, proxy: Any, name: str) -> None:
        self._proxy = proxy
        self._name = name

    def _first(self) -> str:
        """The overload that PythonQt connects to: the first one declared."""
        raw_class = type(raw_of(self._proxy))
        listed = type(self._proxy).signals
        if FIRST_IN_QT5.get(self._name) in listed:
            return FIRST_IN_QT5[self._name]
        candidates = {
            resolve(raw_class, listed, entry): entry for entry in listed if entry.startswith(self._name + "(")
        }
        return next(candidates[s] for s in signal_signatures(raw_class) if s in candidates)

    def connect(self, slot: Callable) -> bool:
        return connect(self._proxy, self._first(), slot)

    def disconnect(self, slot: Callable | None = None) -> bool:
        return disconnect(self._proxy, self._first(), slot)

    def __call__(self, *args: Any) -> None:
        """Emit."""
        getattr(raw_of(self._proxy), self._name).emit(*(unwrap(argument) for argument in args))


class SignalMember:
    """Class attribute that gives the signal of an instance."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: type) -> Any:
        return self if instance is None else BoundSignal(instance, self.name)
