"""The section "Correct and learn": a result is corrected, kept in a data set, and the model learns from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ctk
import qt
import slicer
from slicer.i18n import tr as _

from dints.errors import InputError
from DiNTSLib.device_list import hereOnly
from DiNTSLib.scene import showAlone
from DiNTSSegmentationLib import learning
from DiNTSSegmentationLib.background_command import BackgroundCommand
from DiNTSSegmentationLib.models import ModelEntry, chooseVersion, findModel, versionsOf
from DiNTSSegmentationLib.rank_table import RankTable

if TYPE_CHECKING:
    from DiNTSSegmentationLib.panel import SegmentationPanel
    from DiNTSSegmentationLib.parameters import SegmentationParameters

SEGMENT_EDITOR = "SegmentEditor"
LAST_DATA_SET = "DiNTS/DataSet"  # of the application's settings: each patient may have a scene of their own


class LearnSection:
    """Binds the widgets of the section. One of its commands is at work at a time; segmentations go on beside it.

    Args:
        panel: that it is a part of.
    """

    def __init__(self, panel: SegmentationPanel) -> None:
        self.panel, self.ui = panel, panel.ui
        self.task: BackgroundCommand | None = None  # at work
        self._sentence = ""  # how the last one ended
        self._newModel = ""  # path of a version that may be used
        self.ranking = RankTable(self.ui.rankTree, self._onOpened)
        self._ranker: ModelEntry | None = None  # the model whose proposals are listed
        for edit in (self.ui.dataSetEdit, self.ui.scansEdit):
            edit.filters = ctk.ctkPathLineEdit.Dirs
            edit.connect("currentPathChanged(QString)", self._onFolders)
        self.ui.correctButton.connect("clicked()", self._onCorrect)
        self.ui.addButton.connect("clicked()", self._onAdd)
        self.ui.improveButton.connect("clicked()", self._onImprove)
        self.ui.useButton.connect("clicked()", self._onUse)
        self.ui.backButton.connect("clicked()", self._onBack)
        self.ui.rankButton.connect("clicked()", self._onRank)

    def bind(self, parameters: SegmentationParameters) -> None:
        """Shows the folders: path line edits have no connector to a text. That of the data set is chosen once."""
        dataSet, scans = parameters.dataSet or qt.QSettings().value(LAST_DATA_SET, ""), parameters.scans
        self.ui.dataSetEdit.currentPath, self.ui.scansEdit.currentPath = dataSet, scans
        parameters.dataSet = dataSet  # the line may have shown it already

    def update(self) -> None:
        """What is enabled, and the sentence below the buttons."""
        parameters, model = self.panel.parameters, self.panel.models.chosen
        isFree = self.task is None and not self.panel.missing
        isUsable = model is not None and not model.problem
        self.ui.correctButton.enabled = parameters.segmentation is not None
        reason, counts = self._reason(), learning.CorrectionCounts()
        try:
            counts = learning.correctionCounts(parameters.dataSet) if parameters.dataSet else counts
        except InputError as error:
            reason = str(error)
        self.ui.addButton.enabled = isFree and not reason
        self.ui.improveButton.enabled = isFree and isUsable and bool(counts.training)
        self.ui.rankButton.enabled = isFree and isUsable and bool(parameters.scans)
        said = self._sentence or _state(parameters.dataSet, counts)
        self.ui.learnLabel.text = " ".join(filter(None, (said, reason if self.task is None else "")))
        self.ui.useButton.visible = bool(self._newModel)
        self.ui.useButton.enabled = self.ui.backButton.enabled = isFree
        previous = versionsOf(model, self.panel.models.entries)[1] if model is not None else None
        self.ui.backButton.visible = previous is not None and not self._newModel
        if previous is not None:
            self.ui.backButton.text = _("Go back to version {version}").format(version=previous.version)

    def close(self) -> None:
        """Before the panel goes. What was at work goes on where it was when it is started again."""
        if self.task is not None:
            self.task.shutdown()

    def _reason(self) -> str:
        """Why nothing can be added; "" if it can."""
        parameters = self.panel.parameters
        try:
            learning.checkCorrection(
                list(parameters.volumes), parameters.segmentation, self.panel.models.chosen, parameters.dataSet
            )
        except InputError as error:
            return str(error)
        return ""

    def _model(self) -> ModelEntry:
        """The chosen one; InputError where there is none."""
        model = self.panel.models.chosen
        if model is None:
            raise InputError(_("Choose a model."))
        return model

    def _onFolders(self) -> None:
        if self.panel.isBound:
            parameters = self.panel.parameters
            parameters.dataSet, parameters.scans = self.ui.dataSetEdit.currentPath, self.ui.scansEdit.currentPath
            self._sentence = ""

    def _onCorrect(self) -> None:
        """Opens Segment Editor with the result and the scan that it is of."""
        parameters = self.panel.parameters
        segmentation, volumes = parameters.segmentation, [volume for volume in parameters.volumes if volume]
        display = segmentation.GetDisplayNode() if segmentation is not None else None
        if display is not None:
            display.SetVisibility(True)  # another scan may have been opened meanwhile
        slicer.util.selectModule(SEGMENT_EDITOR)
        editor = slicer.modules.SegmentEditorWidget.editor
        editor.setSegmentationNode(segmentation)
        if volumes:
            editor.setSourceVolumeNode(volumes[0])

    def _onAdd(self) -> None:
        parameters = self.panel.parameters
        case = list(parameters.volumes), parameters.segmentation
        self._begin(lambda: learning.addCorrection(*case, self._model(), parameters.dataSet, onFinished=self._onAdded))

    def _onAdded(self, task: BackgroundCommand) -> None:
        added = task.results.get("case")
        if added is not None:
            use = _("held out to compare versions") if added["held_out"] else _("to learn from")
            done = _("is corrected again") if added["replaced"] else _("is added")
            self._end(_("Case {case} {done}, {use}.").format(case=added["case"], done=done, use=use))
        else:
            self._end(task.status)

    def _onImprove(self) -> None:
        parameters, model = self.panel.parameters, self.panel.models.chosen
        found = learning.finishedImprovement(model, parameters.dataSet) if model is not None else None
        if found is not None:
            self._offer(found)
            return
        self._begin(
            lambda: learning.improveModel(
                self._model(),
                parameters.dataSet,
                device=hereOnly(parameters.device),
                onProgress=self._onProgress,
                onFinished=self._onImproved,
            )
        )

    def _onImproved(self, task: BackgroundCommand) -> None:
        improvement = task.results.get("improvement")
        self.task = None
        if improvement is not None:
            self._offer(improvement)
        else:
            self._say(task.status)

    def _offer(self, improvement: Mapping[str, Any]) -> None:
        """What came out, and the new version unless it is worse."""
        self._newModel = improvement["path"] or ""
        forgetting = improvement["forgetting"] or {}
        self._say(" ".join(filter(None, (improvement["sentence"], forgetting.get("sentence", "")))))

    def _onUse(self) -> None:
        """Installs the new version beside the old one, where it is not installed, and chooses it."""
        file = Path(self._newModel).name
        if any(entry.file == file for entry in self.panel.models.entries):
            self._newModel = ""
            self._change(lambda: chooseVersion(findModel(file)))
            return
        self._begin(lambda: learning.installModel(self._newModel, onFinished=self._onInstalled))

    def _onInstalled(self, task: BackgroundCommand) -> None:
        self.task = None
        if not task.isDone:
            self._say(task.status)
            return
        file, self._newModel = Path(self._newModel).name, ""
        self._change(lambda: chooseVersion(findModel(file)))

    def _onBack(self) -> None:
        model = self.panel.models.chosen
        previous = versionsOf(model, self.panel.models.entries)[1] if model is not None else None
        if previous is not None:
            self._change(lambda: chooseVersion(previous))

    def _change(self, work: Callable[[], str]) -> None:
        """Calls what chooses a version and returns its file's name."""
        try:
            file = work()
        except (InputError, OSError) as error:
            self._say(str(error))
            return
        self.panel.sceneParameters.model = file
        self.panel.models.refresh(file)
        chosen = self.panel.models.chosen
        self._say(_("“{model}” is in use.").format(model=chosen.title) if chosen else "")

    def _onRank(self) -> None:
        parameters = self.panel.parameters
        self.ranking.clear()
        self._ranker = self.panel.models.chosen
        self._begin(
            lambda: learning.rankScans(
                self._model(),
                parameters.scans,
                device=hereOnly(parameters.device),
                onProgress=self._onRanking,
                onFinished=self._onRanked,
            )
        )

    def _onRanking(self, task: BackgroundCommand) -> None:
        if "ranked" in task.results:
            self.ranking.add(task.results["ranked"])
        self._onProgress(task)

    def _onRanked(self, task: BackgroundCommand) -> None:
        ranking = task.results.get("ranking")
        if ranking is not None:
            self.ranking.show(ranking["cases"])
            self._end(_("Correct the first ones first: double-click one to load it with its proposal."))
        else:
            self._end(task.status)

    def _onOpened(self, row: dict[str, object]) -> None:
        """Loads a ranked scan and its proposal, and chooses both; as it is now where it was loaded before."""
        if self._ranker is None or not self.panel.isBound:
            return
        try:
            volumes, segmentation = learning.openProposal(row, self._ranker)
        except ValueError as error:
            self._say(str(error))
            return
        showAlone(volumes[0])
        self.panel.inputs.show(volumes)
        self.panel.parameters.segmentation = segmentation
        self.panel.update()

    def _begin(self, begin: Callable[[], BackgroundCommand]) -> None:
        self._sentence = ""
        if self.panel.parameters.dataSet:
            qt.QSettings().setValue(LAST_DATA_SET, self.panel.parameters.dataSet)
        try:
            self.task = begin()
        except (InputError, OSError) as error:
            self._sentence = str(error)
        self.update()

    def _onProgress(self, task: BackgroundCommand) -> None:
        self.panel.progress.showTask(task)

    def _end(self, sentence: str) -> None:
        self.task = None
        self._say(sentence)

    def _say(self, sentence: str) -> None:
        self._sentence = sentence
        if self.panel.isBound:
            self.update()


def _state(folder: str, counts: learning.CorrectionCounts) -> str:
    """Of the data set; a disk may be missing, on which there is one already."""
    if folder and not Path(folder).exists():
        return _("{folder} is not there; a new data set will be made.").format(folder=folder)
    if not counts.training:
        return ""
    text = _("{training} cases to learn from, {held} held out to compare versions.")
    return text.format(training=counts.training, held=counts.heldOut)
