"""Step 2: settings, the search itself, its plots and the present architecture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import qt
import slicer
from slicer.i18n import tr as _

from dints.config import Config
from dints.errors import InputError
from dints.run_layout import SearchState
from dints.search.drawing import architecture_svg
from dints.zoo.catalogue import read_design
from DiNTSSearchLib.advanced import SettingsTable
from DiNTSSearchLib.memory_line import MemoryLine
from DiNTSSearchLib.parameters import changedSettings, showSettings
from DiNTSSearchLib.pipeline import Results
from DiNTSSearchLib.plots import PANEL_VIEW
from DiNTSSearchLib.section import ERROR_STYLE, Section

if TYPE_CHECKING:
    from DiNTSSearchLib.panel import SearchPanel

ARCHITECTURE_WIDTH = 330  # pixels: fits into a narrow panel
DERIVED = 0  # index in the list of presets


class SearchSection(Section):
    """Settings are free until the run was started; then the run's own are shown."""

    def __init__(self, panel: SearchPanel) -> None:
        ui = panel.ui
        super().__init__(panel, _("2. Search"), ui.searchButton, ui.searchReasonLabel, ui.stopSearchButton)
        self.memory = MemoryLine(panel.logic, panel.refresh)
        self.settingsTable = SettingsTable(ui.settingsTable, self.onSettingChanged)
        self._drawn: tuple[Path, int] | None = None  # file and time of change
        self._presets: list[str] = []
        ui.startSearchButton.connect("clicked()", self.onStart)
        ui.presetBox.connect("currentIndexChanged(int)", self.onPresetChosen)
        ui.viewsButton.connect("clicked()", self.onShowInViews)
        self._preparePlot()

    def _preparePlot(self) -> None:
        for name, chart in self.panel.plots.charts.items():
            self.ui.chartBox.addItem(chart.title, name)
        self.plotWidget = slicer.qMRMLPlotWidget()
        self.plotWidget.setMRMLScene(slicer.mrmlScene)
        self.ui.plotFrame.layout().addWidget(self.plotWidget)
        self.ui.chartBox.connect("currentIndexChanged(int)", self.panel.refresh)

    def showPlot(self, isThere: bool) -> None:
        """The chosen chart in the panel's own plot view; its node is made anew after a scene was closed."""
        for name in ("chartBox", "viewsButton", "plotFrame"):
            getattr(self.ui, name).visible = isThere and not self.button.collapsed
        view = self.panel.plots.viewNode(PANEL_VIEW, self.ui.chartBox.currentData)
        if self.plotWidget.mrmlPlotViewNode() is not view:
            self.plotWidget.setMRMLPlotViewNode(view)

    def changes(self) -> dict[str, str]:
        """Settings that differ from those of the data or preset."""
        return changedSettings(self.panel.parameters, self.panel.run.settings)

    def loadSettings(self) -> None:
        """Puts the settings of the run's folder into the widgets."""
        parameters, settings = self.panel.parameters, self.panel.run.settings
        if settings is None:
            return
        with slicer.util.NodeModify(parameters.parameterNode):
            showSettings(parameters, settings)

    def refresh(self) -> None:
        run, reason = self.panel.run, self.whyNot()
        free = not self.panel.isBusy and not run.isRun
        self.showPresets(free)
        for widget in ("budgetSlider", "iterationsBox", "patchXBox", "patchYBox", "patchZBox"):
            getattr(self.ui, widget).enabled = free and run.settings is not None
        self.ui.deviceBox.enabled = not self.panel.isBusy
        self.settingsTable.show(run.settings, dict(self.panel.parameters.changes), free)
        self.ui.startSearchButton.enabled = not reason and not self.panel.isBusy
        stopped = run.isRun and not run.search.finished and not self.isRunning
        self.ui.startSearchButton.text = _("Resume") if stopped else _("Start")
        self.showMemory()
        self.showPlot(run.search.started)
        self.showArchitecture()
        self.showState(self.state(run.search), reason)

    def state(self, search: SearchState) -> str:
        """A few words for the section's title."""
        if self.isRunning:
            return _("{step} of {total}").format(step=search.step, total=search.total)
        if search.finished:
            return _("finished")
        if search.started or self.panel.run.isRun:
            return _("stopped at {step} of {total}").format(step=search.step, total=search.total)
        return _("ready") if self.panel.data.isChecked() and not self.panel.run.errors else ""

    def whyNot(self) -> str:
        """Why the search cannot be started now; "" if it can."""
        run = self.panel.run
        if self.panel.isBusy:
            return ""
        if run.isRun:
            found = _("The architecture is found. For another search, choose another run folder.")
            return run.whyUnusable or (found if run.search.finished else "")
        if not self.panel.data.isChecked():
            return _("Check the data first.") if run.settings is None else _("Check the data again: choices changed.")
        try:
            self.changed(self.changes())
        except InputError as error:
            return str(error)
        return ""

    def changed(self, changes: dict[str, str]) -> Config:
        """The settings with changes; InputError if they cannot be, alone or together."""
        return self.panel.run.settings.with_overrides([f"{key}={text}" for key, text in changes.items()])

    def showPresets(self, free: bool) -> None:
        """Fills the list, once the engine can be asked, and shows the parameter."""
        if not self._presets:
            from dints.config import preset_names

            self._presets = ["", *preset_names()]
            self.ui.presetBox.placeholderText = _("the run's own")
            self.ui.presetBox.blockSignals(True)
            self.ui.presetBox.addItem(_("derived from the data"))
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
        """Asks for a prediction where there is something to predict and nothing else to compute."""
        run, parameters = self.panel.run, self.panel.parameters
        if run.settings is None or (not run.isRun and self.whyNot()):
            self.memory.stop()
        elif not self.panel.isBusy:
            self.memory.want(run.layout.config_file, {} if run.isRun else self.changes(), parameters.device.value)
        self.ui.memoryText.text = self.memory.sentence(parameters.memoryBudget) or _("known after the check")
        alarming = bool(self.memory.error) or self.memory.isTooMuch(parameters.memoryBudget)
        self.ui.memoryText.styleSheet = ERROR_STYLE if alarming else ""

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
            self.panel.say(str(error))
        self.ui.architectureLabel.setPixmap(pixmap)

    def onShowInViews(self) -> None:
        if not self.panel.plots.showInViews():
            self.panel.say(_("There is no main window to show the plots in."))

    def onStart(self) -> None:
        parameters = self.panel.parameters
        self.memory.stop()
        arguments = {"device": parameters.device.value}
        if not self.panel.run.isRun:
            arguments |= {"data": parameters.dataFolder, "changes": self.changes()}
        folder = parameters.runFolder
        self.start(lambda **calls: self.logic.search(folder, **arguments, **calls), self.onFound)

    def onFound(self, results: Results) -> None:
        self.panel.unfold(self.panel.retrain)
