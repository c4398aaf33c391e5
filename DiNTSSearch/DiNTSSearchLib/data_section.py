"""Step 1: which data, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import slicer
from slicer.i18n import tr as _

from DiNTSSearchLib.cases_table import CasesTable
from DiNTSSearchLib.pairs import NodePair, caseNames
from DiNTSSearchLib.parameters import TimeChoice
from DiNTSSearchLib.pipeline import Results
from DiNTSSearchLib.section import Section, counted
from DiNTSSearchLib.tables import fill

if TYPE_CHECKING:
    from DiNTSSearchLib.panel import SearchPanel

DEMO_PRESET = "phantom"
NO_CHECK: dict[str, Any] = {"cases": [], "problems": []}


class DataSection(Section):
    """A folder, generated demo data, or pairs of nodes; then the check."""

    def __init__(self, panel: SearchPanel) -> None:
        ui = panel.ui
        super().__init__(panel, _("1. Data"), ui.dataButton)
        self.pairs: list[tuple[str, str]] = []  # IDs of volume and segmentation: nodes may be deleted meanwhile
        self.casesTable = CasesTable(ui.casesTable)
        ui.pairsBox.visible = ui.casesTable.visible = False
        ui.tryButton.connect("clicked()", self.onTry)
        ui.pairsButton.connect("toggled(bool)", self.onPairsToggled)
        ui.addPairButton.connect("clicked()", self.onAddPair)
        ui.removePairButton.connect("clicked()", self.onRemovePair)
        ui.exportPairsButton.connect("clicked()", self.onExportPairs)
        for selector in (ui.imageSelector, ui.segmentationSelector):
            selector.connect("currentNodeChanged(vtkMRMLNode*)", self.refreshPairs)

    def choices(self) -> dict[str, Any]:
        """What the check depends on."""
        parameters = self.panel.parameters
        return {"data": parameters.dataFolder, "preset": parameters.preset, "folds": parameters.folds}

    def isChecked(self) -> bool:
        """Whether the settings in the run's folder are for the present choices."""
        run = self.panel.run
        return run.isRun or (None not in (run.settings, run.check) and run.choices == self.choices())

    def refresh(self) -> None:
        run, parameters = self.panel.run, self.panel.parameters
        free = not self.panel.isBusy and not run.isRun
        self.ui.dataFolderEdit.enabled = self.ui.foldsBox.enabled = self.ui.pairsButton.enabled = free
        self.ui.welcomeFrame.visible = free and not parameters.dataFolder
        check = run.check or NO_CHECK
        self.casesTable.show(check)
        self.ui.casesTable.visible = bool(check["cases"] or check["problems"]) and not self.ui.pairsButton.checked
        self.refreshPairs()

    def state(self) -> str:
        run, folder = self.panel.run, self.panel.parameters.dataFolder
        count = len((run.check or NO_CHECK)["cases"])
        if self.isRunning:
            return _("working")
        if not folder or not count:
            return _("not checked") if folder else _("choose data")
        if run.errors:
            return counted(run.errors, _("1 error"), _("{count} errors"))
        return counted(count, _("1 case, ready"), _("{count} cases, ready"))

    def action(self) -> str:
        return _("Check data")

    def whyNot(self) -> str:
        parameters = self.panel.parameters
        if self.panel.run.isRun:
            return _("The run was started with these data. For other data, choose another run folder.")
        if not parameters.runFolder:
            return _("Choose a run folder, or try it on generated scans.")
        return "" if parameters.dataFolder else _("Choose a data folder, or make one.")

    def stopped(self) -> str:
        return _("Stopped.")

    def explain(self, sentence: str) -> str:
        """The problems are in the table."""
        self.panel.run.read()
        count = self.panel.run.errors
        if not count:
            return sentence
        one = _("Solve 1 problem; point at its line to read what to do.")
        return counted(count, one, _("Solve {count} problems; point at a line to read what to do."))

    def onTry(self) -> None:
        """Generates scans, checks them, and begins to search; opens the run of an earlier try."""
        parameters = self.panel.parameters
        if not parameters.runFolder:
            parameters.runFolder = str(tryFolder())
        if self.panel.run.isRun:
            return
        folder = parameters.runFolder

        def made(results: Results) -> None:
            self.panel.parameters.dataFolder, self.panel.parameters.preset = results["data"]["path"], DEMO_PRESET
            self.panel.parameters.time = TimeChoice.PAPER  # the preset is made for minutes
            self.check(andThen=self.panel.search.onStart)

        self.start(lambda **calls: self.logic.makeDemoData(folder, **calls), made)

    def leaveTry(self) -> None:
        """Another run does not begin with data, preset and time of a try, whose data lie in the folder of its run."""
        parameters = self.panel.parameters
        data, tried = parameters.dataFolder, parameters.openedFolder
        if data and tried and parameters.preset == DEMO_PRESET and Path(data).parent == Path(tried):
            parameters.dataFolder = parameters.preset = ""
            parameters.time = TimeChoice.THREE_HOURS

    def onStart(self) -> None:
        self.check()

    def check(self, andThen: Callable[[], None] | None = None) -> None:
        """Checks the data and takes over the settings that follow from them."""
        parameters = self.panel.parameters
        arguments = (parameters.dataFolder, parameters.runFolder, parameters.preset, parameters.folds)

        def checked(results: Results) -> None:
            self.panel.loadSettings()
            self.panel.open(self.panel.search)
            if andThen is not None:
                andThen()

        self.start(lambda **calls: self.logic.check(*arguments, **calls), checked)

    def onPairsToggled(self, shown: bool) -> None:
        self.ui.pairsBox.visible = shown
        self.panel.refresh()

    def onAddPair(self) -> None:
        pair = self.ui.imageSelector.currentNodeID, self.ui.segmentationSelector.currentNodeID
        if pair not in self.pairs:  # twice, it would be in two folds: learned from, and validated on
            self.pairs.append(pair)
        self.refreshPairs()

    def onRemovePair(self) -> None:
        row = self.ui.pairsTable.currentRow()
        if 0 <= row < len(self.pairs):
            del self.pairs[row]
        self.refreshPairs()

    def refreshPairs(self) -> None:
        """Shows the pairs whose nodes are still there."""
        self.pairs = [pair for pair in self.pairs if all(slicer.mrmlScene.GetNodeByID(node) for node in pair)]
        names = [[node.GetName() for node in pair] for pair in self.nodes()]
        fill(self.ui.pairsTable, [_("Volume"), _("Segmentation")], names)
        image, segmentation = self.ui.imageSelector.currentNode(), self.ui.segmentationSelector.currentNode()
        self.ui.addPairButton.enabled = image is not None and segmentation is not None
        self.ui.removePairButton.enabled = bool(self.pairs)
        folder = self.panel.parameters.dataFolder if self.panel.isBound else ""
        self.ui.exportPairsButton.enabled = bool(self.pairs and folder) and not self.panel.isBusy
        self.ui.exportPairsButton.toolTip = (
            _("Writes {names} to the data folder.").format(names=", ".join(caseNames(self.nodes())))
            if self.pairs and folder
            else _("Add pairs, and choose a new or empty data folder above.")
        )

    def nodes(self) -> Sequence[NodePair]:
        """The pairs as nodes."""
        return [tuple(slicer.mrmlScene.GetNodeByID(node) for node in pair) for pair in self.pairs]

    def onExportPairs(self) -> None:
        nodes, folder = self.nodes(), self.panel.parameters.dataFolder
        self.start(lambda **calls: self.logic.exportPairs(nodes, folder, **calls), self.onPairsExported)

    def onPairsExported(self, results: Results) -> None:
        self.ui.pairsButton.checked = False
        self.panel.footer.say(counted(len(self.pairs), _("1 case was written."), _("{count} cases were written.")))


def tryFolder() -> Path:
    """Run folder of "Try it"."""
    return Path(slicer.app.defaultScenePath) / "DiNTS" / "demo"
