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
from DiNTSLib.binding import BoundPanel, ParameterBinding
from DiNTSLib.device_list import DeviceList
from DiNTSLib.events import EXIT_CANCELLED, Event
from DiNTSLib.install_panel import showInstallPanel
from DiNTSLib.plain_text import plainWidgets
from DiNTSSearchLib.data_section import DataSection
from DiNTSSearchLib.export_section import ExportSection
from DiNTSSearchLib.footer import Footer
from DiNTSSearchLib.opened_run import OpenedRun
from DiNTSSearchLib.parameters import DiNTSSearchParameters
from DiNTSSearchLib.pipeline import Pipeline, Results
from DiNTSSearchLib.plots import RunPlots
from DiNTSSearchLib.retrain_section import RetrainSection
from DiNTSSearchLib.search_section import SearchSection
from DiNTSSearchLib.section import Section

if TYPE_CHECKING:
    from DiNTSSearchLib.logic import DiNTSSearchLogic

REFRESH_MILLISECONDS = 1000  # of plots and states while the engine works


class SearchPanel(BoundPanel[DiNTSSearchParameters]):
    """Holds the sections, the parameter node and the running job.

    Attributes:
        current: the section whose action the footer offers: that which was opened last.

    Args:
        widget: of the .ui file.
        logic: drives the engine.
    """

    def __init__(self, widget: slicer.qMRMLWidget, logic: DiNTSSearchLogic) -> None:
        self.ui, self.logic = plainWidgets(widget), logic
        self.run = OpenedRun("")
        self.missing = dependencies.sentence()  # why the engine cannot work; "" if it can
        self.plots, self.footer = RunPlots(), Footer(self.ui)
        self.job: Pipeline | None = None
        self.runningSection: Section | None = None
        self._isOpening = self._isRefreshing = self._isStopping = self._isClosed = False
        sent = _(
            "Voxels, labels and geometry are sent to {name}, without names and headers. They stay there until the run "
            "is removed with “dints stop --remove”; it goes on there when Slicer is closed."
        )
        self.devices = DeviceList(self.ui.deviceBox, self.ui.deviceNote, sent, self._onDevice)
        self.data, self.search = DataSection(self), SearchSection(self)
        self.retrain, self.export = RetrainSection(self), ExportSection(self)
        self.sections = (self.data, self.search, self.retrain, self.export)
        self.current: Section = self.data
        self._timer = qt.QTimer()
        self._timer.setInterval(REFRESH_MILLISECONDS)
        self._timer.connect("timeout()", self.refresh)
        self._connect()

    def _connect(self) -> None:
        ui = self.ui
        for edit in (ui.runFolderEdit, ui.dataFolderEdit):
            edit.filters = ctk.ctkPathLineEdit.Dirs
        ui.runFolderEdit.connect("currentPathChanged(QString)", self.onRunFolderEdited)
        ui.dataFolderEdit.connect("currentPathChanged(QString)", self.onDataFolderEdited)
        ui.engineButton.connect("clicked()", lambda: showInstallPanel(self.bind))
        ui.startButton.connect("clicked()", lambda: self.current.onStart())
        ui.stopButton.connect("clicked()", self.stop)
        ui.logBox.connect("contentsCollapsed(bool)", lambda collapsed: self._onFolded(None, collapsed))
        for section in self.sections:
            section.button.connect(
                "contentsCollapsed(bool)", lambda collapsed, section=section: self._onFolded(section, collapsed)
            )

    @property
    def isBusy(self) -> bool:
        """Whether the engine is at work."""
        return self.runningSection is not None

    def open(self, section: Section) -> None:
        """Unfolds a section; the others fold."""
        section.button.collapsed = False

    def _onFolded(self, opened: Section | None, collapsed: bool) -> None:
        """One section is open at a time, so that nothing needs to be scrolled; None is the log."""
        if collapsed:
            return
        for section in self.sections:
            section.button.collapsed = section is not opened
        if opened is not None:
            self.ui.logBox.collapsed = True
            self.current = opened
        if not self._isOpening:
            self.refresh()

    def bind(self) -> None:
        """Shows the scene's parameter node. That of a new scene gets the folder of a run that is under way."""
        self.unbind()
        self.missing = dependencies.sentence()
        folder = self.run.folder if self.isBusy else None
        parameters = DiNTSSearchParameters(self.logic.getParameterNode())
        if folder is not None and not parameters.runFolder:
            parameters.runFolder = str(folder)
        self._binding = ParameterBinding(parameters, self.ui, self._onModified)
        self.devices.show(parameters.device)
        if parameters.runFolder != parameters.openedFolder:
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
            self._binding = None

    def close(self) -> None:
        """Ends the engine's processes: nothing may be left behind. The run goes on from its last checkpoint later."""
        self._timer.stop()
        self.search.memory.stop()
        self.search.time.stop()
        self.devices.close()
        if self.job is not None:
            self.job.cancel()
        self.unbind()
        self._isClosed = True  # what the engine still says has no widgets to go to

    def onRunFolderEdited(self, path: str) -> None:
        if self.isBound and path != self.parameters.runFolder:
            self.parameters.runFolder = path

    def onDataFolderEdited(self, path: str) -> None:
        if self.isBound:
            self.parameters.dataFolder = path

    def _onDevice(self, device: str) -> None:
        if self.isBound:
            self.parameters.device = device
            self.refresh()

    def openRun(self) -> None:
        """Takes over what the folder that was chosen holds. What the user changes after that is kept with the scene."""
        if self.missing:
            return
        parameters = self.parameters
        self.readRun()
        self._isOpening = True
        try:
            with slicer.util.NodeModify(parameters.parameterNode):
                self.data.leaveTry()
                parameters.openedFolder = parameters.runFolder
                if self.run.choices:
                    parameters.dataFolder, parameters.preset = self.run.choices["data"], self.run.choices["preset"]
                if self.run.isRun:
                    parameters.dataFolder = self.run.dataFolder
                if self.run.device:
                    parameters.device = self.run.device
                self.loadSettings()
            self.devices.show(parameters.device)
            self.open(self.next())
        finally:
            self._isOpening = False

    def next(self) -> Section:
        """The section in which there is something to do."""
        run = self.run
        if len(run.trainedFolds) == len(run.folds) > 0:
            return self.export
        if run.search.finished:
            return self.retrain
        return self.search if self.data.isChecked() and not run.errors else self.data

    def loadSettings(self) -> None:
        """Takes over the settings that the run's folder holds, after it was opened or checked."""
        self.readRun()
        self.search.loadSettings()
        self.export.loadSettings()

    def readRun(self) -> None:
        """Takes over what is new on disk, but for the logs. What was said of another run goes with it."""
        if self.run.name == self.parameters.runFolder:
            self.run.read()
            return
        self.run = OpenedRun(self.parameters.runFolder)
        for section in self.sections:
            section.forget()
        self.footer.say("")

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
        if not self.isBound or self._isRefreshing:
            return
        self._isRefreshing = True
        try:
            self.ui.runFolderEdit.currentPath = self.parameters.runFolder
            self.ui.runFolderEdit.enabled = not self.isBusy
            self.ui.dataFolderEdit.currentPath = self.parameters.dataFolder
            self.ui.engineButton.visible = bool(self.missing)
            self.ui.scrollContents.enabled = self.ui.tryButton.enabled = not self.missing
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
        in_seconds = self.run.settings is not None and self.run.settings.search.seconds
        self.plots.show(self.run, None if in_seconds else self.parameters.memoryBudget)
        try:
            for section in self.sections:
                section.refresh()
                section.showState()
            self.footer.show(self.current, self.isBusy)
        except OSError as error:  # the disk of the run has gone meanwhile
            self.run.problems.append(failure(error)[0])

    def startJob(self, section: Section, begin: Callable[..., Pipeline], onDone: Callable[[Results], None]) -> None:
        """Runs a job of a section; `onDone` gets its results if nothing goes wrong and its run is in sight."""
        folder = self.parameters.runFolder

        def finished(exitCode: int, sentence: str) -> None:
            self.runningSection = None
            if self._isClosed:
                return
            self._timer.stop()
            self.footer.end()
            self._finish(section, exitCode, sentence)
            if not exitCode and self.isBound and self.job is not None and self.parameters.runFolder == folder:
                onDone(self.job.results)
            self.refresh()

        self.runningSection, self._isStopping = section, False
        self.footer.begin()
        self.footer.say(_("Starting the engine…"))
        try:
            self.job = begin(onEvent=self.onEvent, onFinished=finished)
        except (ValueError, OSError) as error:
            finished(1, str(error))
            return
        self._timer.start()
        self.refresh()

    def _finish(self, section: Section, exitCode: int, sentence: str) -> None:
        if exitCode == EXIT_CANCELLED:
            self.footer.say(section.stopped())
        elif exitCode:
            section.error = section.explain(sentence)
            self.footer.say("")
            self.footer.log(sentence)
            self.open(section)
        else:
            self.footer.say(_("Done."))

    def stop(self) -> None:
        """Lets the engine finish and save the step under way; a second time, ends it within a second."""
        if self.job is None or not self.isBusy:
            return
        if self._isStopping:
            self.job.cancel()
            return
        self._isStopping = True
        self.footer.say(_("Stopping: the step under way is finished and saved. Stop again to end at once."))
        self.job.stop()

    def onEvent(self, event: Event) -> None:
        """Shows what the engine says."""
        if not self._isClosed:
            self.footer.take(event, self._isStopping)

    def openFile(self, path: str) -> None:
        """Opens a file with the program that the computer has for it."""
        qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(path))
