"""Starting the host: puts `qt`, `ctk` and Slicer's missing parts in place, once a process."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

from .errors import HostError, collect_unraised

REPOSITORY = Path(__file__).resolve().parents[2]
SLICER_MODULES = Path(__file__).with_name("slicer_modules")  # Slicer's own scripted modules, as far as panels use them
MODULE_FOLDERS = "DiNTS*"  # of the repository; Slicer puts the folder of every module on `sys.path`

_started: dict[str, Any] = {}


def is_started() -> bool:
    return bool(_started)


def start(testing: bool = False) -> Any:
    """Start the host and return `slicer.app`; a second call returns it again.

    testing: what `slicer.app.testingEnabled()` says; True makes `slicer.util`'s message boxes answer themselves.
    """
    if _started:
        if testing != _started["testing"]:
            raise HostError("the host was started with another value of `testing`; it starts once a process")
        return _started["app"]
    collect_unraised()
    sys.path.extend(str(folder) for folder in module_folders())
    _install_qt()
    slicer = _import_slicer()
    from .application import app as application_class
    from .garbage import GarbageCollector
    from .launcher import install_launcher

    application = application_class(testing)
    collector = GarbageCollector(application)
    install_launcher(Path(application.property("slicerHome")))
    _install_slicer_parts(slicer, application)
    collector.keep()
    _started.update(app=slicer.app, testing=testing)
    return slicer.app


def module_folders() -> list[Path]:
    """Folders of the repository's modules."""
    return [folder for folder in sorted(REPOSITORY.glob(MODULE_FOLDERS)) if folder.is_dir()]


def _install_qt() -> None:
    """`import slicer` imports every module on its package path, so `qt` and `ctk` must be there before it."""
    from .qt_module import make_qt_module

    sys.modules["qt"] = make_qt_module()
    sys.modules["ctk"] = types.ModuleType("ctk", "CTK's widgets.")


def _import_slicer() -> types.ModuleType:
    import slicer
    import vtk

    if not hasattr(slicer, "vtkMRMLScene"):
        raise HostError("the package 'slicer' is not slicer-core's")
    vtk.vtkLogger.SetStderrVerbosity(vtk.vtkLogger.VERBOSITY_OFF)  # files of the full application are not found
    return slicer


def _install_slicer_parts(slicer: types.ModuleType, application: Any) -> None:
    from . import i18n, input_output, main_window, modules, registry, util_parts, widgets  # noqa: F401 (classes register themselves)
    from .convert import wrap
    from .parameters import make_module as make_parameters
    from .scene import Scene

    scene = Scene(application.property("temporaryPath"))
    slicer.mrmlScene = scene.scene
    for name, module in (("i18n", i18n.make_module()), ("modules", None), ("moduleNames", None)):
        _add_module(slicer, name, module or types.ModuleType(f"slicer.{name}"))
    registry.fill(sys.modules["ctk"], "ctk")
    registry.fill(slicer, "slicer")
    application.parts.update(scene=scene.scene, logic=scene.application_logic)
    application.parts["io"] = input_output.qSlicerCoreIOManager(scene.scene, scene.logics)
    slicer.app = wrap(application)
    slicer.qSlicerScriptedLoadableModule = modules.ScriptedModule
    application.parts["modules"] = modules.qSlicerModuleManager(scene.logics)
    _add_module(slicer, "parameterNodeWrapper", make_parameters())
    from . import sample_data, scripted

    _add_module(slicer, "ScriptedLoadableModule", scripted)
    sys.modules["SampleData"] = sample_data
    util_parts.restrict(slicer.util)
    for path in sorted(SLICER_MODULES.glob("*.py")):
        application.parts["modules"].load(path)


def _add_module(slicer: types.ModuleType, name: str, module: types.ModuleType) -> None:
    sys.modules[f"slicer.{name}"] = module
    setattr(slicer, name, module)
