"""A typed parameter node bound to the widgets of a panel."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import vtk

PARAMETER_PROPERTY = "SlicerParameterName"  # of a widget in the .ui file: the parameter that it shows


class ParameterBinding:
    """Shows parameters in the widgets that name them and writes what the user changes, until it is released.

    Slicer before 5.12 adds an observer with `connectParametersToGui` that `disconnectGui` leaves. So the tags of all
    observers that are added for the panel are noted, and none but those are removed.

    Args:
        parameters: instance of a class that `parameterNodeWrapper` made.
        ui: widgets by name.
        onModified: observer of the node, called after the widgets were brought up to date.
    """

    def __init__(self, parameters: Any, ui: SimpleNamespace, onModified: Callable[[vtk.vtkObject, str], None]) -> None:
        self._parameters = parameters
        self._observers: list[int] = []
        parameters.AddObserver = self._addObserver
        widgets = [widget for widget in vars(ui).values() if widget.property(PARAMETER_PROPERTY)]
        self._guiTag = parameters.connectParametersToGui({w.property(PARAMETER_PROPERTY): w for w in widgets})
        parameters.AddObserver(vtk.vtkCommand.ModifiedEvent, onModified)

    def release(self) -> None:
        """Lets go of the parameters; the widgets stay as they are."""
        self._parameters.disconnectGui(self._guiTag)
        for tag in self._observers:
            self._parameters.RemoveObserver(tag)
        del self._parameters.AddObserver

    def _addObserver(self, event: int, callback: Callable[[vtk.vtkObject, str], None], priority: float = 0.0) -> int:
        tag = self._parameters.parameterNode.AddObserver(event, callback, priority)
        self._observers.append(tag)
        return tag
