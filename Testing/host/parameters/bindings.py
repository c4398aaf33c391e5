"""Binding of parameters to widgets: one class for each kind of widget; the widget's class must match exactly."""

from __future__ import annotations

import enum
import typing
from collections.abc import Callable
from typing import Any

import ctk
import qt
import slicer

from .annotations import (
    Choice,
    Decimals,
    Maximum,
    Minimum,
    SingleStep,
    WithinRange,
    findFirstAnnotation,
    splitAnnotations,
)
from .scalars import PATHS

__all__ = ["GuiConnector", "createGuiConnector", "parameterNodeGuiConnector"]

SMALLEST_INT, LARGEST_INT = -(2**31), 2**31 - 1  # of a spin box without bounds


class GuiConnector:
    """Reads a value from a widget, writes it, and tells when the user changed it."""

    widgets: tuple[type, ...] = ()
    datatypes: tuple[Any, ...] = ()
    signal = ""
    attribute = ""

    @classmethod
    def canRepresent(cls, widget: Any, datatype: Any) -> bool:
        return type(widget) in cls.widgets and splitAnnotations(datatype)[0] in cls.datatypes

    def __init__(self, widget: Any, datatype: Any) -> None:
        self._widget = widget
        self.datatype, self.annotations = splitAnnotations(datatype)
        self._callback: Callable[[], None] | None = None
        self.prepare()

    def prepare(self) -> None:
        """Set the widget's range, choices and the like."""

    def widget(self) -> Any:
        return self._widget

    def onChanged(self, callback: Callable[[], None] | None) -> None:
        self._callback = callback
        if self.signal:
            bound = getattr(self._widget, self.signal)
            bound.connect(self.changed) if callback else bound.disconnect(self.changed)

    def changed(self) -> None:
        if self._callback:
            self._callback()

    def read(self) -> Any:
        return getattr(self._widget, self.attribute)

    def write(self, value: Any) -> None:
        setattr(self._widget, self.attribute, value)

    def bounds(self) -> tuple[Any, Any]:
        """(minimum, maximum) among the annotations; None where there is none."""
        within = findFirstAnnotation(self.annotations, WithinRange)
        if within is not None:
            return within.minimum, within.maximum
        low = findFirstAnnotation(self.annotations, Minimum)
        high = findFirstAnnotation(self.annotations, Maximum)
        return (low.minimum if low else None), (high.maximum if high else None)


_connectors: list[type[GuiConnector]] = []


def parameterNodeGuiConnector(cls: type | None = None) -> Any:
    """Class decorator: offer the connector to `createGuiConnector`."""
    if cls is None:
        return parameterNodeGuiConnector
    _connectors.append(cls)
    return cls


def createGuiConnector(widget: Any, datatype: Any) -> GuiConnector:
    """Connector of `widget` to values of `datatype`; RuntimeError where there is none."""
    for connector in _connectors:
        if connector.canRepresent(widget, datatype):
            return connector(widget, datatype)
    raise RuntimeError(f"no connector from {datatype} to {type(widget).__name__} '{widget.objectName}'")


@parameterNodeGuiConnector
class CheckBoxConnector(GuiConnector):
    """bool and a check box."""

    widgets = (qt.QCheckBox, ctk.ctkCheckBox)
    datatypes = (bool,)
    signal, attribute = "stateChanged", "checked"


@parameterNodeGuiConnector
class PushButtonConnector(GuiConnector):
    """bool and a push button, which becomes checkable."""

    widgets = (qt.QPushButton,)
    datatypes = (bool,)
    signal, attribute = "toggled", "checked"

    def prepare(self) -> None:
        self._widget.checkable = True


@parameterNodeGuiConnector
class IntConnector(GuiConnector):
    """int and a spin box or slider."""

    widgets = (qt.QSpinBox, qt.QSlider)
    datatypes = (int,)
    signal, attribute = "valueChanged", "value"

    def prepare(self) -> None:
        low, high = self.bounds()
        if type(self._widget) is qt.QSlider and None in (low, high):
            raise RuntimeError("a QSlider needs a bounded int")
        self._widget.setRange(SMALLEST_INT if low is None else low, LARGEST_INT if high is None else high)
        step = findFirstAnnotation(self.annotations, SingleStep)
        if step is not None:
            self._widget.singleStep = step.value


