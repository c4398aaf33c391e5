"""The section "Results": segments, Show 3D and the table of the last run, and Undo."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import qt
import slicer
from slicer.i18n import tr as _
from slicer.util import VTKObservationMixin

from DiNTSSegmentationLib.edits import Contents, holdsWork
from DiNTSSegmentationLib.rank_table import predictedDice
from DiNTSSegmentationLib.runs import SegmentationRun

HEADER_HEIGHT, ROW_HEIGHT = 28, 30  # pixels, of Slicer's tables
MOST_ROWS = 8  # of a table before it scrolls


class ResultsSection(VTKObservationMixin):
    """Segments, Show 3D and the table of the last result, for as long as these are in the scene."""

    def __init__(self, ui: SimpleNamespace, onUndone: Callable[[], None]) -> None:
        super().__init__()
        self.ui, self._onUndone = ui, onUndone
        self._run: SegmentationRun | None = None  # whose result is shown
        self._before: Contents | None = None
        self._timer = qt.QTimer()  # what was just unfolded has its place after a turn of the event loop
        self._timer.setSingleShot(True)
        self._timer.connect("timeout()", lambda: ui.scrollArea.ensureWidgetVisible(ui.resultsSection))
        ui.undoButton.connect("clicked()", self._onUndo)
        ui.statisticsView.verticalHeader().visible = False
        ui.statisticsView.horizontalHeader().setSectionResizeMode(qt.QHeaderView.Stretch)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.NodeRemovedEvent, self._onNodeRemoved)
        self.show(None)

    def close(self) -> None:
        """Before the panel goes."""
        self._timer.stop()
        self.removeObservers()

    def bringUp(self) -> None:
        """Unfolds the section and scrolls to it."""
        self.ui.resultsSection.collapsed = False
        self._timer.start()

    def show(self, run: SegmentationRun | None) -> None:
        """The result of a run of one case; nothing for None."""
        segmentation = _node(run.results.segmentation) if run else None
        table = _node(run.results.statistics) if run else None
        self._run = run if segmentation else None
        self.ui.segmentsView.setSegmentationNode(segmentation)
        self.ui.show3DButton.setSegmentationNode(segmentation)
        self.ui.statisticsView.setMRMLTableNode(table)
        self._before = self._run.cases[0].before if self._run and len(self._run.cases) == 1 else None
        self.ui.undoButton.visible = self._before is not None
        for widget in (self.ui.segmentsView, self.ui.show3DButton):
            widget.visible = segmentation is not None
        self.ui.statisticsView.visible = table is not None
        rows = segmentation.GetSegmentation().GetNumberOfSegments() if segmentation else 0
        for view in (self.ui.segmentsView, self.ui.statisticsView):
            view.minimumHeight = view.maximumHeight = _tableHeight(rows)
        self.ui.resultsLabel.text = (
            _sentence(run, segmentation) if run and segmentation else _("The last result will be shown here.")
        )

    def _onUndo(self) -> None:
        if self._before is None:
            return  # the button is hidden
        segmentation = _node(self._before.nodeId)
        question = _("This segmentation was edited since the last result; that would be lost. Undo it all the same?")
        wasEdited = segmentation is not None and holdsWork(segmentation)
        if wasEdited and not slicer.util.confirmOkCancelDisplay(question):
            return
        self._before.restore()
        self.show(None)
        self.ui.resultsLabel.text = _("The segmentation is as it was before the last result.")
        self._onUndone()

    def _onNodeRemoved(self, caller: slicer.vtkMRMLScene, event: str) -> None:
        if self._run is None or all(_node(identifier) for identifier in vars(self._run.results).values() if identifier):
            return
        self.show(self._run)
        if self._run is None:
            self.ui.resultsLabel.text = _("The last result was deleted.")


def _node(identifier: str) -> slicer.vtkMRMLNode | None:
    return slicer.mrmlScene.GetNodeByID(identifier) if identifier else None


def _sentence(run: SegmentationRun, segmentation: slicer.vtkMRMLSegmentationNode) -> str:
    disagreement = _node(run.results.disagreement)
    text = _("“{segmentation}” from “{volume}”").format(segmentation=segmentation.GetName(), volume=run.title)
    dice = predictedDice(run.cases[0].values.get("assessment") or {})
    if dice:
        text += "; " + _("predicted Dice {dice}").format(dice=dice)
    if disagreement is not None:
        text += "; " + _("uncertainty in “{volume}”").format(volume=disagreement.GetName())
    values = run.cases[0].values if len(run.cases) == 1 else {}
    if values.get("computed", 0) < values.get("windows", 0):
        left = _("{computed} of {windows} windows were computed, elsewhere is nothing")
        text += "; " + left.format(computed=values["computed"], windows=values["windows"])
    if not values.get("bound_holds", True):
        text += "; " + _("what may be left out was measured with other windows: quality “Best” computes all")
    return text


def _tableHeight(rows: int) -> int:
    return HEADER_HEIGHT + ROW_HEIGHT * min(max(rows, 1), MOST_ROWS)
