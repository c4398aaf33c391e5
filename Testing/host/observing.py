"""Observing vtk objects for as long as the observer exists."""

from __future__ import annotations

import types
import weakref
from typing import Any

import shiboken6
from vtkmodules.util.misc import calldata_type
from vtkmodules.vtkCommonCore import VTK_OBJECT

Target = tuple[weakref.ref, str]  # an object and the name of its method


class Observations:
    """The observers that one Python object has on vtk objects. It is not kept alive, and may be gone when called.

    VTK shows its callbacks to Python's garbage collector as if they belonged to the Python half of the observed
    object. Where that half is garbage and the vtk object lives on, in a scene, the callback is cleared with it while
    VTK goes on calling it: a function without its globals crashes the interpreter. So the callbacks are methods of
    functions of this file, which are never cleared, bound to a weak reference.
    """

    def __init__(self, owner: Any) -> None:
        self._owner = weakref.ref(owner)
        self._tags: list[tuple[Any, int]] = []

    def add(self, observed: Any, event: Any, method: str) -> None:
        """Call method `method` of the owner, without arguments."""
        self._observe(observed, event, types.MethodType(_call, (self._owner, method)))

    def add_with_node(self, scene: Any, event: Any, method: str) -> None:
        """Call method `method` of the owner with the node that the event of the scene is about."""
        self._observe(scene, event, types.MethodType(_call_with_node, (self._owner, method)))

    def clear(self) -> None:
        for observed, tag in self._tags:
            observed.RemoveObserver(tag)
        self._tags.clear()

    def _observe(self, observed: Any, event: Any, callback: types.MethodType) -> None:
        self._tags.append((observed, observed.AddObserver(event, callback)))


def _call(target: Target, caller: Any, event: str) -> None:
    _deliver(target)


@calldata_type(VTK_OBJECT)
def _call_with_node(target: Target, caller: Any, event: str, node: Any) -> None:
    _deliver(target, node)


def _deliver(target: Target, *arguments: Any) -> None:
    owner = target[0]()
    if owner is not None and shiboken6.isValid(owner):
        getattr(owner, target[1])(*arguments)
