"""Loading .ui files with Slicer's own widget classes, and refusing what Slicer's loader would not know."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from functools import cache
from typing import Any

from PySide6.QtCore import QBuffer, QByteArray, QFile, QIODevice
from PySide6.QtUiTools import QUiLoader
from PySide6.QtWidgets import QWidget

from .errors import HostError
from .i18n import language, translate
from .members import property_table

TEXTS = ("text", "title", "toolTip", "placeholderText", "windowTitle")  # properties that a user reads
MRML_SIGNAL = "mrmlSceneChanged(vtkMRMLScene*)"
MRML_SLOT = "setMRMLScene(vtkMRMLScene*)"
LAYOUT_CLASSES = ("QVBoxLayout", "QHBoxLayout", "QGridLayout", "QFormLayout", "QStackedLayout")

widget_classes: dict[str, type[QWidget]] = {}  # the host's own widgets by name, filled when they are defined


class UiLoader(QUiLoader):
    """QUiLoader that knows the host's widgets."""

    def createWidget(self, class_name: str, parent: QWidget | None = None, name: str = "") -> QWidget:
        if class_name not in widget_classes:
            return super().createWidget(class_name, parent, name)
        widget = widget_classes[class_name](parent)
        widget.setObjectName(name)
        return widget

    def load(self, device: Any, parent: QWidget | None = None) -> QWidget:
        if isinstance(device, QFile) and not device.isOpen():
            device.open(QIODevice.OpenModeFlag.ReadOnly)
        prepared, scene_connections = prepare(bytes(device.readAll().data()), language())
        buffer = QBuffer()
        buffer.setData(QByteArray(prepared))
        buffer.open(QIODevice.OpenModeFlag.ReadOnly)
        widget = super().load(buffer, parent)
        for sender, receiver in scene_connections:
            _named(widget, sender).mrmlSceneChanged.connect(_named(widget, receiver).setMRMLScene)
        return widget


@cache
def prepare(content: bytes, language: str) -> tuple[bytes, list[tuple[str, str]]]:
    """What Qt's own loader reads, and what is connected after it; kept, as tests open a panel again and again.

    language: that the texts are translated into now.
    """
    root = ElementTree.fromstring(content)
    check_properties(root)
    translate_texts(root)
    scene_connections = take_scene_connections(root)
    return ElementTree.tostring(root), scene_connections


def translate_texts(root: ElementTree.Element) -> None:
    """Into the application's language, but for what is none: names of parameters and of settings."""
    for entry in root.iter("property"):
        text = entry.find("string")
        if entry.get("name") in TEXTS and text is not None and text.get("notr") != "true":
            text.text = translate("", text.text or "")


def check_properties(root: ElementTree.Element) -> None:
    """Raise HostError for a widget class or a property that the .ui file uses and the class does not declare."""
    for element in root.iter("widget"):
        class_name = element.get("class", "")
        declared = _declared_properties(class_name)
        for entry in element.findall("property"):
            if entry.get("stdset") != "0" and entry.get("name") not in declared:
                raise HostError(f"{class_name} '{element.get('name')}' has no property '{entry.get('name')}'")


def _declared_properties(class_name: str) -> set[str]:
    from .qt_module import raw_class  # not at file level: that module needs this one

    found = widget_classes.get(class_name) or raw_class(class_name)
    if found is None:
        raise HostError(f"the host knows no widget class '{class_name}'")
    return {*property_table(found), "orientation"}  # lines and scroll bars: set by the loader itself


def take_scene_connections(root: ElementTree.Element) -> list[tuple[str, str]]:
    """Remove the connections of the MRML scene, whose type Qt cannot connect here; return (sender, receiver) names."""
    taken = []
    for connections in root.iter("connections"):
        for entry in list(connections):
            if entry.findtext("signal") == MRML_SIGNAL and entry.findtext("slot") == MRML_SLOT:
                taken.append((entry.findtext("sender", ""), entry.findtext("receiver", "")))
                connections.remove(entry)
    return taken


def _named(root: QWidget, name: str) -> Any:
    found = root if root.objectName() == name else root.findChild(QWidget, name)
    if found is None:
        raise HostError(f"the .ui file connects '{name}', which it does not contain")
    return found
