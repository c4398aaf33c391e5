"""What the panel says of a run: progress with time left, log, results, table of a batch."""

from __future__ import annotations

from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from DiNTSSegmentationLib.cases import State
from DiNTSSegmentationLib.runs import Run, RunQueue

PROGRESS_STEPS = 1000  # of the bar
SECONDS_IN_MINUTE = 60
HEADER_HEIGHT, ROW_HEIGHT = 28, 30  # pixels, of Slicer's tables
MOST_ROWS = 8  # of a table before it scrolls
CASE_COLUMN, STATE_COLUMN, DETAIL_COLUMN = range(3)


class ProgressSection:
    """Status, bar, Cancel and log of the run at work; the last sentence of the run before while there is none."""

    def __init__(self, ui: Any, queue: RunQueue) -> None:
        self.ui, self.queue = ui, queue
        self.run: Run | None = None
        self._logged = 0
        ui.progressBar.setRange(0, PROGRESS_STEPS)
        ui.progressBar.textVisible = False
        ui.cancelButton.connect("clicked()", self._onCancel)
        ui.progressArea.visible = False

    def show(self, run: Run) -> None:
        """Brings the widgets up to date with a run that began, went on or ended."""
        if run is not self.run:
            self.run, self._logged = run, 0
            self.ui.logText.appendPlainText(_("— {run}").format(run=run.title))
        for kind, text in run.log[self._logged :]:
            self.ui.logText.appendPlainText(_("Warning: {text}").format(text=text) if kind == "warning" else text)
        self._logged = len(run.log)
        self.ui.progressArea.visible = True
        self.ui.progressBar.visible = self.ui.cancelButton.visible = not run.isFinished
        self.ui.progressBar.value = round(run.fraction * PROGRESS_STEPS)
        self.ui.statusLabel.text = self._ended(run) if run.isFinished else self._status(run)

    def _status(self, run: Run) -> str:
        parts = [run.title]
        if len(run.cases) > 1:
            parts.append(_("{number} of {count}").format(number=run.position + 1, count=len(run.cases)))
        if run.state is State.WAITING:
            parts.append(_("waiting"))
        elif run.total == 0:
            parts.append(_("loading the model"))
        elif run.done < run.total:
            parts.append(_("window {done} of {total}").format(done=run.done, total=run.total))
        else:
            parts.append(_("finishing"))
        if run.secondsLeft is not None and run.done < run.total:
            parts.append(_("{time} left").format(time=duration(run.secondsLeft)))
        if self.queue.waiting:
            parts.append(_("{count} waiting").format(count=self.queue.waiting))
        return ", ".join(parts)

    def _ended(self, run: Run) -> str:
        if run.state is State.DONE:
            # The last one says, for example, that the run fell back to the CPU.
            warnings = [text for kind, text in run.log if kind == "warning"]
            return " ".join([_("{run}: done.").format(run=run.title), *warnings[-1:]])
        if run.state is State.CANCELLED:
            return _("{run}: cancelled; the scene is as it was.").format(run=run.title)
        return _("{run} failed. {error}").format(run=run.title, error=run.error)

    def _onCancel(self) -> None:
        if self.queue.current is not None:
            self.queue.cancel(self.queue.current)


class ResultsSection:
    """Segments, Show 3D and the table of the last result."""

    def __init__(self, ui: Any) -> None:
        self.ui = ui
        ui.statisticsView.verticalHeader().visible = False
        ui.statisticsView.horizontalHeader().setSectionResizeMode(qt.QHeaderView.Stretch)
        self.show(None)

    def show(self, run: Run | None) -> None:
        """The result of a run of one case; nothing for None."""
        segmentation = slicer.mrmlScene.GetNodeByID(run.results.segmentation) if run else None
        table = slicer.mrmlScene.GetNodeByID(run.results.statistics) if run and run.results.statistics else None
        self.ui.segmentsView.setSegmentationNode(segmentation)
        self.ui.show3DButton.setSegmentationNode(segmentation)
        self.ui.statisticsView.setMRMLTableNode(table)
        for widget in (self.ui.segmentsView, self.ui.show3DButton):
            widget.visible = segmentation is not None
        self.ui.statisticsView.visible = table is not None
        rows = segmentation.GetSegmentation().GetNumberOfSegments() if segmentation else 0
        for view in (self.ui.segmentsView, self.ui.statisticsView):
            view.minimumHeight = view.maximumHeight = _tableHeight(rows)
        self.ui.resultsLabel.text = self._sentence(run) if segmentation else _("The last result will be shown here.")

    @staticmethod
    def _sentence(run: Run) -> str:
        segmentation = slicer.mrmlScene.GetNodeByID(run.results.segmentation)
        text = _("“{segmentation}” from “{volume}”").format(segmentation=segmentation.GetName(), volume=run.title)
        if run.results.disagreement:
            map_ = slicer.mrmlScene.GetNodeByID(run.results.disagreement)
            text += "; " + _("uncertainty in “{volume}”").format(volume=map_.GetName())
        return text


class BatchTable:
    """A row for each case of a batch: what became of it."""

    def __init__(self, ui: Any) -> None:
        self.tree = ui.batchTree
        header = self.tree.header()
        header.setSectionResizeMode(CASE_COLUMN, qt.QHeaderView.ResizeToContents)
        header.setSectionResizeMode(STATE_COLUMN, qt.QHeaderView.ResizeToContents)

    def show(self, run: Run) -> None:
        while self.tree.topLevelItemCount > len(run.cases):
            self.tree.takeTopLevelItem(self.tree.topLevelItemCount - 1)
        for row, case in enumerate(run.cases):
            if row == self.tree.topLevelItemCount:
                self.tree.addTopLevelItem(qt.QTreeWidgetItem(["", "", ""]))
            item = self.tree.topLevelItem(row)
            for column, text in (
                (CASE_COLUMN, case.title),
                (STATE_COLUMN, case.state.label()),
                (DETAIL_COLUMN, case.detail),
            ):
                if item.text(column) != text:
                    item.setText(column, text)
                    item.setToolTip(column, text)


def _tableHeight(rows: int) -> int:
    return HEADER_HEIGHT + ROW_HEIGHT * min(max(rows, 1), MOST_ROWS)


def duration(seconds: float) -> str:
    """A time in words, as precise as it is worth."""
    if seconds < SECONDS_IN_MINUTE:
        return _("{seconds} s").format(seconds=max(1, round(seconds)))
    return _("{minutes} min").format(minutes=round(seconds / SECONDS_IN_MINUTE))
