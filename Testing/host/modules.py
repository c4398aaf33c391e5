"""`slicer.modules` and the module manager: Slicer's own modules as logics, scripted modules with their panels."""

from __future__ import annotations

import importlib.util
import sys
import types
from pathlib import Path
from typing import Any

import slicer
from PySide6.QtCore import QObject, Signal

from .convert import raw_of
from .errors import HostError
from .registry import host_class


class Module:
    """One of Slicer's own modules: a name and a logic. It has no panel here."""

    __slots__ = ("_logic", "name", "path")

    def __init__(self, name: str, logic: Any) -> None:
        self.name = name
        self.path = ""
        self._logic = logic

    def logic(self) -> Any:
        return self._logic

    def widgetRepresentation(self) -> None:
        raise HostError(f"the host has no panel of Slicer's module {self.name}")


class ScriptedModule:
    """A scripted module: what the module's class describes on its `parent`, and the panel once it was asked for."""

    __slots__ = (
        "_instance",
        "_source",
        "_widget",
        "acknowledgementText",
        "associatedNodeTypes",
        "categories",
        "contributors",
        "dependencies",
        "helpText",
        "hidden",
        "icon",
        "index",
        "name",
        "path",
        "title",
    )

    def __init__(self, path: Path) -> None:
        self.name = path.stem
        self.path = path.as_posix()
        self.hidden = False
        self._widget = None
        self._source = load_source(path)
        self._instance = getattr(self._source, self.name)(self)

    def logic(self) -> Any:
        return None  # the logic that Slicer keeps for a scripted module is a C++ object without use to a panel

    def widgetRepresentation(self) -> Any:
        """The widget with the module's panel, built at the first call."""
        if self._widget is None:
            self._widget = slicer.qSlicerScriptedLoadableModuleWidget()
            self._widget.objectName = f"{self.name}ModuleWidget"
            self._widget.setMRMLScene(slicer.mrmlScene)
            raw_of(self._widget).rebuild = self._build
            self._build()
        return self._widget

    def _build(self) -> None:
        source = sys.modules[self.name]
        panel = getattr(source, f"{self.name}Widget")(self._widget)
        raw_of(self._widget).panel = panel
        setattr(slicer.modules, f"{self.name}Widget", panel)
        panel.setup()

    def close(self) -> None:
        """Drop the panel."""
        if self._widget is not None:
            self._widget.hide()
            self._widget.delete()
            self._widget = None
            delattr(slicer.modules, f"{self.name}Widget")


def load_source(path: Path) -> types.ModuleType:
    """Import the module's file as Slicer does: its folder is on `sys.path`, its name is the file's."""
    folder = str(path.parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    source = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = source
    spec.loader.exec_module(source)
    return source


@host_class("slicer")
class qSlicerModuleFactoryManager(QObject):
    """Lists the modules."""

    def __init__(self, names: Any) -> None:
        super().__init__()
        self._names = names

    def loadedModuleNames(self) -> list[str]:
        return list(self._names())


@host_class("slicer")
class qSlicerModuleManager(QObject):
    """Loads, finds and unloads modules."""

    moduleAboutToBeUnloaded = Signal(str)
    moduleLoaded = Signal(str)
    moduleUnloaded = Signal(str)

    def __init__(self, logics: dict[str, Any]) -> None:
        super().__init__()
        self._modules: dict[str, Any] = {}
        self._factory = qSlicerModuleFactoryManager(lambda: self._modules)
        for name, logic in logics.items():
            self.add(Module(name, logic))

    def add(self, module: Any) -> None:
        """Offer `module` as `slicer.modules.<lower case name>`."""
        self._modules[module.name] = module
        setattr(slicer.modules, module.name.lower(), module)
        setattr(slicer.moduleNames, module.name, module.name)
        self.moduleLoaded.emit(module.name)

    def load(self, path: Path) -> ScriptedModule:
        """Load a scripted module; one that is loaded already is returned as it is."""
        if path.stem not in self._modules:
            self.add(ScriptedModule(path))
            setattr(slicer.modules, f"{path.stem}Instance", self._modules[path.stem]._instance)
        return self._modules[path.stem]

    def unload(self, name: str) -> None:
        """Unload a scripted module, as at the application's exit: its panel's `cleanup()` is called."""
        self.moduleAboutToBeUnloaded.emit(name)
        self._modules.pop(name).close()
        for attribute in (name.lower(), f"{name}Instance"):
            delattr(slicer.modules, attribute)
        delattr(slicer.moduleNames, name)
        self.moduleUnloaded.emit(name)

    def module(self, name: str) -> Any:
        return self._modules.get(name)

    def isModuleLoaded(self, name: str) -> bool:
        return name in self._modules

    def modulesNames(self) -> list[str]:
        return list(self._modules)

    def factoryManager(self) -> QObject:
        return self._factory
