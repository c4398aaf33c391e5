"""The panel: binds its sections to the parameter node, says why Apply is disabled, and hands work to the logic."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from dints.errors import InputError
from DiNTSLib import dependencies
from DiNTSLib.binding import BoundPanel, ParameterBinding
from DiNTSLib.device_list import DeviceList, deviceWord
from DiNTSLib.install_panel import showInstallPanel
from DiNTSLib.plain_text import plainWidgets
from DiNTSSegmentationLib.batch_section import BatchSection
from DiNTSSegmentationLib.cases import Settings, State
from DiNTSSegmentationLib.chosen_nodes import ChosenNodes
from DiNTSSegmentationLib.cleanup_table import CleanupTable
from DiNTSSegmentationLib.drop_area import DropArea
from DiNTSSegmentationLib.edits import fingerprint, holdsWork
from DiNTSSegmentationLib.estimate_line import EstimateLine
from DiNTSSegmentationLib.input_section import InputSection
from DiNTSSegmentationLib.learn_section import LearnSection
from DiNTSSegmentationLib.logic import DiNTSSegmentationLogic
from DiNTSSegmentationLib.model_section import ModelSection
from DiNTSSegmentationLib.parameters import Quality, SegmentationParameters, engineOptions
from DiNTSSegmentationLib.progress_section import ProgressSection
from DiNTSSegmentationLib.results_section import ResultsSection
from DiNTSSegmentationLib.runs import SegmentationRun
from DiNTSSegmentationLib.welcome import Welcome, sampleModel

FORM_LABELS = (  # get the same width, so that the fields of all sections are aligned
    "modelLabel",
    "regionLabel",
    "segmentationLabel",
    "qualityLabel",
    "deviceLabel",
    "batchSourceLabel",
    "inputFolderLabel",
    "outputFolderLabel",
    "dataSetLabel",
    "scansLabel",
)
UPDATE_DELAY = 50  # milliseconds: several changes at once are one update


class SegmentationPanel(BoundPanel[SegmentationParameters]):
    """The widgets of the module.

    Args:
        content: what the .ui file describes.
        logic: by which runs are started.
    """

    def __init__(self, content: qt.QWidget, logic: DiNTSSegmentationLogic) -> None:
        self.logic = logic
        self.ui = plainWidgets(content)
        content.setMRMLScene(slicer.mrmlScene)
        self.missing = ""  # what must be installed before anything can run, as a sentence
        self._replaceable = ""  # fingerprint of the edited contents that the user gave up
        self._refusal = ""  # why the last run could not begin, until something changes
        self.models = ModelSection(self.ui, self._onModel)
        self.inputs = InputSection(self.ui, self._onVolumes)
        self.cleanup = CleanupTable(self.ui, self._onCleanup)
        sent = _("Voxels and their geometry are sent to {name}, without names and headers; nothing stays there.")
        self.devices = DeviceList(self.ui.deviceBox, self.ui.deviceNote, sent, self._onDevice)
        self.estimate = EstimateLine(self.ui, self._askEstimate, lambda: self.devices.computer)
        self.progress = ProgressSection(self.ui, logic.queue)
        self.results = ResultsSection(self.ui, self.update)
        self.batch = BatchSection(self)
        self.learn = LearnSection(self)
        self.welcome = Welcome(self.ui, self._onSample, self.update)
        self.area = DropArea(content, self.models.importModel)
        self._timer = qt.QTimer()
        self._timer.setSingleShot(True)
        self._timer.setInterval(UPDATE_DELAY)
        self._timer.connect("timeout()", self.update)
        self._chosenNodes = ChosenNodes(self._onChanged)
        self._prepare()

    @property
    def sceneParameters(self) -> SegmentationParameters:
        """What the user chose, also while another module is shown."""
        return self.parameters if self.isBound else self.logic.getParameterNode()

    def bind(self, parameters: SegmentationParameters) -> None:
        """Shows the parameters and writes what the user changes into them."""
        self.unbind()
        names = dependencies.missing()
        self.missing = _("{names} must be installed first.").format(names=", ".join(names)) if names else ""
        volumes = list(parameters.volumes)  # the selectors are made for the model, and then show them
        self._binding = ParameterBinding(parameters, self.ui, lambda caller, event: self._onChanged())
        self.models.refresh(parameters.model)
        self.devices.show(parameters.device)
        self.batch.bind(parameters)
        self.learn.bind(parameters)
        self.inputs.show(volumes)
        self.update()

    def unbind(self) -> None:
        """Lets go of the parameters; the widgets stay as they are."""
        self._timer.stop()
        self._chosenNodes.observe([])
        self.estimate.stop()
        if self._binding is not None:
            self._binding.release()
            self._binding = None

    def close(self) -> None:
        """Before the panel goes."""
        self.unbind()
        self.models.close()
        self.results.close()
        self.learn.close()
        self.devices.close()

    def update(self) -> None:
        """What is enabled and shown, and the sentence beside Apply."""
        if not self.isBound:
            return
        parameters = self.parameters
        self._chosenNodes.observe([*parameters.volumes, parameters.region, parameters.segmentation])
        self.inputs.update()
        edited = self._editedSegmentation()
        self.ui.editedFrame.visible = edited is not None
        model = self.models.chosen
        self.cleanup.show(tuple(name for _value, name in model.labels) if model else (), dict(self.parameters.cleanup))
        self.ui.disagreementBox.enabled = (
            bool(model and model.folds > 1) and self.parameters.quality is not Quality.QUICK
        )
        self.ui.installButton.visible = bool(self.missing)
        self.welcome.update(not any(self.inputs.volumes), sampleModel(self.models.entries), self.missing)
        reason = self.missing or self.welcome.sentence or self._reason()
        self.ui.applyButton.enabled = not reason
        self.ui.reasonLabel.text = reason or self._refusal
        self.ui.reasonLabel.visible = bool(self.ui.reasonLabel.text)
        self.batch.update(self.missing)
        self.learn.update()
        if self.ui.applyButton.enabled and self.logic.queue.current is None:
            self.estimate.restart()
        else:
            self.estimate.stop()

    def _prepare(self) -> None:
        """What the .ui file cannot say, and the connections."""
        self.ui.editedFrame.visible = self.ui.installButton.visible = False
        labels = [getattr(self.ui, name) for name in FORM_LABELS]
        width = max(label.sizeHint.width() for label in labels)
        for label in labels:
            label.minimumWidth = width
        self.inputs.setLabelWidth(width)
        # The footer keeps its height when the reason gives way to the prediction, which takes two lines.
        self.ui.reasonArea.minimumHeight = 2 * qt.QFontMetrics(self.ui.reasonArea.font).lineSpacing()
        self.ui.applyButton.connect("clicked()", self._onApply)
        self.ui.installButton.connect("clicked()", self._onInstall)
        self.ui.newSegmentationButton.connect("clicked()", self._onNewSegmentation)
        self.ui.replaceButton.connect("clicked()", self._onReplace)

    def _onChanged(self) -> None:
        self._refusal = self.batch.refusal = ""
        self._timer.start()

    def _onModel(self, file: str) -> None:
        if self.isBound:
            model = self.models.chosen
            self.inputs.setChannels(model.channels if model else ())
            self.parameters.model = file
            self.update()

    def _onDevice(self, device: str) -> None:
        if self.isBound:
            self.parameters.device = device
            self.update()

    def _onVolumes(self, volumes: list[slicer.vtkMRMLScalarVolumeNode | None]) -> None:
        if self.isBound:
            self.parameters.volumes = volumes

    def _onCleanup(self, choices: dict[str, str]) -> None:
        self.parameters.cleanup = choices

    def _onNewSegmentation(self) -> None:
        self.parameters.segmentation = None

    def _onReplace(self) -> None:
        self._replaceable = fingerprint(self.parameters.segmentation)
        self.update()

    def _onInstall(self) -> None:
        showInstallPanel(lambda: self.bind(self.parameters))

    def _onSample(self, volume: slicer.vtkMRMLScalarVolumeNode) -> None:
        """Segments the sample scan with its model, unless another module was opened while it was downloaded."""
        slicer.util.setSliceViewerLayers(background=volume, fit=True)
        if not self.isBound:
            return
        self.parameters.region = self.parameters.segmentation = None
        self.inputs.show([volume])
        model = sampleModel(self.models.entries)
        if model is not None:  # else it was removed while the scan was downloaded
            self.models.choose(model.path)
            self._onApply()

    def _onApply(self) -> None:
        parameters = self.parameters
        self._refusal = self.start(
            lambda: self.logic.segment(
                list(parameters.volumes),
                parameters.segmentation,
                region=parameters.region,
                allFrames=parameters.allFrames and self.inputs.isSequence,
                disagreement=parameters.disagreement,
                statistics=parameters.statistics,
                overwrite=bool(self._replaceable),
                onFinished=self.onFinished,
                **self.common(),
            )
        )
        self.update()

    def common(self) -> dict[str, Any]:
        """What every run is given; InputError where no model is chosen."""
        parameters, model = self.parameters, self.models.chosen
        if model is None:
            raise InputError(_("Choose a model."))
        return {
            "model": model.path,
            "quality": parameters.quality,
            "device": deviceWord(parameters.device),
            "options": engineOptions(parameters, model),
            "onProgress": self._onProgress,
        }

    def start(self, begin: Callable[[], SegmentationRun]) -> str:
        """Begins a run; returns why it cannot begin, "" if it can. `update` shows either."""
        try:
            run = begin()
        except InputError as error:
            return str(error)
        self._replaceable = ""
        if run.state is State.WAITING and self.logic.queue.current is not None:
            self.progress.show(self.logic.queue.current)  # for the number of waiting runs
        return ""

    def _onProgress(self, run: SegmentationRun) -> None:
        self.progress.show(run)
        if not self.ui.batchSection.collapsed and len(run.cases) > 1:
            self.batch.show(run)

    def onFinished(self, run: SegmentationRun) -> None:
        """Shows what became of a run of the chosen volumes."""
        if run.state is State.DONE:
            self.results.show(run)
            self.results.bringUp()
            parameters = self.sceneParameters
            if parameters.segmentation is None:
                parameters.segmentation = slicer.mrmlScene.GetNodeByID(run.results.segmentation)
        self.update()
        if run.state is State.CANCELLED:
            self.estimate.stop()  # which would start the process anew that was just ended

    def _reason(self) -> str:
        """Why Apply is disabled; "" if it is not."""
        model, parameters = self.models.chosen, self.parameters
        if model is None:
            return _("Choose a model.") if self.models.entries else _("Import a model first.")
        try:
            volumes = list(parameters.volumes)
            self.logic.check(volumes, model, parameters.segmentation, parameters.region, bool(self._replaceable))
        except InputError as error:
            return str(error)
        return self.devices.problem

    def _editedSegmentation(self) -> slicer.vtkMRMLSegmentationNode | None:
        """The chosen segmentation if replacing it would lose work that the user did not give up."""
        segmentation = self.parameters.segmentation
        if segmentation is None or not holdsWork(segmentation):
            self._replaceable = ""
            return None
        if self._replaceable and self._replaceable == fingerprint(segmentation):
            return None
        self._replaceable = ""
        return segmentation

    def _askEstimate(self, onResult: Callable[[dict[str, Any]], None]) -> object:
        model, volume = self.models.chosen, self.inputs.volumes[0]
        if not self.isBound or model is None or volume is None or self.logic.queue.current is not None:
            return None
        own, region = self.common(), self.parameters.region
        settings: Settings = self.logic.settings(model, own["quality"], own["device"], own["options"], False, False)
        frames = self.inputs.frames if self.parameters.allFrames else 1
        self.logic.estimate(volume, model, settings, onResult, region, frames)
        return volume.GetID(), settings, region is not None, frames
