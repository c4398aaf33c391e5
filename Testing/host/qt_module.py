"""The module `qt`: the listed classes of Qt, and the few static functions that PythonQt changes."""

from __future__ import annotations

import types
from typing import Any

from PySide6 import QtCore, QtGui, QtSvgWidgets, QtUiTools, QtWidgets

from . import api, enums
from .convert import register, unwrap
from .proxy import make_proxy_class
from .signals import adapter
from .ui_loader import UiLoader

SOURCES = (QtCore, QtGui, QtWidgets, QtSvgWidgets, QtUiTools)
REPLACED = {"QUiLoader": UiLoader}


def raw_class(name: str) -> type | None:
    """PySide6's class of that name; None where Qt 6 has none."""
    return REPLACED.get(name) or next((getattr(s, name) for s in SOURCES if hasattr(s, name)), None)


def _without_flag(function: Any) -> Any:
    """PySide6 returns (value, accepted or filter); PythonQt only the value, empty where the dialog was cancelled."""

    def choose(*args: Any) -> Any:
        value, accepted = enums.call(function, function, tuple(unwrap(argument) for argument in args))
        if accepted or isinstance(value, (str, list)):
            return tuple(value) if isinstance(value, list) else (value if accepted else "")
        return value

    return staticmethod(choose)


def _single_shot(milliseconds: int, slot: Any) -> None:
    QtCore.QTimer.singleShot(milliseconds, adapter(slot))


def _replace_static_functions(members: dict[str, Any]) -> None:
    for name in ("getText", "getMultiLineText", "getItem", "getInt", "getDouble"):
        setattr(members["QInputDialog"], name, _without_flag(getattr(QtWidgets.QInputDialog, name)))
    for name in ("getOpenFileName", "getOpenFileNames", "getSaveFileName"):
        setattr(members["QFileDialog"], name, _without_flag(getattr(QtWidgets.QFileDialog, name)))
    members["QTimer"].singleShot = staticmethod(_single_shot)
    members["QByteArray"].data = lambda self: unwrap(self).data()


def _namespace() -> type:
    """`qt.Qt`: the enums of the Qt namespace as flat ints, and no more."""
    return type("Qt", (), {"__slots__": (), "__doc__": "Enumerations of Qt.", **enums.flat_values(QtCore.Qt)})


def make_qt_module() -> types.ModuleType:
    """Build `qt`; its listed classes are registered for `wrap` at the same time."""
    module = types.ModuleType("qt", __doc__)
    names = [name.split(".")[1] for name in api.class_names() if name.startswith("qt.")]
    found = {name: raw_class(name) for name in names}
    members: dict[str, Any] = {}
    for name, raw in sorted(((n, r) for n, r in found.items() if r), key=lambda item: len(item[1].__mro__)):
        members[name] = make_proxy_class(f"qt.{name}", raw)
    register(QtUiTools.QUiLoader, members["QUiLoader"])
    _replace_static_functions(members)
    vars(module).update(members, Qt=_namespace())
    return module
