"""A small scripted module that tests open in the host: every kind of binding, one button."""

from enum import Enum
from pathlib import Path
from typing import Annotated, Optional

import numpy as np
import qt
import slicer
from slicer.i18n import tr as _
from slicer.parameterNodeWrapper import Choice, Default, WithinRange, parameterNodeWrapper
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin


class HostDemo(ScriptedLoadableModule):
    """Names the module."""

    def __init__(self, parent):
        super().__init__(parent)
        self.parent.title = _("Host demo")
        self.parent.categories = ["Examples"]


class Quality(Enum):
    """Choices of a combo box."""

    QUICK = "quick"
    BEST = "best"

    def label(self):
        return self.value


@parameterNodeWrapper
class HostDemoParameters:
    """What the panel edits."""

    volume: Optional[slicer.vtkMRMLScalarVolumeNode]  # noqa: UP045 (Slicer 5.8 takes no `X | None`)
    threshold: Annotated[float, WithinRange(0, 100), Default(40.0)]
    folds: Annotated[int, WithinRange(1, 5)] = 5
    invert: bool = False
    label: str = "result"
    vote: Annotated[str, Choice(["majority", "mean"])] = "majority"
    quality: Quality = Quality.BEST
    model: Path
    names: list[str]


class HostDemoWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The panel."""

    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.parameters = None
        self.tag = None
        self.log = []

    def setup(self):
        super().setup()
        widget = slicer.util.loadUI(self.resourcePath("UI/HostDemo.ui"))
        self.layout.addWidget(widget)
        self.ui = slicer.util.childWidgetVariables(widget)
        widget.setMRMLScene(slicer.mrmlScene)
        self.logic = HostDemoLogic()
        self.ui.applyButton.connect("clicked(bool)", self.onApply)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self.onSceneClosed)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndImportEvent, self.onSceneClosed)

    def enter(self):
        self.bind()

    def exit(self):
        self.unbind()

    def cleanup(self):
        self.unbind()
        self.removeObservers()

    def onSceneStartClose(self, caller, event):
        self.unbind()  # or the wrapper would read a node without values

    def onSceneClosed(self, caller, event):
        self.unbind()
        self.bind()

    def bind(self):
        if self.parameters is None:
            self.parameters = HostDemoParameters(self.logic.getParameterNode())
            widgets = [w for w in vars(self.ui).values() if w.property("SlicerParameterName")]
            self.tag = self.parameters.connectParametersToGui({w.property("SlicerParameterName"): w for w in widgets})

    def unbind(self):
        if self.parameters is not None:
            self.parameters.disconnectGui(self.tag)
            self.parameters.parameterNode.RemoveObservers("ModifiedEvent")  # Slicer leaves the GUI's before 5.12
            self.parameters = None

    def onApply(self):
        volume = self.parameters.volume
        if volume is None:
            raise ValueError("no volume")
        self.log.append(self.logic.count(volume, self.parameters.threshold))
        self.ui.statusLabel.text = f"{self.log[-1]} voxels"
        qt.QTimer.singleShot(0, lambda: self.log.append("later"))


class HostDemoLogic(ScriptedLoadableModuleLogic):
    """The computation."""

    def count(self, volume, threshold):
        return int((slicer.util.arrayFromVolume(volume) > threshold).sum())


class HostDemoTest(ScriptedLoadableModuleTest):
    """The module's own test."""

    def test_counting(self):
        volume = slicer.util.addVolumeFromArray(np.full((2, 2, 2), 50.0), name="Cube")
        assert HostDemoLogic().count(volume, 40.0) == 8
