"""DiNTS Segmentation: segments loaded volumes with trained models."""

from __future__ import annotations

import sys

import qt
import slicer
from DiNTSSegmentationLib.logic import DiNTSSegmentationLogic
from DiNTSSegmentationLib.panel import SegmentationPanel
from DiNTSSegmentationLib.selftest import DiNTSSegmentationTest
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import ScriptedLoadableModule, ScriptedLoadableModuleWidget
from slicer.util import VTKObservationMixin

__all__ = ["DiNTSSegmentation", "DiNTSSegmentationLogic", "DiNTSSegmentationTest", "DiNTSSegmentationWidget"]


class DiNTSSegmentation(ScriptedLoadableModule):
    """Describes the module."""

    def __init__(self, parent: slicer.qSlicerScriptedLoadableModule) -> None:
        super().__init__(parent)
        self.parent.title = _("DiNTS Segmentation")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Segmentation")]
        self.parent.dependencies = ["DiNTSEngine"]
        self.parent.contributors = ["The SlicerDiNTS authors"]
        self.parent.helpText = _(
            "Segments volumes with networks that DiNTS Search found and trained, or that were imported. "
            "Choose a model and a volume and press Apply."
        )
        self.parent.acknowledgementText = _(
            "Implements DiNTS: Differentiable Neural Network Topology Search for 3D Medical Image Segmentation "
            "(Y. He, D. Yang, H. Roth, C. Zhao, D. Xu, CVPR 2021)."
        )


class DiNTSSegmentationWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """Binds the panel to the scene's parameter node while the module is shown. Runs go on when it is not."""

    logic: DiNTSSegmentationLogic
    panel: SegmentationPanel

    def __init__(self, parent: qt.QWidget | None = None) -> None:
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)

    def setup(self) -> None:
        super().setup()
        self.logic = DiNTSSegmentationLogic()
        self.panel = SegmentationPanel(slicer.util.loadUI(self.resourcePath("UI/DiNTSSegmentation.ui")), self.logic)
        self.ui = self.panel.ui
        self.layout.addWidget(self.panel.area)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self.onSceneChanged)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndImportEvent, self.onSceneChanged)
        if self.parent.visible:  # it was reloaded: Slicer calls `enter` only when a module is chosen
            self.enter()

    def enter(self) -> None:
        self.panel.bind(self.logic.getParameterNode())

    def exit(self) -> None:
        self.panel.unbind()

    def cleanup(self) -> None:
        self.logic.queue.cancelAll()
        self.panel.close()
        self.removeObservers()

    def onSceneStartClose(self, caller: slicer.vtkMRMLScene, event: str) -> None:
        """What runs would come back to nodes that are gone."""
        self.logic.queue.cancelAll()
        self.panel.unbind()

    def onSceneChanged(self, caller: slicer.vtkMRMLScene, event: str) -> None:
        if self.parent.visible:
            self.panel.unbind()
            self.panel.bind(self.logic.getParameterNode())

    def onReload(self) -> None:
        """For developers: the package beside the module is read anew as well."""
        for name in [name for name in sys.modules if name.split(".")[0] == "DiNTSSegmentationLib"]:
            del sys.modules[name]
        super().onReload()
