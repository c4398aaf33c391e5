"""What the panel says of a run: progress with time left, log, results."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from DiNTSSegmentationLib.cases import State
from DiNTSSegmentationLib.edits import Contents
from DiNTSSegmentationLib.runs import Run, RunQueue

PROGRESS_STEPS = 1000  # of the bar
SECONDS_IN_MINUTE = 60
HEADER_HEIGHT, ROW_HEIGHT = 28, 30  # pixels, of Slicer's tables
MOST_ROWS = 8  # of a table before it scrolls


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
        if run.silence:
            text = _("the engine has not answered for {time}: wait, or cancel and try again")
            parts.append(text.format(time=duration(run.silence)))
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

    def __init__(self, ui: Any, onUndone: Callable[[], None]) -> None:
        self.ui, self._onUndone = ui, onUndone
        self._before: Contents | None = None
        ui.undoButton.connect("clicked()", self._onUndo)
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
    def _sentence(run: Run) -> str:
        segmentation = slicer.mrmlScene.GetNodeByID(run.results.segmentation)
        text = _("“{segmentation}” from “{volume}”").format(segmentation=segmentation.GetName(), volume=run.title)
        if run.results.disagreement:
            map_ = slicer.mrmlScene.GetNodeByID(run.results.disagreement)
            text += "; " + _("uncertainty in “{volume}”").format(volume=map_.GetName())
        return text


def _tableHeight(rows: int) -> int:
    return HEADER_HEIGHT + ROW_HEIGHT * min(max(rows, 1), MOST_ROWS)


def duration(seconds: float) -> str:
    """A time in words, as precise as it is worth."""
    if seconds < SECONDS_IN_MINUTE:
        return _("{seconds} s").format(seconds=max(1, round(seconds)))
    return _("{minutes} min").format(minutes=round(seconds / SECONDS_IN_MINUTE))
