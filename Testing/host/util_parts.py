"""`slicer.util` is the real one, of a later Slicer: names that 5.8 lacks are hidden, and nothing is installed."""

from __future__ import annotations

import types
from typing import Any

from . import api
from .errors import HostError


class ListedModule(types.ModuleType):
    """A module that shows only the listed names. Its own functions still see all of them, as globals."""

    def __getattribute__(self, name: str) -> Any:
        if not name.startswith("_") and name not in api.util_names():
            raise AttributeError(f"module 'slicer.util' of Slicer 5.8 has no attribute '{name}'")
        return super().__getattribute__(name)


def pip_install(requirements: Any) -> None:
    """Installing is for tests to replace: the host never changes its environment."""
    raise HostError(f"the host does not install packages: pip_install({requirements!r})")


def pip_uninstall(requirements: Any) -> None:
    """As `pip_install`."""
    raise HostError(f"the host does not uninstall packages: pip_uninstall({requirements!r})")


def restrict(util: types.ModuleType) -> None:
    """Make `slicer.util` that of Slicer 5.8, without packaging."""
    util.pip_install = pip_install
    util.pip_uninstall = pip_uninstall
    util.__class__ = ListedModule
