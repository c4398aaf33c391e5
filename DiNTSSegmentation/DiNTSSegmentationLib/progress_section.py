"""The section "Progress": how far a run is, with time left, and what the engine said."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

from slicer.i18n import tr as _

from DiNTSLib.durations import duration
from DiNTSSegmentationLib.background_command import BackgroundCommand
from DiNTSSegmentationLib.cases import State
from DiNTSSegmentationLib.runs import RunQueue, SegmentationRun

PROGRESS_STEPS = 1000  # of the bar


class ProgressSection:
    """Status, bar, Cancel and log of the run at work; the last sentence of the run before while there is none."""

    def __init__(self, ui: SimpleNamespace, queue: RunQueue) -> None:
        self.ui, self.queue = ui, queue
        self.shown: SegmentationRun | BackgroundCommand | None = None
        self._cancel: Callable[[], None] | None = None
        self._task: BackgroundCommand | None = None  # that goes on beside runs
        self._logged = 0
        ui.progressBar.setRange(0, PROGRESS_STEPS)
        ui.progressBar.textVisible = False
        ui.cancelButton.connect("clicked()", self._onCancel)
        ui.progressArea.visible = False

    def show(self, run: SegmentationRun) -> None:
        """Brings the widgets up to date with a run that began, went on or ended."""
        self._cancel = self._cancelRun
        self._show(run, self._ended(run) if run.isFinished else self._status(run))
        if run.isFinished and self._task is not None and not self._task.isFinished:
            self._cancel = self._task.cancel
            self.ui.progressBar.visible = self.ui.cancelButton.visible = True

    def showTask(self, task: BackgroundCommand) -> None:
        """The same of a command; while a run is at work that one is shown."""
        self._task = task
        if self.queue.current is None:
            self._cancel = task.cancel
            self._show(task, task.status)

    def _show(self, work: SegmentationRun | BackgroundCommand, status: str) -> None:
        if work is not self.shown:
            self.shown, self._logged = work, 0
            self.ui.logText.appendPlainText(_("— {run}").format(run=work.title))
        for kind, text in work.log[self._logged :]:
            self.ui.logText.appendPlainText(_("Warning: {text}").format(text=text) if kind == "warning" else text)
        self._logged = len(work.log)
        self.ui.progressArea.visible = True
        self.ui.progressBar.visible = self.ui.cancelButton.visible = not work.isFinished
        self.ui.progressBar.setRange(0, PROGRESS_STEPS if work.fraction else 0)  # 0: it moves, and says no number
        self.ui.progressBar.value = round(work.fraction * PROGRESS_STEPS)
        self.ui.statusLabel.text = status

    def _status(self, run: SegmentationRun) -> str:
        parts = [run.title]
        if len(run.cases) > 1:
            parts.append(_("{number} of {count}").format(number=run.position + 1, count=len(run.cases)))
        if run.state is State.WAITING:
            parts.append(_("waiting"))
        elif run.total == 0:
            parts.append(_("loading the model"))
        elif run.done < run.total:
            parts.append(_("{percent} %").format(percent=100 * run.done // run.total))
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

    def _ended(self, run: SegmentationRun) -> str:
        if run.state is State.DONE:
            # The last one says, for example, that the run fell back to the CPU.
            warnings = [text for kind, text in run.log if kind == "warning"]
            return " ".join([_("{run}: done.").format(run=run.title), *warnings[-1:]])
        if run.state is State.CANCELLED:
            return _("{run}: cancelled; the scene is as it was.").format(run=run.title)
        return _("{run} failed. {error}").format(run=run.title, error=run.error)

    def _cancelRun(self) -> None:
        if self.queue.current is not None:
            self.queue.cancel(self.queue.current)

    def _onCancel(self) -> None:
        if self._cancel is not None:
            self._cancel()
