"""The panel: four steps, one job at a time, and what the engine says of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import ctk
import qt
import slicer
from slicer.i18n import tr as _

from dints.errors import failure
from DiNTSLib import dependencies
from DiNTSLib.binding import ParameterBinding
from DiNTSLib.events import EXIT_CANCELLED, Event
from DiNTSLib.install_panel import showInstallPanel
from DiNTSSearchLib.data_section import DataSection
from DiNTSSearchLib.export_section import ExportSection
from DiNTSSearchLib.opened_run import OpenedRun
from DiNTSSearchLib.parameters import DiNTSSearchParameters
from DiNTSSearchLib.pipeline import Pipeline, Results
from DiNTSSearchLib.plots import RunPlots
from DiNTSSearchLib.retrain_section import RetrainSection
from DiNTSSearchLib.search_section import SearchSection
from DiNTSSearchLib.section import ERROR_STYLE, Section

if TYPE_CHECKING:
    from DiNTSSearchLib.logic import DiNTSSearchLogic

REFRESH_MILLISECONDS = 1000  # of plots and states while the engine works
FEW_SECONDS = 90  # from here on, time left is told in minutes
METRICS_SHOWN = 2  # newest values beside the progress


class SearchPanel:
    """Holds the sections, the parameter node and the running job.

    Args:
        widget: of the .ui file.
        logic: drives the engine.
    """

    def __init__(self, widget: slicer.qMRMLWidget, logic: DiNTSSearchLogic) -> None:
        self.ui, self.logic = slicer.util.childWidgetVariables(widget), logic
        self.parameters: DiNTSSearchParameters | None = None
        self.run = OpenedRun("")
        self.missing = dependencies.sentence()  # why the engine cannot work; "" if it can
        self.plots = RunPlots()
        self.job: Pipeline | None = None
        self.runningSection: Section | None = None
        self._binding: ParameterBinding | None = None
        self._isOpening = self._isRefreshing = self._isClosed = False
        self.data, self.search = DataSection(self), SearchSection(self)
        self.retrain, self.export = RetrainSection(self), ExportSection(self)
        self.sections = (self.data, self.search, self.retrain, self.export)
        self._timer = qt.QTimer()
        self._timer.setInterval(REFRESH_MILLISECONDS)
        self._timer.connect("timeout()", self.refresh)
        self._connect()

    def _connect(self) -> None:
        ui = self.ui
        ui.progressBar.visible = ui.statusLabel.visible = False
        for edit in (ui.runFolderEdit, ui.dataFolderEdit):
            edit.filters = ctk.ctkPathLineEdit.Dirs
        ui.runFolderEdit.connect("currentPathChanged(QString)", self.onRunFolderEdited)
        ui.dataFolderEdit.connect("currentPathChanged(QString)", self.onDataFolderEdited)
        ui.engineButton.connect("clicked()", lambda: showInstallPanel(self.bind))
        for section in self.sections:
            section.button.connect("contentsCollapsed(bool)", self.refresh)

    @property
    def isBusy(self) -> bool:
        """Whether the engine is at work."""
        return self.runningSection is not None

    def bind(self) -> None:
        """Shows the scene's parameter node. That of a new scene gets the folder of a run that is under way."""
        self.unbind()
        self.missing = dependencies.sentence()
        folder = self.run.folder if self.isBusy else None
        self.parameters = DiNTSSearchParameters(self.logic.getParameterNode())
        if folder is not None and not self.parameters.runFolder:
            self.parameters.runFolder = str(folder)
        self._binding = ParameterBinding(self.parameters, self.ui, self._onModified)
        if self.parameters.runFolder != self.parameters.openedFolder:
            self.openRun()
        elif not self.missing:
            self.readRun()
            if self.run.isRun:  # it may have been started elsewhere
                self.search.loadSettings()
        self.refresh()

    def unbind(self) -> None:
        """Lets go of the parameter node."""
        if self._binding is not None:
            self._binding.release()
            self._binding = self.parameters = None

    def close(self) -> None:
        """Ends the engine's processes: nothing may be left behind. The run goes on from its last checkpoint later."""
        self._timer.stop()
        self.search.memory.stop()
        self.stop()
        self.unbind()
        self._isClosed = True  # what the engine still says has no widgets to go to

    def onRunFolderEdited(self, path: str) -> None:
        if self.parameters is not None and path != self.parameters.runFolder:
            self.parameters.runFolder = path

    def onDataFolderEdited(self, path: str) -> None:
        if self.parameters is not None:
            self.parameters.dataFolder = path

    def openRun(self) -> None:
        """Takes over what the folder that was chosen holds. What the user changes after that is kept with the scene."""
        if self.missing:
            return
        parameters = self.parameters
        self.readRun()
        for section in self.sections:
            section.forget()
        self.say("")
        self._isOpening = True
        try:
            with slicer.util.NodeModify(parameters.parameterNode):
                parameters.openedFolder = parameters.runFolder
                if self.run.choices:
                    parameters.dataFolder, parameters.preset = self.run.choices["data"], self.run.choices["preset"]
                if self.run.isRun:
                    parameters.dataFolder = self.run.dataFolder
                self.loadSettings()
        finally:
            self._isOpening = False

    def loadSettings(self) -> None:
        """Takes over the settings that the run's folder holds, after it was opened or checked."""
        self.readRun()
        self.search.loadSettings()
        self.export.loadSettings()

    def readRun(self) -> None:
        """Takes over what is new on disk, but for the logs."""
        if self.run.name == self.parameters.runFolder:
            self.run.read()
        else:
            self.run = OpenedRun(self.parameters.runFolder)

    def _onModified(self, caller: slicer.vtkMRMLNode, event: str) -> None:
        if self._isOpening:
            return  # all is shown after that
        if slicer.mrmlScene.IsImporting():
            return  # it is bound anew after that; until then the wrapper may not have all of the new values
        if self.parameters.runFolder != self.parameters.openedFolder:
            self.openRun()
        self.refresh()

    def refresh(self, *_arguments: object) -> None:
        """Shows the present state of the run in all sections."""
        if self.parameters is None or self._isRefreshing:
            return
        self._isRefreshing = True
        try:
            self.ui.runFolderEdit.currentPath = self.parameters.runFolder
            self.ui.runFolderEdit.enabled = not self.isBusy
            self.ui.dataFolderEdit.currentPath = self.parameters.dataFolder
            self.ui.engineButton.visible = bool(self.missing)
            for section in self.sections:
                section.button.enabled = not self.missing
            if not self.missing:
                self._showRun()
            self.ui.engineLabel.text = self.missing or "\n".join(self.run.problems)
            self.ui.engineLabel.visible = bool(self.ui.engineLabel.text)
        finally:
            self._isRefreshing = False

    def _showRun(self) -> None:
        """Reads the run and shows it."""
        self.readRun()
        if not self.run.readLogs():
            qt.QTimer.singleShot(0, self.refresh)  # there is more to read
        self.plots.show(self.run, self.parameters.memoryBudget)
        try:
            for section in self.sections:
                section.refresh()
        except OSError as error:  # the disk of the run has gone meanwhile
            self.run.problems.append(failure(error)[0])

    def startJob(self, section: Section, begin: Callable[..., Pipeline], onDone: Callable[[Results], None]) -> None:
        """Runs a job of a section; `onDone` gets its results if nothing goes wrong."""

        def finished(exitCode: int, sentence: str) -> None:
            self.runningSection = None
            if self._isClosed:
                return
            self._timer.stop()
            self.ui.progressBar.visible = False
            self._finish(section, exitCode, sentence)
            if not exitCode and self.parameters is not None:
                onDone(self.job.results)
            self.refresh()

        self.runningSection = section
        self.ui.progressBar.setRange(0, 0)
        self.ui.progressBar.visible = True
        self.say(_("Starting the engine…"))
        try:
            self.job = begin(onEvent=self.onEvent, onFinished=finished)
        except (ValueError, OSError) as error:
            finished(1, str(error))
            return
        self._timer.start()
        self.refresh()

    def _finish(self, section: Section, exitCode: int, sentence: str) -> None:
        if exitCode == EXIT_CANCELLED:
            self.say(section.stopped())
        elif exitCode:
            section.error = section.explain(sentence)
            self.ui.logEdit.appendPlainText(sentence)
            self.say(_("{step} failed, see there.").format(step=section.title), isError=True)
        else:
            self.say(_("Done."))

    def stop(self) -> None:
        """Ends the running job within a second."""
        if self.isBusy:
            self.say(_("Stopping…"))
            self.job.cancel()

    def onEvent(self, event: Event) -> None:
        """Shows what the engine says."""
        if self._isClosed:
            return
        if event["event"] == "progress":
            self.ui.progressBar.setRange(0, event["total"])
            self.ui.progressBar.value = event["step"]
            self._showStatus(progressSentence(event))
        elif event["event"] in ("message", "warning", "error"):
            self.ui.logEdit.appendPlainText(event["text"])

    def say(self, text: str, isError: bool = False) -> None:
        """A sentence below the steps, and in the log."""
        self._showStatus(text, ERROR_STYLE if isError else "")
        if text:
            self.ui.logEdit.appendPlainText(text)
        if not self.isBusy:
            self.ui.progressBar.visible = False

    def _showStatus(self, text: str, style: str = "") -> None:
        self.ui.statusLabel.text, self.ui.statusLabel.styleSheet = text, style
        self.ui.statusLabel.visible = bool(text)

    def unfold(self, section: Section) -> None:
        """Opens a section that can be done now."""
        section.button.collapsed = False

    def openFile(self, path: str) -> None:
        """Opens a file with the program that the computer has for it."""
        qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(path))


def progressSentence(event: Event) -> str:
    """Stage, step, newest values and time left."""
    text = _("{stage}: {step} of {total}").format(**event)
    left = event.get("seconds_left")
    if left is not None and event["step"] < event["total"]:
        text += ", " + (
            _("{count} s left").format(count=round(left))
            if left < FEW_SECONDS
            else _("{count} min left").format(count=round(left / 60))
        )
    metrics = list(event.get("metrics", {}).items())[:METRICS_SHOWN]
    return ", ".join([text, *(f"{name} {value:.3g}" for name, value in metrics)])
