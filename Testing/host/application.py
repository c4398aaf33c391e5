"""`slicer.app`: the application object, with the settings, paths and managers that panels ask it for."""

from __future__ import annotations

import os
import platform
import tempfile
from pathlib import Path
from typing import Any

from PySide6.QtCore import Property, QObject, QProcessEnvironment, QSettings, Signal
from PySide6.QtWidgets import QApplication

from . import api
from .registry import host_class

VERSION = "5.8.1"  # the Slicer whose listing the host follows


@host_class("slicer")
class qSlicerCoreCommandOptions(QObject):
    """How the application was started."""

    testingEnabled = Property(bool, lambda self: self._testing)
    noMainWindow = Property(bool, lambda self: True)
    runPythonAndExit = Property(bool, lambda self: self._exits, lambda self, value: self._set_exits(value))

    def __init__(self, testing: bool) -> None:
        super().__init__()
        self._testing = testing
        self._exits = False

    def _set_exits(self, value: bool) -> None:
        self._exits = value


@host_class("slicer")
class app(QApplication):  # it is listed as slicer.app
    """QApplication with what Slicer adds. Settings and temporary files live in a folder of this process alone."""

    startupCompleted = Signal()
    mrmlSceneChanged = Signal(object)

    def __init__(self, testing: bool) -> None:
        super().__init__(["Slicer"])
        self._testing = testing
        self._folder = tempfile.TemporaryDirectory(prefix="slicer-host-")
        QSettings.setDefaultFormat(QSettings.Format.IniFormat)
        QSettings.setPath(QSettings.Format.IniFormat, QSettings.Scope.UserScope, self._folder.name)
        self.setOrganizationName("SlicerHost")
        self.setApplicationName("Slicer")
        self.setApplicationVersion(VERSION)
        self._settings = QSettings()
        self._options = qSlicerCoreCommandOptions(testing)
        self._environment = QProcessEnvironment.systemEnvironment()
        self.exit_code = 0
        self.parts: dict[str, Any] = {}  # scene, logic and managers, given by the session

    def mrmlScene(self) -> Any:
        return self.parts["scene"]

    def applicationLogic(self) -> Any:
        return self.parts["logic"]

    def moduleManager(self) -> Any:
        return self.parts["modules"]

    def coreIOManager(self) -> Any:
        return self.parts["io"]

    def ioManager(self) -> Any:
        return self.parts["io"]

    def layoutManager(self) -> Any:
        """None without a main window, as in Slicer."""
        return self.parts.get("layouts")

    def moduleLogic(self, name: str) -> Any:
        return self.parts["modules"].module(name).logic()

    def testingEnabled(self) -> bool:
        return self._testing

    def commandOptions(self) -> QObject:
        return self._options

    def settings(self) -> QSettings:
        return self._settings

    def userSettings(self) -> QSettings:
        return self._settings

    def revisionUserSettings(self) -> QSettings:
        return self._settings

    def startupEnvironment(self) -> QProcessEnvironment:
        return self._environment

    def environment(self) -> QProcessEnvironment:
        return self._environment

    def exit(self, code: int = 0) -> None:
        self.exit_code = code
        super().exit(code)

    def pauseRender(self) -> None:
        """There are no render windows to pause."""

    def resumeRender(self) -> None:
        """There are no render windows to resume."""

    def setRenderPaused(self, paused: bool) -> None:
        """There are no render windows to pause."""

    def moduleDocumentationUrl(self, name: str) -> str:
        return f"https://slicer.readthedocs.io/en/latest/user_guide/modules/{name.lower()}.html"

    def _path(self, name: str) -> str:
        folder = Path(self._folder.name) / name
        folder.mkdir(exist_ok=True)
        return folder.as_posix()

    temporaryPath = Property(str, lambda self: self._path("temporary"))
    cachePath = Property(str, lambda self: self._path("cache"))
    extensionsInstallPath = Property(str, lambda self: self._path("extensions"))
    slicerHome = Property(str, lambda self: self._path("home"))
    defaultScenePath = Property(str, lambda self: self._path("scenes"))
    slicerUserSettingsFilePath = Property(str, lambda self: self._settings.fileName())
    launcherExecutableFilePath = Property(str, lambda self: f"{self._path('home')}/Slicer")
    isInstalled = Property(bool, lambda self: True)
    startupWorkingPath = Property(str, lambda self: os.getcwd())
    majorVersion = Property(int, lambda self: int(VERSION.split(".")[0]))
    minorVersion = Property(int, lambda self: int(VERSION.split(".")[1]))
    mainApplicationName = Property(str, lambda self: "Slicer")
    revision = Property(str, lambda self: "33241")
    repositoryRevision = Property(str, lambda self: "33241")
    os = Property(str, lambda self: {"Linux": "linux", "Windows": "win", "Darwin": "macosx"}[platform.system()])
    arch = Property(str, lambda self: "amd64")
    platform = Property(str, lambda self: f"{self.os}-{self.arch}")
    documentationBaseUrl = Property(str, lambda self: "https://slicer.readthedocs.io/en/5.8/")


def is_listed(name: str) -> bool:
    """Whether the real `slicer.app` has a member of this name."""
    return name in api.listing("slicer.app").names
