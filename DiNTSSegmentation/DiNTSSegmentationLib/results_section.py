"""The section "Results": segments, Show 3D and the table of the last run, and Undo."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import qt
import slicer
from slicer.i18n import tr as _

from DiNTSSegmentationLib.edits import Contents
from DiNTSSegmentationLib.runs import SegmentationRun

HEADER_HEIGHT, ROW_HEIGHT = 28, 30  # pixels, of Slicer's tables
MOST_ROWS = 8  # of a table before it scrolls


class ResultsSection:
    """Segments, Show 3D and the table of the last result."""

    def __init__(self, ui: SimpleNamespace, onUndone: Callable[[], None]) -> None:
        self.ui, self._onUndone = ui, onUndone
        self._before: Contents | None = None
        ui.undoButton.connect("clicked()", self._onUndo)
        ui.statisticsView.verticalHeader().visible = False
        ui.statisticsView.horizontalHeader().setSectionResizeMode(qt.QHeaderView.Stretch)
        self.show(None)

    def show(self, run: SegmentationRun | None) -> None:
        """The result of a run of one case; nothing for None."""
        segmentation = slicer.mrmlScene.GetNodeByID(run.results.segmentation) if run else None
        table = slicer.mrmlScene.GetNodeByID(run.results.statistics) if run and run.results.statistics else None
        self.ui.segmentsView.setSegmentationNode(segmentation)
        self.ui.show3DButton.setSegmentationNode(segmentation)
        self.ui.statisticsView.setMRMLTableNode(table)
        self._before = run.cases[0].before if run and len(run.cases) == 1 else None
        self.ui.undoButton.visible = self._before is not None
        for widget in (self.ui.segmentsView, self.ui.show3DButton):
            widget.visible = segmentation is not None
        self.ui.statisticsView.visible = table is not None
        rows = segmentation.GetSegmentation().GetNumberOfSegments() if segmentation else 0
        for view in (self.ui.segmentsView, self.ui.statisticsView):
            view.minimumHeight = view.maximumHeight = _tableHeight(rows)
        self.ui.resultsLabel.text = self._sentence(run) if segmentation else _("The last result will be shown here.")

    def _onUndo(self) -> None:
        self._before.restore()
        self.show(None)
        self.ui.resultsLabel.text = _("The segmentation is as it was before the last result.")
        self._onUndone()

    @staticmethod
    def _sentence(run: SegmentationRun) -> str:
        segmentation = slicer.mrmlScene.GetNodeByID(run.results.segmentation)
        text = _("“{segmentation}” from “{volume}”").format(segmentation=segmentation.GetName(), volume=run.title)
        if run.results.disagreement:
            map_ = slicer.mrmlScene.GetNodeByID(run.results.disagreement)
            text += "; " + _("uncertainty in “{volume}”").format(volume=map_.GetName())
        return text


def _tableHeight(rows: int) -> int:
    return HEADER_HEIGHT + ROW_HEIGHT * min(max(rows, 1), MOST_ROWS)