@parameterNodeGuiConnector
class FloatConnector(GuiConnector):
    """float and a spin box or slider."""

    widgets = tuple(
        getattr(module, name)
        for module, name in (
            (qt, "QDoubleSpinBox"),
            (ctk, "ctkSliderWidget"),
            (slicer, "qMRMLSliderWidget"),
            (ctk, "ctkDoubleSlider"),
            (ctk, "ctkDoubleSpinBox"),
            (slicer, "qMRMLSpinBox"),
        )
    )
    datatypes = (float,)
    signal, attribute = "valueChanged", "value"

    def prepare(self) -> None:
        low, high = self.bounds()
        if type(self._widget) in (ctk.ctkSliderWidget, slicer.qMRMLSliderWidget) and None in (low, high):
            raise RuntimeError("a ctkSliderWidget needs a bounded float")
        decimals = findFirstAnnotation(self.annotations, Decimals)
        if decimals is not None:
            self._widget.decimals = decimals.value
        step = findFirstAnnotation(self.annotations, SingleStep)
        if step is not None:
            self._widget.singleStep = step.value
        self._widget.minimum = float("-inf") if low is None else low
        self._widget.maximum = float("inf") if high is None else high


class ChoiceConnector(GuiConnector):
    """Base of combo boxes: `choices` are (label, value)."""

    widgets = (qt.QComboBox, ctk.ctkComboBox)
    signal = "currentIndexChanged"
    choices: list[tuple[str, Any]]

    def prepare(self) -> None:
        self._widget.clear()
        for label, _value in self.choices:
            self._widget.addItem(label)

    def read(self) -> Any:
        return self.choices[self._widget.currentIndex][1]

    def write(self, value: Any) -> None:
        values = [choice for _label, choice in self.choices]
        if value not in values:
            raise ValueError(f"{value!r} is not among the choices {values}")
        self._widget.currentIndex = values.index(value)


@parameterNodeGuiConnector
class ListedChoiceConnector(ChoiceConnector):
    """A plain value with a `Choice` annotation and a combo box."""

    datatypes = (int, float, str, bool)

    def prepare(self) -> None:
        choice = findFirstAnnotation(self.annotations, Choice)
        if choice is None:
            raise RuntimeError("a combo box needs the Choice annotation")
        self.choices = [(str(value), value) for value in choice.choices]
        super().prepare()


@parameterNodeGuiConnector
class EnumConnector(ChoiceConnector):
    """An enum and a combo box; the enum's method `label` gives the texts, else the names."""

    @classmethod
    def canRepresent(cls, widget: Any, datatype: Any) -> bool:
        plain = splitAnnotations(datatype)[0]
        return type(widget) in cls.widgets and isinstance(plain, type) and issubclass(plain, enum.Enum)

    def prepare(self) -> None:
        label = getattr(self.datatype, "label", lambda member: member.name)
        self.choices = [(label(member), member) for member in self.datatype]
        super().prepare()


@parameterNodeGuiConnector
class LineEditConnector(GuiConnector):
    """str and a line edit."""

    widgets = (qt.QLineEdit,)
    datatypes = (str,)
    signal, attribute = "textChanged", "text"


@parameterNodeGuiConnector
class LabelConnector(GuiConnector):
    """str and a label, which only shows it."""

    widgets = (qt.QLabel,)
    datatypes = (str,)
    attribute = "text"


@parameterNodeGuiConnector
class TextEditConnector(GuiConnector):
    """str and a text edit (not QPlainTextEdit)."""

    widgets = (qt.QTextEdit,)
    datatypes = (str,)
    signal, attribute = "textChanged", "plainText"


@parameterNodeGuiConnector
class PathConnector(GuiConnector):
    """A path and a path line edit."""

    widgets = (ctk.ctkPathLineEdit,)
    datatypes = PATHS
    signal, attribute = "currentPathChanged", "currentPath"

    def read(self) -> Any:
        return self.datatype(super().read())

    def write(self, value: Any) -> None:
        super().write(str(value))


@parameterNodeGuiConnector
class DirectoryConnector(PathConnector):
    """A path and a directory button."""

    widgets = (ctk.ctkDirectoryButton,)
    signal, attribute = "directoryChanged", "directory"


@parameterNodeGuiConnector
class NodeConnector(GuiConnector):
    """A node, or a union of node classes, and a node selector, whose node types are set."""

    widgets = (slicer.qMRMLNodeComboBox,)
    signal = "currentNodeChanged"

    @classmethod
    def canRepresent(cls, widget: Any, datatype: Any) -> bool:
        return type(widget) in cls.widgets and bool(cls.node_classes(datatype))

    @staticmethod
    def node_classes(datatype: Any) -> list[type]:
        plain = splitAnnotations(datatype)[0]
        members = typing.get_args(plain) if typing.get_origin(plain) is typing.Union else (plain,)
        return [m for m in members if isinstance(m, type) and issubclass(m, slicer.vtkMRMLNode)]

    def prepare(self) -> None:
        self._widget.nodeTypes = [cls.__name__ for cls in self.node_classes(self.datatype)]

    def read(self) -> Any:
        return self._widget.currentNode()

    def write(self, value: Any) -> None:
        self._widget.setCurrentNode(value)
