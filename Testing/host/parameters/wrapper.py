"""The decorator `parameterNodeWrapper`: makes a class with typed attributes of a class with annotations."""

from __future__ import annotations

import types
import typing
from typing import Any

import qt
import slicer
from vtkmodules.vtkCommonCore import vtkCommand

from ..observing import Observations
from .annotations import Default, findFirstAnnotation, splitAnnotations
from .bindings import GuiConnector, createGuiConnector
from .codecs import make_codec
from .scalars import Codec

__all__ = ["SlicerParameterNamePropertyName", "isParameterNodeWrapper", "parameterNodeWrapper"]

SlicerParameterNamePropertyName = "SlicerParameterName"


class Parameter:
    """One typed attribute: a descriptor that reads and writes the wrapper's node."""

    def __init__(self, name: str, datatype: Any, default: Default | None) -> None:
        self.name = name
        self.datatype = datatype
        self.codec: Codec = make_codec(datatype)
        self.default = default or Default(generator=self.codec.default)

    def ensure(self, node: Any) -> None:
        if not self.codec.is_in(node, self.name):
            self.codec.write(node, self.name, self.default.value)

    def __get__(self, wrapper: Any, owner: type) -> Any:
        return self if wrapper is None else wrapper._values[self.name].value

    def __set__(self, wrapper: Any, value: Any) -> None:
        wrapper._values[self.name].write(value)


class KeptValue:
    """The value of one parameter, kept until the node was modified.

    As in Slicer each value is brought up to date by an observer of its own. VTK calls the observer that came first
    last, so that an observer of the panel may still see an old value where not the panel changed the node.
    """

    def __init__(self, parameter: Parameter, node: Any) -> None:
        self._parameter, self._node = parameter, node
        self._is_writing = False
        parameter.ensure(node)
        self.refresh()
        self._observations = Observations(self)
        self._observations.add(node, vtkCommand.ModifiedEvent, "refresh")

    def __del__(self) -> None:
        self._observations.clear()

    def refresh(self) -> None:
        if not self._is_writing:
            self.value = self._parameter.codec.read(self._node, self._parameter.name)

    def write(self, value: Any) -> None:
        self._is_writing = True
        try:
            with slicer.util.NodeModify(self._node):
                self._parameter.codec.write(self._node, self._parameter.name, value)
                self.value = self._parameter.codec.read(self._node, self._parameter.name)
        finally:
            self._is_writing = False


class WrapperMembers:
    """What every parameter node wrapper has besides its parameters."""

    allParameters: dict[str, Parameter]

    def __init__(self, parameterNode: Any) -> None:
        if parameterNode is None:
            raise ValueError("a parameter node wrapper needs a node")
        self.parameterNode = parameterNode
        self._connectors: dict[int, dict[str, GuiConnector]] = {}
        self._next_tag = 0
        self._is_showing = False
        self._values = {name: KeptValue(parameter, parameterNode) for name, parameter in self.allParameters.items()}

    @classmethod
    def _parameter(cls, name: str) -> Parameter:
        if name not in cls.allParameters:
            raise ValueError(f"no parameter '{name}': there are {', '.join(cls.allParameters)}")
        return cls.allParameters[name]

    def default(self, name: str) -> Default:
        return self._parameter(name).default

    @classmethod
    def dataType(cls, name: str) -> Any:
        return cls._parameter(name).datatype

    def getValue(self, name: str) -> Any:
        return self._parameter(name).__get__(self, type(self))

    def setValue(self, name: str, value: Any) -> None:
        self._parameter(name).__set__(self, value)

    def connectGui(self, gui: Any) -> None:
        """Bind all widgets of `gui` that have the property SlicerParameterName. Returns nothing in Slicer 5.8."""
        widgets = gui.findChildren(qt.QWidget) if hasattr(gui, "isWidgetType") else vars(gui).values()
        named = {widget.property(SlicerParameterNamePropertyName): widget for widget in widgets}
        self.connectParametersToGui({name: widget for name, widget in named.items() if name})

    def connectParametersToGui(self, mapping: dict[str, Any]) -> int:
        """Bind parameters to widgets; the tag returned is for `disconnectGui`."""
        connectors = {
            name: widget if isinstance(widget, GuiConnector) else createGuiConnector(widget, self.dataType(name))
            for name, widget in mapping.items()
        }
        tag = self._next_tag
        self._next_tag += 1
        self._connectors[tag] = connectors
        for name, connector in connectors.items():
            connector.write(self.getValue(name))
            connector.onChanged(self._store(name, connector))
        self.AddObserver(vtkCommand.ModifiedEvent, types.MethodType(_show, (self,)))
        return tag

    def _store(self, name: str, connector: GuiConnector) -> Any:
        def store() -> None:
            if not self._is_showing:
                self.setValue(name, connector.read())

        return store

    def _show(self) -> None:
        if self._is_showing:
            return
        self._is_showing = True
        try:
            for connectors in self._connectors.values():
                for name, connector in connectors.items():
                    connector.write(self.getValue(name))
        finally:
            self._is_showing = False

    def disconnectGui(self, tag: int | None) -> None:
        """Undo the binding with this tag; nothing happens for an unknown one.

        As in Slicer before 5.12 the observer that `connectParametersToGui` added stays, and holds the wrapper.
        """
        for connector in self._connectors.pop(tag, {}).values():
            connector.onChanged(None)

    def StartModify(self) -> int:
        return self.parameterNode.StartModify()

    def EndModify(self, was_modified: int) -> int:
        return self.parameterNode.EndModify(was_modified)

    def AddObserver(self, event: Any, callback: Any, priority: float = 0.0) -> int:
        return self.parameterNode.AddObserver(event, callback, priority)

    def RemoveObserver(self, tag: int) -> None:
        self.parameterNode.RemoveObserver(tag)

    def Modified(self) -> None:
        self.parameterNode.Modified()


def _show(target: tuple[WrapperMembers], caller: Any, event: str) -> None:
    """An observer as those of `observing`, but one that holds its wrapper."""
    target[0]._show()


def _parameters(cls: type) -> dict[str, Parameter]:
    found = {}
    for name, datatype in typing.get_type_hints(cls, include_extras=True).items():
        if hasattr(cls, name):
            default = Default(getattr(cls, name))
        else:
            default = findFirstAnnotation(splitAnnotations(datatype)[1], Default)
        found[name] = Parameter(name, datatype, default)
    return found


def parameterNodeWrapper(cls: type | None = None) -> Any:
    """Class decorator: every annotated attribute becomes a parameter kept in the node given to the constructor."""
    if cls is None:
        return parameterNodeWrapper
    parameters = _parameters(cls)
    reserved = {name for name in vars(WrapperMembers) if not name.startswith("__")}
    clashes = reserved & (set(parameters) | set(vars(cls)))
    if clashes:
        raise ValueError(f"reserved in a parameter node wrapper: {', '.join(sorted(clashes))}")
    for name, parameter in parameters.items():
        setattr(cls, name, parameter)
    for name, member in vars(WrapperMembers).items():
        if name not in ("__dict__", "__weakref__", "__module__", "__doc__", "__annotations__"):
            setattr(cls, name, member)
    cls.allParameters = parameters
    cls._is_parameter_node_wrapper = True
    return cls


def isParameterNodeWrapper(value: Any) -> bool:
    return getattr(value, "_is_parameter_node_wrapper", False)
