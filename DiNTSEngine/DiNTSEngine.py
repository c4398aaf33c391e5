"""The hidden module: makes the engine and the code that both panels share importable, and shows what is installed."""

from __future__ import annotations

import slicer
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)

from DiNTSLib import sample_data
from DiNTSLib.install_panel import InstallPanel
from DiNTSLib.temporary import removeLeftovers
from DiNTSLib.worker import endSharedWorker


class DiNTSEngine(ScriptedLoadableModule):
    """Names the module; once Slicer is up, registers the sample data and clears away what a crash left behind."""

    def __init__(self, parent: slicer.qSlicerScriptedLoadableModule) -> None:
        super().__init__(parent)
        self.parent.title = _("DiNTS Engine")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Segmentation")]
        self.parent.contributors = ["The SlicerDiNTS authors"]
        self.parent.hidden = True
        self.parent.helpText = _(
            "Shows what the DiNTS modules need and installs it on request. DiNTS searches, trains and applies networks "
            "for the segmentation of 3D medical images."
        )
        self.parent.acknowledgementText = _(
            "He, Yang, Roth, Zhao, Xu: DiNTS: Differentiable Neural Network Topology Search for 3D Medical Image "
            "Segmentation. CVPR 2021."
        )
        slicer.app.connect("startupCompleted()", self.registerSampleData)
        slicer.app.connect("startupCompleted()", removeLeftovers)

    def registerSampleData(self) -> None:
        """Offers the phantom and the decathlon's case in the Sample Data module, where that is there."""
        try:
            from SampleData import SampleDataLogic
        except ImportError:  # a Slicer that was built without it
            return
        sample_data.register(SampleDataLogic.registerCustomSampleDataSource, self.resourcePath("Icons"))


class DiNTSEngineWidget(ScriptedLoadableModuleWidget):
    """The install panel."""

    def setup(self) -> None:
        super().setup()
        self.panel = InstallPanel()
        self.layout.addWidget(self.panel.widget)
        self.ui = self.panel.ui

    def enter(self) -> None:
        self.panel.refresh()

    def cleanup(self) -> None:
        self.panel.cleanup()
        endSharedWorker()


class DiNTSEngineLogic(ScriptedLoadableModuleLogic):
    """Computes nothing: the engine does, in its own processes (see `DiNTSLib`)."""


class DiNTSEngineTest(ScriptedLoadableModuleTest):
    """Runs inside the application."""

    def test_the_phantom_is_a_volume_with_contrast(self) -> None:
        volume = sample_data.loadPhantom()
        voxels = slicer.util.arrayFromVolume(volume)
        assert voxels.ndim == 3
        assert voxels.std() > 0
