"""Step 2: settings, the search itself, its plots and the present architecture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import qt
import slicer
from slicer.i18n import tr as _

from dints.config import Config, preset_names
from dints.errors import InputError
from dints.search.drawing import architecture_svg
from dints.search.race_state import Racer
from dints.zoo.catalogue import read_design
from DiNTSLib.device_list import deviceWord, otherComputer
from DiNTSLib.durations import SECONDS_IN_HOUR, duration
from DiNTSSearchLib.advanced import SettingsTable
from DiNTSSearchLib.approach import ApproachChoice
from DiNTSSearchLib.chart_view import ChartView
from DiNTSSearchLib.contest_tables import raceTable
from DiNTSSearchLib.footer import ERROR_STYLE
from DiNTSSearchLib.memory_line import MemoryLine, waiting
from DiNTSSearchLib.options import PAPER
from DiNTSSearchLib.parameters import TimeChoice, changedSettings, showSettings
from DiNTSSearchLib.pipeline import Results
from DiNTSSearchLib.plots import LAYOUT_CHARTS, RACE
from DiNTSSearchLib.section import Section
from DiNTSSearchLib.tables import fill
from DiNTSSearchLib.time_line import TimeLine

if TYPE_CHECKING:
    from DiNTSSearchLib.panel import SearchPanel

CHARTS = (*LAYOUT_CHARTS, RACE)
PLOT_HEIGHT = 240  # pixels, above the table of a race: there is room for both on a laptop
NO_LIMIT = 16777215  # Qt's own for the height of a widget
ARCHITECTURE_WIDTH = 330  # pixels: fits into a narrow panel


class SearchSection(Section):
    """Settings are free until the run was started; then the run's own are shown."""

    def __init__(self, panel: SearchPanel) -> None:
        ui = panel.ui
        super().__init__(panel, _("2. Search"), ui.searchButton)
        self.memory, self.time = MemoryLine(panel.logic, panel.refresh), TimeLine(panel.logic, panel.refresh)
        self.settingsTable = SettingsTable(ui.settingsTable, self.onSettingChanged)
        self.approach = ApproachChoice(panel)
        self._racers: list[Racer] = []  # shown
        self._drawn: tuple[Path, int] | None = None  # file and time of change
        self._presets: list[str] = []
        self._isProgressShown: bool | None = None
        ui.presetBox.connect("currentIndexChanged(int)", self.onPresetChosen)
        ui.advancedBox.connect("contentsCollapsed(bool)", panel.refresh)
        ui.viewsButton.connect("clicked()", self.onShowInViews)
        self.chart = ChartView(panel.plots, "DiNTSSearchPanel", CHARTS, ui.searchChartBox, ui.searchPlotFrame)
        ui.searchChartBox.connect("currentIndexChanged(int)", panel.refresh)

    def changes(self) -> dict[str, str]:
        """Settings that differ from those of the data or preset."""
        return changedSettings(self.panel.parameters, self.panel.run.requiredSettings)

    def loadSettings(self) -> None:
        """Puts the settings of the run's folder into the widgets."""
        parameters, settings = self.panel.parameters, self.panel.run.settings
        if settings is None:
            return
        with slicer.util.NodeModify(parameters.parameterNode):
            showSettings(parameters, settings)
            parameters.zoo = ""

    def refresh(self) -> None:
        run = self.panel.run
        free = not self.panel.isBusy and not run.isRun
        self.showPresets(free)
        self.approach.show(free)
        for widget in ("budgetSlider", "iterationsBox", "patchXBox", "patchYBox", "patchZBox"):
            getattr(self.ui, widget).enabled = free and run.settings is not None
        self.ui.iterationsBox.enabled = self.ui.iterationsBox.enabled and not self.panel.parameters.zoo
        self.ui.deviceBox.enabled = not self.panel.isBusy
        self.showTimeChoice(free)
        if not self.ui.advancedBox.collapsed:  # filling the table takes long enough to be noticed
            self.settingsTable.show(run.settings, dict(self.panel.parameters.changes), free)
        self.showTime()
        self.showMemory()
        self.showProgress(run.search.started)

    def showProgress(self, isThere: bool) -> None:
        """Plot and architecture take the place of the settings, which cannot be changed any more."""
        if isThere != self._isProgressShown:
            self._isProgressShown = isThere
            self.ui.settingsButton.collapsed = isThere
            self.ui.searchProgressFrame.visible = isThere
        self.chart.show()
        self.showArchitecture()
        self.showRace(self.panel.run.race)

    def showRace(self, racers: list[Racer]) -> None:
        """Its table stands in the place of the architecture while its plot is shown; both come when a race begins."""
        box = self.ui.searchChartBox
        if racers and not self._racers:
            box.currentIndex = box.findData(RACE)
        elif self._racers and not racers and box.currentData == RACE:  # another run was opened
            box.currentIndex = 0
        if racers != self._racers:
            self._racers = racers
            fill(self.ui.raceTable, *raceTable(racers))
        shown = bool(racers) and box.currentData == RACE
        self.ui.raceTable.visible = shown
        self.ui.searchPlotFrame.maximumHeight = PLOT_HEIGHT if shown else NO_LIMIT
        self.ui.architectureLabel.visible = not shown

    def state(self) -> str:
        search = self.panel.run.search
        if self.isRunning and self.panel.run.race:
            return _("race")
        if self.isRunning:
            return _("{step} of {total}").format(step=search.step, total=search.total)
        if search.finished:
            return _("finished")
        if self.isStopped:
            return _("stopped at {step} of {total}").format(step=search.step, total=search.total)
        return _("ready") if self.panel.data.isChecked() and not self.panel.run.errors else ""

    @property
    def isStopped(self) -> bool:
        """Whether a search was begun and not finished."""
        run = self.panel.run
        return (run.isRun or run.search.started) and not run.search.finished and not self.isRunning

    @property
    def isTaking(self) -> bool:
        """Whether an architecture of the zoo is chosen, and no search was begun."""
        return bool(self.panel.parameters.zoo) and not self.panel.run.isRun

    def action(self) -> str:
        if self.isTaking:
            return _("Take architecture")
        return _("Resume search") if self.isStopped else _("Start search")

    def whyNot(self) -> str:
        run = self.panel.run
        if run.isRun:
            found = _("The architecture is found. For another search, choose another run folder.")
            return run.whyUnusable or (found if run.search.finished else self.panel.devices.problem)
        if not self.panel.data.isChecked():
            there = None not in (run.settings, run.check)
            return _("Check the data again: choices changed.") if there else _("Check the data first.")
        try:
            settings = self.changed(self.changes())
        except InputError as error:
            return str(error)
        return self.approach.whyNot(settings.sampling.patch) or self.panel.devices.problem

    def changed(self, changes: dict[str, str]) -> Config:
        """The settings with changes; InputError if they cannot be, alone or together."""
        return self.panel.run.requiredSettings.with_overrides([f"{key}={text}" for key, text in changes.items()])

    def showTimeChoice(self, free: bool) -> None:
        """The parameter, or the time that a run was given, also where that is none of the list or not known."""
        box, plan = self.ui.timeBox, self.panel.run.plan or {}
        choices = {choice.value: index for index, choice in enumerate(TimeChoice)}
        given = plan.get("hours", 0.0)  # 0: not known
        word = PAPER if given is None else f"{given:g}"
        box.placeholderText = duration(SECONDS_IN_HOUR * given) if given else _("the run's own")
        box.blockSignals(True)
        box.currentIndex = choices.get(word, -1) if self.panel.run.isRun else choices[self.panel.parameters.time.value]
        box.blockSignals(False)
        box.enabled = free

    def showPresets(self, free: bool) -> None:
        """Fills the list, at the first time, and shows the parameter."""
        if not self._presets:
            self._presets = ["", *preset_names()]
            self.ui.presetBox.placeholderText = _("the run's own")
            self.ui.presetBox.blockSignals(True)
            self.ui.presetBox.addItem(_("from the data"))
            for name in self._presets[1:]:
                self.ui.presetBox.addItem(name.replace("_", " "))
            self.ui.presetBox.blockSignals(False)
        own = not self.panel.run.isRun or bool(self.panel.run.choices)  # else it was started outside of the panel
        known = own and self.panel.parameters.preset in self._presets
        self.ui.presetBox.blockSignals(True)
        self.ui.presetBox.currentIndex = self._presets.index(self.panel.parameters.preset) if known else -1
        self.ui.presetBox.blockSignals(False)
        self.ui.presetBox.enabled = free

    def onPresetChosen(self, index: int) -> None:
        self.panel.parameters.preset = self._presets[index]

    def onSettingChanged(self, key: str, text: str) -> None:
        self.error = ""
        try:
            self.changed({**self.changes(), key: text})
        except InputError as error:
            self.error = str(error)
        else:
            self.panel.parameters.changes = {**dict(self.panel.parameters.changes), key: text}
        self.panel.refresh()

    def showMemory(self) -> None:
        """Keeps the prediction for the settings in sight, also while the engine works."""
        run, parameters = self.panel.run, self.panel.parameters
        if run.settings is not None and (run.isRun or not self.whyNot()):
            changes = {} if run.isRun else self.changes()
            self.memory.want(run.settings, changes, run.layout.config_file, deviceWord(parameters.device))
        elif not self.panel.isBusy:
            self.memory.stop()
        budget, planned = parameters.memoryBudget, {} if run.isRun else self.time.memory
        fitted = not run.isRun and (bool(parameters.zoo) or parameters.time != TimeChoice.PAPER)
        coming = fitted and self.time.isComing and not self.memory.error  # with the plan, which has other settings
        text = waiting() if coming else self.memory.sentence(budget, planned)
        alarming = bool(self.memory.error) or (not coming and self.memory.isTooMuch(budget, planned))
        self.ui.memoryText.text = text or _("known after the check")
        self.ui.memoryText.styleSheet = ERROR_STYLE if alarming else ""

    def showTime(self) -> None:
        """Keeps the prediction for what would be started now in sight; while it runs, the footer tells what is left."""
        run, parameters = self.panel.run, self.panel.parameters
        device = deviceWord(parameters.device)
        computer = otherComputer(device)
        if self.panel.isBusy:
            if not self.time.values:
                self.time.stop()  # beside the run, each would measure the other
        elif run.isPlanned:
            self.time.wantRest(run, device)
        elif not computer and not run.isRun and run.settings is not None and not self.whyNot():
            layout, hours = run.layout, parameters.time.value
            data, preset, changes = parameters.dataFolder, parameters.preset, self.timedChanges()
            self.time.want(data, layout.check_file, preset, layout.config_file, changes, hours, device, parameters.zoo)
        else:
            self.time.stop()
        later = _("known when it has begun on {name}").format(name=computer) if computer else _("known after the check")
        self.ui.timeText.text = self.time.sentence() or ("" if run.isRun else later)
        for widget in (self.ui.predictedTimeLabel, self.ui.timeText):
            widget.visible = bool(self.ui.timeText.text)
        self.ui.timeText.toolTip = self.time.explanation()
        self.ui.timeText.styleSheet = ERROR_STYLE if self.time.error else ""

    def timedChanges(self) -> dict[str, str]:
        """Changes for a run that starts from data or preset: with folds, where others than usual were checked for."""
        parameters, changes = self.panel.parameters, self.changes()
        if parameters.time != TimeChoice.PAPER and parameters.folds != Config().training.folds:
            changes["training.folds"] = str(parameters.folds)
        return changes

    def showArchitecture(self) -> None:
        """Draws the architecture if its file changed."""
        path = self.panel.run.architectureFile
        version = (path, path.stat().st_mtime_ns) if path.is_file() else None
        if version == self._drawn:
            return
        self._drawn = version
        pixmap = qt.QPixmap()
        try:
            if version is not None:
                drawing = architecture_svg(read_design(path), ARCHITECTURE_WIDTH)
                pixmap.loadFromData(qt.QByteArray(drawing.encode()))
        except InputError as error:
            self.panel.footer.say(str(error))
        self.ui.architectureLabel.setPixmap(pixmap)

    def onShowInViews(self) -> None:
        if not self.panel.plots.showInViews():
            self.panel.footer.say(_("There is no main window to show the plots in."))

    def onStart(self) -> None:
        parameters = self.panel.parameters
        options: dict[str, Any] = {"device": deviceWord(parameters.device)}
        if self.isTaking:
            options["architecture"] = parameters.zoo
        if not self.panel.run.isRun:
            options |= {"data": parameters.dataFolder, "changes": self.timedChanges()}
            options |= {"hours": parameters.time.value, "preset": parameters.preset}
        folder = parameters.runFolder
        self.start(lambda **calls: self.logic.search(folder, **options, **calls), self.onFound)

    def onFound(self, results: Results) -> None:
        self.panel.open(self.panel.retrain)
