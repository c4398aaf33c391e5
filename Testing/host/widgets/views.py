"""qMRMLWidget, the base of widgets that follow a scene, and the widget that holds a scripted module's panel."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from ..registry import host_class


@host_class("slicer")
class qMRMLWidget(QWidget):
    """A widget with a scene; passes the scene on to widgets connected to its signal."""

    mrmlSceneChanged = Signal(object)

    def __init__(self, *args: object) -> None:
        super().__init__(next((a for a in args if isinstance(a, QWidget)), None))
        self._scene = None

    def mrmlScene(self) -> object:
        return self._scene

    def setMRMLScene(self, scene: object) -> None:
        if scene is self._scene:
            return
        self._scene = scene
        self.mrmlSceneChanged.emit(scene)


@host_class("slicer")
class qSlicerWidget(qMRMLWidget):
    """Base of module panels made in Qt Designer."""


@host_class("slicer")
class qSlicerScriptedLoadableModuleWidget(qSlicerWidget):
    """Holds the panel of one scripted module: the `parent` of its ScriptedLoadableModuleWidget."""

    def __init__(self, *args: object) -> None:
        super().__init__(*args)
        QVBoxLayout(self)
        self.panel = None
        self.rebuild = lambda: None

    def self(self) -> object:
        """The Python object that the module's author wrote."""
        return self.panel

    def reload(self) -> None:
        """Make the panel anew, from the module's source as it is loaded now."""
        self.rebuild()
