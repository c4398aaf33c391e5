"""The host's own widget classes: CTK's and Slicer's, written on PySide6 and shown to panels as proxies."""

from __future__ import annotations

import types

from PySide6.QtWidgets import QWidget

from . import api, ui_loader
from .proxy import make_proxy_class

_full_names: dict[str, type] = {}


def host_class(module: str) -> type:
    """Class decorator: the class stands in for the listed class of the same name in `module` ("ctk" or "slicer")."""

    def remember(raw_class: type) -> type:
        _full_names[f"{module}.{raw_class.__name__}"] = raw_class
        if issubclass(raw_class, QWidget):
            ui_loader.widget_classes[raw_class.__name__] = raw_class
        return raw_class

    return remember


def fill(module: types.ModuleType, prefix: str) -> None:
    """Add the proxies of all classes of `prefix` ("ctk" or "slicer") to `module`, base classes first."""
    chosen = [(name, raw) for name, raw in _full_names.items() if name.startswith(prefix + ".")]
    for name, raw_class in sorted(chosen, key=lambda item: len(item[1].__mro__)):
        setattr(module, name.split(".")[1], make_proxy_class(name, raw_class))


def implemented_names() -> set[str]:
    """Full names of the listed classes that the host offers; those of `qt` are offered wherever Qt 6 has them."""
    from .qt_module import raw_class

    of_qt = {n for n in api.class_names() if n.startswith("qt.") and raw_class(n.split(".")[1])}
    return of_qt | set(_full_names) | {"slicer.app"}
