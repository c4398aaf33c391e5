"""DiNTS Search: finds and trains a network for a data set, in four steps on one panel."""

from __future__ import annotations

import sys

import qt
import slicer
from DiNTSSearchLib.logic import DiNTSSearchLogic
from DiNTSSearchLib.panel import SearchPanel
from DiNTSSearchLib.selftest import DiNTSSearchTest
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import ScriptedLoadableModule, ScriptedLoadableModuleWidget
from slicer.util import VTKObservationMixin

__all__ = ["DiNTSSearch", "DiNTSSearchLogic", "DiNTSSearchTest", "DiNTSSearchWidget"]


class DiNTSSearch(ScriptedLoadableModule):
    """Describes the module."""

    def __init__(self, parent: slicer.qSlicerScriptedLoadableModule) -> None:
        super().__init__(parent)
        self.parent.title = _("DiNTS Search")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Segmentation")]
        self.parent.dependencies = ["DiNTSEngine"]
        self.parent.contributors = ["The SlicerDiNTS authors"]
        self.parent.helpText = _(
            "Searches a network for the segmentation of your own images within a memory budget, trains it, and exports "
            "it as a model for DiNTS Segmentation. Everything is kept in a run folder, from which it can go on later."
        )
        self.parent.acknowledgementText = _(
            "Implements DiNTS: Differentiable Neural Network Topology Search for 3D Medical Image Segmentation "
            "(Y. He, D. Yang, H. Roth, C. Zhao, D. Xu, CVPR 2021)."
        )


class DiNTSSearchWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """Binds the panel to the scene's parameter node. A search goes on while another module is shown."""

    logic: DiNTSSearchLogic
    panel: SearchPanel

    def __init__(self, parent: qt.QWidget | None = None) -> None:
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)

    def setup(self) -> None:
        super().setup()
        self.logic = DiNTSSearchLogic()
        widget = slicer.util.loadUI(self.resourcePath("UI/DiNTSSearch.ui"))
        widget.setMRMLScene(slicer.mrmlScene)
        self.panel = SearchPanel(widget, self.logic)
        self.ui = self.panel.ui
        self.layout.addWidget(widget)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self.onSceneChanged)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndImportEvent, self.onSceneChanged)
        if self.parent.visible:  # it was reloaded: Slicer calls `enter` only when a module is chosen
            self.enter()

    def enter(self) -> None:
        self.panel.bind()

    def exit(self) -> None:
        if not self.panel.isBusy:  # plots and states follow a run that is under way
            self.panel.unbind()

    def cleanup(self) -> None:
        self.removeObservers()
        self.panel.close()

    def onSceneStartClose(self, caller: slicer.vtkMRMLScene, event: str) -> None:
        self.panel.unbind()

    def onSceneChanged(self, caller: slicer.vtkMRMLScene, event: str) -> None:
        if self.parent.visible or self.panel.isBusy:
            self.panel.unbind()
            self.panel.bind()

    def onReload(self) -> None:
        """For developers: the package beside the module is read anew as well."""
        for name in [name for name in sys.modules if name.split(".")[0] == "DiNTSSearchLib"]:
            del sys.modules[name]
        super().onReload()
