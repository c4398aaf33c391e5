"""The main window, where a test asks for one: module selector, panel on the left, a layout without views."""

from __future__ import annotations

from typing import Any

import slicer
from PySide6.QtCore import Property, QObject, Qt, Signal
from PySide6.QtWidgets import QDockWidget, QLabel, QMainWindow, QScrollArea, QToolBar, QWidget

from .convert import unwrap
from .errors import HostError
from .plot_layout import PlotViews
from .registry import host_class
from .widgets.views import qMRMLWidget

SLICE_VIEWS = ("Red", "Green", "Yellow")
FOUR_UP_LAYOUT = 3  # vtkMRMLLayoutNode::SlicerLayoutFourUpView


@host_class("slicer")
class qMRMLSliceWidget(qMRMLWidget):
    """A slice view without a picture: its node and its logic are real."""

    def __init__(self, name: str, application: Any) -> None:
        super().__init__()
        scene = application.mrmlScene()
        self.setMRMLScene(scene)
        self._logic = slicer.vtkMRMLSliceLogic()
        self._logic.SetMRMLApplicationLogic(application.applicationLogic())
        self._logic.SetMRMLScene(scene)
        self._node = self._logic.AddSliceNode(name)
        application.applicationLogic().GetSliceLogics().AddItem(self._logic)

    def sliceLogic(self) -> Any:
        return self._logic

    def mrmlSliceNode(self) -> Any:
        return self._node


@host_class("slicer")
class qSlicerLayoutManager(QObject):
    """Remembers the layout and holds three slice views, and the plot views of the layout that the scene asks for."""

    layoutChanged = Signal(int)

    def __init__(self, application: Any) -> None:
        super().__init__()
        self._layout = FOUR_UP_LAYOUT
        self._slices = {name: qMRMLSliceWidget(name, application) for name in SLICE_VIEWS}
        self.plots = PlotViews(application.mrmlScene())

    def setLayout(self, layout: int) -> None:
        if layout != self._layout:
            self._layout = layout
            self.layoutChanged.emit(layout)

    def sliceViewNames(self) -> list[str]:
        return list(self._slices)

    def sliceWidget(self, name: str) -> QWidget | None:
        return self._slices.get(name)

    def plotWidget(self, index: int) -> QWidget | None:
        return self.plots.widgets[index] if 0 <= index < len(self.plots.widgets) else None

    def resetSliceViews(self) -> None:
        for view in self._slices.values():
            view.sliceLogic().FitSliceToAll()

    def resetThreeDViews(self) -> None:
        """There are no 3D views to reset."""

    layout = Property(int, lambda self: self._layout, setLayout)
    threeDViewCount = Property(int, lambda self: 0)
    plotViewCount = Property(int, lambda self: len(self.plots.widgets))
    tableViewCount = Property(int, lambda self: 0)


@host_class("slicer")
class qSlicerModuleSelectorToolBar(QToolBar):
    """Switches panels, and calls `exit()` of the one that goes and `enter()` of the one that comes."""

    moduleSelected = Signal(str)

    def __init__(self, application: Any, panel_area: QScrollArea) -> None:
        super().__init__("Modules")
        self._application = application
        self._area = panel_area
        self._name = ""
        self._label = QLabel("", self)
        self.addWidget(self._label)

    def selectModule(self, name: str) -> None:
        module = self._application.moduleManager().module(name)
        if module is None:
            raise HostError(f"no module '{name}' is loaded")
        self.release()
        self._name = name
        self._label.setText(getattr(module, "title", "") or name)
        widget = unwrap(module.widgetRepresentation())
        self._area.setWidget(widget)
        widget.show()
        self._call("enter")
        self.moduleSelected.emit(name)

    def release(self) -> None:
        """Take the panel out of the window, which is about to go."""
        self._call("exit")
        shown = self._area.takeWidget()
        if shown is not None:
            shown.hide()
        self._name = ""

    def _call(self, method: str) -> None:
        module = self._application.moduleManager().module(self._name)
        if module is not None:
            getattr(module.widgetRepresentation().self(), method, lambda: None)()

    selectedModule = Property(str, lambda self: self._name)


@host_class("slicer")
class qSlicerMainWindow(QMainWindow):
    """The window."""

    def __init__(self, application: Any, views: QWidget) -> None:
        super().__init__()
        self.setObjectName("qSlicerMainWindow")
        self.setWindowTitle("Slicer")
        area = QScrollArea()
        area.setWidgetResizable(True)
        dock = QDockWidget("Module Panel")
        dock.setWidget(area)
        self.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, dock)
        self._selector = qSlicerModuleSelectorToolBar(application, area)
        self.addToolBar(self._selector)
        self.setCentralWidget(views)
        self.statusBar()

    def moduleSelector(self) -> QWidget:
        return self._selector


def make_main_window(application: Any) -> tuple[QObject, QMainWindow]:
    """(layout manager, main window); the window is shown."""
    layouts = qSlicerLayoutManager(application)
    window = qSlicerMainWindow(application, layouts.plots)
    window.show()
    return layouts, window
