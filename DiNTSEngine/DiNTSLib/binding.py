"""A typed parameter node bound to the widgets of a panel."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import slicer
import vtk
from slicer.i18n import tr as _

PARAMETER_PROPERTY = "SlicerParameterName"  # of a widget in the .ui file: the parameter that it shows


Observer = Callable[[vtk.vtkObject, str], None]


class WrappedParameters:
    """Base of the classes that `parameterNodeWrapper` completes: what it adds, for those who read and check types.

    Nothing of this is there when the program runs: the wrapper takes no class that has these names already.
    """

    if TYPE_CHECKING:
        parameterNode: slicer.vtkMRMLScriptedModuleNode
        AddObserver: Callable[..., int]

        def __init__(self, parameterNode: slicer.vtkMRMLScriptedModuleNode) -> None: ...

        def RemoveObserver(self, tag: int) -> None: ...

        def connectParametersToGui(self, mapping: dict[str, Any]) -> int: ...

        def disconnectGui(self, guiTag: int) -> None: ...


Parameters = TypeVar("Parameters", bound=WrappedParameters)


class ParameterBinding(Generic[Parameters]):
    """Shows parameters in the widgets that name them and writes what the user changes, until it is released.

    Slicer before 5.12 adds an observer with `connectParametersToGui` that `disconnectGui` leaves. So the tags of all
    observers that are added for the panel are noted, and none but those are removed.

    Attributes:
        parameters: those that are bound.

    Args:
        parameters: instance of a class that `parameterNodeWrapper` made.
        ui: widgets by name.
        onModified: observer of the node, called after the widgets were brought up to date.
    """

    def __init__(self, parameters: Parameters, ui: SimpleNamespace, onModified: Observer) -> None:
        self.parameters = parameters
        self._observers: list[int] = []
        parameters.AddObserver = self._addObserver
        widgets = [widget for widget in vars(ui).values() if widget.property(PARAMETER_PROPERTY)]
        self._guiTag = parameters.connectParametersToGui({w.property(PARAMETER_PROPERTY): w for w in widgets})
        parameters.AddObserver(vtk.vtkCommand.ModifiedEvent, onModified)

    def release(self) -> None:
        """Lets go of the parameters; the widgets stay as they are."""
        self.parameters.disconnectGui(self._guiTag)
        for tag in self._observers:
            self.parameters.RemoveObserver(tag)
        del self.parameters.AddObserver

    def _addObserver(self, event: int, callback: Observer, priority: float = 0.0) -> int:
        tag: int = self.parameters.parameterNode.AddObserver(event, callback, priority)
        self._observers.append(tag)
        return tag


class BoundPanel(Generic[Parameters]):
    """Base of a panel that shows parameters from its `bind` to its `unbind`."""

    _binding: ParameterBinding[Parameters] | None = None

    @property
    def isBound(self) -> bool:
        """Whether the panel shows parameters."""
        return self._binding is not None

    @property
    def parameters(self) -> Parameters:
        """What the user chose, of the scene, while the panel is bound."""
        if self._binding is None:
            raise RuntimeError(_("the panel is not bound to parameters; call bind first"))
        return self._binding.parameters
