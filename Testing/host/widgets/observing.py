"""Observing vtk objects from a widget for as long as the widget exists."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import shiboken6
from PySide6.QtWidgets import QWidget
from vtkmodules.util.misc import calldata_type
from vtkmodules.vtkCommonCore import VTK_OBJECT


class Observations:
    """The observers that one widget has on vtk objects. The widget is not kept alive, and may be gone when called.

    The callbacks refer to the widget weakly and to nothing else: a callback in a reference cycle would be cleared by
    Python's garbage collector while VTK can still call it.
    """

    def __init__(self, widget: QWidget) -> None:
        self._widget = weakref.ref(widget)
        self._tags: list[tuple[Any, int]] = []

    def add(self, observed: Any, event: Any, method: str) -> None:
        """Call method `method` of the widget, without arguments."""
        call = _caller(self._widget, method)
        self._tags.append((observed, observed.AddObserver(event, lambda *_: call())))

    def add_with_node(self, scene: Any, event: Any, method: str) -> None:
        """Call method `method` of the widget with the node that the event of the scene is about."""
        call = _caller(self._widget, method)

        @calldata_type(VTK_OBJECT)
        def deliver(caller: Any, name: str, node: Any) -> None:
            call(node)

        self._tags.append((scene, scene.AddObserver(event, deliver)))

    def clear(self) -> None:
        for observed, tag in self._tags:
            observed.RemoveObserver(tag)
        self._tags.clear()


def _caller(reference: weakref.ref, method: str) -> Callable[..., None]:
    def call(*args: Any) -> None:
        widget = reference()
        if widget is not None and shiboken6.isValid(widget):
            getattr(widget, method)(*args)

    return call
