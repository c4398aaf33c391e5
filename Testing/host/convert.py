"""The border between panels and PySide6: proxies and plain Python values on one side, Qt's own on the other."""

from __future__ import annotations

import os
import threading
import weakref
from enum import Enum
from typing import Any

import shiboken6
from PySide6.QtCore import QObject

from .errors import HostError

PYSIDE_ADDITIONS = ("QOverrideCursorGuard",)  # returned by PySide6 where Qt returns nothing
MAIN_THREAD = threading.main_thread()

_PLAIN = (bool, int, float, str, bytes, type(None))
_proxy_classes: dict[type, type] = {}


def register(raw_class: type, proxy_class: type) -> None:
    """Make `wrap` show instances of `raw_class`, and of its subclasses, as `proxy_class`."""
    _proxy_classes[raw_class] = proxy_class


def raw_of(proxy: Any) -> Any:
    """The Qt object of a proxy. Raises ValueError, as PythonQt does, where Qt has deleted it.

    HostError outside the main thread, where Slicer would crash sooner or later.
    """
    if threading.current_thread() is not MAIN_THREAD:
        raise HostError(f"a {type(proxy).__name__} was used outside the main thread")
    raw = object.__getattribute__(proxy, "_raw")
    if not shiboken6.isValid(raw):
        raise ValueError(f"this {type(proxy).__name__} was destroyed by Qt")
    return raw


def attach(proxy: Any, raw: Any, keep: bool = False) -> None:
    """Join both, so that the same Qt object always comes back as the same proxy.

    keep: the proxy has state of its own (a subclass written in Python) and must live as long as the Qt object.
    """
    object.__setattr__(proxy, "_raw", raw)
    if isinstance(raw, QObject):
        raw._host_proxy = (lambda: proxy) if keep else weakref.ref(proxy)


def existing_proxy(raw: QObject) -> Any:
    reference = vars(raw).get("_host_proxy")
    return reference() if reference else None


def unwrap(value: Any) -> Any:
    """A value from a panel, for PySide6."""
    proxy_class = getattr(type(value), "_raw_class", None)
    if proxy_class is not None:
        return raw_of(value)
    if isinstance(value, type) and hasattr(value, "_raw_class"):
        return value._raw_class
    if isinstance(value, os.PathLike):
        raise ValueError(f"Qt takes no path objects: pass str({value!r})")
    if isinstance(value, (list, tuple)):
        return [unwrap(element) for element in value]
    return value


def wrap(value: Any) -> Any:
    """A value from PySide6, for a panel: enums are ints, lists are tuples, Qt's objects are proxies."""
    if isinstance(value, Enum):
        return int(value.value)
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, (list, tuple)):
        return tuple(wrap(element) for element in value)
    if not isinstance(value, shiboken6.Shiboken.Object):
        return value
    if type(value).__name__ in PYSIDE_ADDITIONS:
        return None
    known = existing_proxy(value) if isinstance(value, QObject) else None
    return known if known is not None else _new_proxy(value)


def _new_proxy(raw: Any) -> Any:
    proxy_class = next((_proxy_classes[base] for base in type(raw).__mro__ if base in _proxy_classes), None)
    if proxy_class is None:
        raise HostError(f"the host has no list of the members of {type(raw).__name__}: add it to api.json's supplement")
    proxy = proxy_class.__new__(proxy_class)
    attach(proxy, raw)
    return proxy
