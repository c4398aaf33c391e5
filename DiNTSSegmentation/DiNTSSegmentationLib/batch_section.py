"""The section "Batch": all volumes of the scene or all images of a folder, with a row for each."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import ctk
import qt
import slicer
from slicer.i18n import tr as _

from DiNTSLib.plain_text import plain
from DiNTSSegmentationLib.cases import SegmentationCase
from DiNTSSegmentationLib.parameters import SegmentationParameters, Source
from DiNTSSegmentationLib.rank_table import predictedDice
from DiNTSSegmentationLib.runs import SegmentationRun

if TYPE_CHECKING:
    from DiNTSSegmentationLib.panel import SegmentationPanel

CASE_COLUMN, STATE_COLUMN, DETAIL_COLUMN = range(3)
FOLDER_WIDGETS = ("inputFolderLabel", "inputFolderEdit", "outputFolderLabel", "outputFolderEdit")


class BatchSection:
    """Binds the widgets of the section; the panel starts the runs.

    Args:
        panel: that it is a part of.

    Attributes:
        refusal: why the last batch could not begin, until something changes.
    """

    def __init__(self, panel: SegmentationPanel) -> None:
        self.panel, self.ui, self.refusal = panel, panel.ui, ""
        for edit in (self.ui.inputFolderEdit, self.ui.outputFolderEdit):
            edit.filters = ctk.ctkPathLineEdit.Dirs
            edit.connect("currentPathChanged(QString)", self._onFolders)
        header = self.ui.batchTree.header()
        header.setSectionResizeMode(CASE_COLUMN, qt.QHeaderView.ResizeToContents)
        header.setSectionResizeMode(STATE_COLUMN, qt.QHeaderView.ResizeToContents)
        self.ui.batchButton.connect("clicked()", self._onStart)

    def bind(self, parameters: SegmentationParameters) -> None:
        """Shows the folders: path line edits have no connector to a text."""
        self.ui.inputFolderEdit.currentPath = parameters.inputFolder
        self.ui.outputFolderEdit.currentPath = parameters.outputFolder

    def update(self, missing: str) -> None:
        """What is shown and enabled; `missing` says what must be installed first."""
        fromFolder = self.panel.parameters.batchSource is Source.FOLDER
        for name in FOLDER_WIDGETS:
            getattr(self.ui, name).visible = fromFolder
        reason = missing or self._reason()
        self.ui.batchReasonLabel.text = reason or self.refusal
        self.ui.batchButton.enabled = not reason

    def show(self, run: SegmentationRun) -> None:
        """What became of each case."""
        tree = self.ui.batchTree
        while tree.topLevelItemCount > len(run.cases):
            tree.takeTopLevelItem(tree.topLevelItemCount - 1)
        for row, case in enumerate(run.cases):
            if row == tree.topLevelItemCount:
                tree.addTopLevelItem(qt.QTreeWidgetItem(["", "", ""]))
            item, texts = tree.topLevelItem(row), (case.title, case.state.label(), _detail(case))
            for column, text in zip((CASE_COLUMN, STATE_COLUMN, DETAIL_COLUMN), texts, strict=True):
                if item.text(column) != text:
                    item.setText(column, text)
                    item.setToolTip(column, plain(text))

    def _reason(self) -> str:
        """Why the batch cannot start; "" if it can."""
        model, parameters = self.panel.models.chosen, self.panel.parameters
        if model is None or model.problem:
            return _("Choose a model that is not damaged.")
        if parameters.batchSource is Source.FOLDER:
            if not parameters.inputFolder or not Path(parameters.inputFolder).is_dir():
                return _("Choose the folder of the images.")
            return "" if parameters.outputFolder else _("Choose a folder for the results.")
        if len(model.channels) > 1:
            return _("This model takes several volumes at a time; use a folder.")
        return "" if self._volumes() else _("Load a volume.")

    def _volumes(self) -> list[slicer.vtkMRMLScalarVolumeNode]:
        """Those of the scene that can be segmented."""
        selector = self.panel.inputs.selectors[0]
        return [selector.nodeFromIndex(number) for number in range(selector.nodeCount())]

    def _onFolders(self) -> None:
        if self.panel.isBound:
            parameters = self.panel.parameters
            parameters.inputFolder = self.ui.inputFolderEdit.currentPath
            parameters.outputFolder = self.ui.outputFolderEdit.currentPath

    def _onStart(self) -> None:
        parameters, logic = self.panel.parameters, self.panel.logic
        arguments = {**self.panel.common(), "onFinished": self._onFinished}
        if parameters.batchSource is Source.FOLDER:
            folders = parameters.inputFolder, parameters.outputFolder
            self.refusal = self.panel.start(lambda: logic.segmentFolder(*folders, **arguments))
        else:
            volumes, statistics = self._volumes(), parameters.statistics
            self.refusal = self.panel.start(lambda: logic.segmentVolumes(volumes, statistics=statistics, **arguments))
        self.panel.update()

    def _onFinished(self, run: SegmentationRun) -> None:
        self.show(run)
        self.panel.update()


def _detail(case: SegmentationCase) -> str:
    """Where the result is and how good it will be, or what went wrong."""
    dice = predictedDice(case.values.get("assessment") or {})
    return _("{result}; predicted Dice {dice}").format(result=case.detail, dice=dice) if dice else case.detail
