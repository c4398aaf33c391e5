"""`slicer.util` is the real one, of a later Slicer: names that 5.8 lacks are hidden, and nothing is installed."""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Callable
from typing import Any

from . import api
from .errors import HostError
from .modify_blocks import NodeModify

PARAMETERS_IN_5_8 = {
    "findChild": 2,
    "launchConsoleProcess": 4,
    "logProcessOutput": 1,
    "plot": 6,
    "updateTableFromArray": 3,
}  # functions that gained parameters since: how many they have in 5.8


class ListedModule(types.ModuleType):
    """A module that shows only the listed names, as they were. Its own functions still see all as they are."""

    def __getattribute__(self, name: str) -> Any:
        if not name.startswith("_") and name not in api.util_names():
            raise AttributeError(f"module 'slicer.util' of Slicer 5.8 has no attribute '{name}'")
        value = super().__getattribute__(name)
        return _older.get(value, value) if name in PARAMETERS_IN_5_8 else value


_older: dict[Any, Callable] = {}  # functions of today, and what panels get for them


def pip_install(requirements: Any) -> None:
    """Installing is for tests to replace: the host never changes its environment."""
    raise HostError(f"the host does not install packages: pip_install({requirements!r})")


def pip_uninstall(requirements: Any) -> None:
    """As `pip_install`."""
    raise HostError(f"the host does not uninstall packages: pip_uninstall({requirements!r})")


def as_in_5_8(function: Callable, count: int) -> Callable:
    """`function` without the parameters that later versions added; TypeError where one is given."""
    known = list(inspect.signature(function).parameters)[:count]

    @functools.wraps(function)
    def call(*args: Any, **keywords: Any) -> Any:
        unknown = [name for name in keywords if name not in known]
        if unknown or len(args) > count:
            raise TypeError(f"{function.__name__}() of Slicer 5.8 takes only {', '.join(known)}")
        return function(*args, **keywords)

    return call


def restrict(util: types.ModuleType) -> None:
    """Make `slicer.util` that of Slicer 5.8, without packaging."""
    util.NodeModify = NodeModify
    util.pip_install = pip_install
    util.pip_uninstall = pip_uninstall
    for name, count in PARAMETERS_IN_5_8.items():
        function = getattr(util, name)
        _older[function] = as_in_5_8(function, count)
    util.__class__ = ListedModule
