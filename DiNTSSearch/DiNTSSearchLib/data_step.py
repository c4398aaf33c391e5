"""Step 1: which data, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

from DiNTSSearchLib.pairs import caseNames
from DiNTSSearchLib.run_folder import RunFolder
from DiNTSSearchLib.step import Step, counted
from DiNTSSearchLib.tables import fill

DEMO_PRESET = "phantom"
WARNING, ERROR = "\u26a0", "\u2716"


class DataStep(Step):
    """A folder, generated demo data, or pairs of nodes; then the check."""

    name = "data"

    def __init__(self, panel: Any) -> None:
        ui = panel.ui
        super().__init__(panel, _("1. Data"), ui.dataButton, ui.dataReasonLabel, ui.stopCheckButton)
        self.pairs: list[tuple[str, str]] = []  # IDs of volume and segmentation: nodes may be deleted meanwhile
        self._shown: dict[str, Any] | None = None
        ui.pairsBox.visible = ui.casesTable.visible = False
        ui.demoButton.connect("clicked()", self.onDemo)
        ui.pairsButton.connect("toggled(bool)", self.onPairsToggled)
        ui.addPairButton.connect("clicked()", self.onAddPair)
        ui.removePairButton.connect("clicked()", self.onRemovePair)
        ui.exportPairsButton.connect("clicked()", self.onExportPairs)
        ui.checkButton.connect("clicked()", self.onCheck)
        for selector in (ui.imageSelector, ui.segmentationSelector):
            selector.connect("currentNodeChanged(vtkMRMLNode*)", self.refreshPairs)

    def choices(self) -> dict[str, Any]:
        """What the check depends on."""
        parameters = self.panel.parameters
        return {"data": parameters.dataFolder, "preset": parameters.preset, "folds": parameters.folds}

    def isChecked(self) -> bool:
        """Whether the settings in the run's folder are for the present choices."""
        run = self.panel.run
        return run.isRun or (run.settings is not None and run.choices == self.choices())

    def refresh(self) -> None:
        run, parameters, reason = self.panel.run, self.panel.parameters, self.whyNot()
        free = not self.panel.isBusy and not run.isRun
        self.ui.dataFolderEdit.enabled = self.ui.foldsBox.enabled = free
        self.ui.demoButton.enabled = free
        self.ui.pairsButton.enabled = free
        self.ui.checkButton.enabled = not reason and not self.panel.isBusy
        check = run.check or {"cases": [], "problems": []}
        self.showCases(check)
        self.refreshPairs()
        self.showState(self.state(check, parameters.dataFolder), reason)

    def state(self, check: dict[str, Any], dataFolder: str) -> str:
        """A few words for the section's title."""
        errors = self.panel.run.errors
        if self.isRunning:
            return _("working")
        if not dataFolder or not check["cases"]:
            return _("not checked") if dataFolder else _("choose data")
        if errors:
            return counted(errors, _("1 error"), _("{count} errors"))
        return counted(len(check["cases"]), _("1 case, ready"), _("{count} cases, ready"))

    def whyNot(self) -> str:
        """Why the data cannot be checked now; "" if they can."""
        parameters = self.panel.parameters
        if self.panel.isBusy:
            return ""
        if self.panel.run.isRun:
            return _("The run was started with these data. For other data, choose another run folder.")
        if not parameters.runFolder:
            return _("Choose a run folder, or try the demo data.")
        return "" if parameters.dataFolder else _("Choose a data folder, or make one.")

    def stopped(self) -> str:
        return _("Stopped.")

    def explain(self, sentence: str) -> str:
        """The problems are in the table."""
        count = RunFolder(self.panel.parameters.runFolder).errors if self.panel.parameters else 0
        if not count:
            return sentence
        one = _("Solve 1 problem; point at its line to read what to do.")
        return counted(count, one, _("Solve {count} problems; point at a line to read what to do."))

    def showCases(self, check: dict[str, Any]) -> None:
        """One line a case; problems of the whole data set get lines of their own."""
        self.ui.casesTable.visible = bool(check["cases"] or check["problems"]) and not self.section.collapsed
        if check == self._shown:
            return
        self._shown = check
        problems = list(check["problems"])
        found, fine = [], []  # lines with problems come first; each line with its tool tip
        for case in check["cases"]:
            own = [problem for problem in problems if _caseOf(problem) == case["name"]]
            problems = [problem for problem in problems if problem not in own]
            line = [case["name"], _finding(own), *_geometry(case), _volumes(case)]
            (found if own else fine).append((line, "\n".join(map(_sentence, own)) or case["name"]))
        general = [
            ([Path(problem["file"]).name, _finding([problem]), "", "", ""], _sentence(problem)) for problem in problems
        ]
        rows, hints = zip(*general, *found, *fine, strict=True) if check["cases"] or problems else ((), ())
        headers = [_("Case"), _("Finding"), _("Size"), _("Spacing (mm)"), _("Labels (ml)")]
        fill(self.ui.casesTable, headers, rows, hints)

    def onDemo(self) -> None:
        parameters = self.panel.parameters
        if not parameters.runFolder:
            parameters.runFolder = str(Path(slicer.app.defaultScenePath) / "DiNTS" / "demo")
        if self.panel.run.isRun:
            return  # the demo of an earlier day was opened
        folder = parameters.runFolder
        self.start(lambda **calls: self.logic.makeDemoData(folder, **calls), self.onDemoMade)

    def onDemoMade(self, results: dict) -> None:
        self.panel.parameters.dataFolder = results["data"]["path"]
        self.panel.parameters.preset = DEMO_PRESET
        self.onCheck()

    def onCheck(self) -> None:
        parameters = self.panel.parameters
        arguments = (parameters.dataFolder, parameters.runFolder, parameters.preset, parameters.folds)

        def checked(results: dict) -> None:
            self.panel.loadSettings()
            self.panel.unfold(self.panel.search)

        self.start(lambda **calls: self.logic.check(*arguments, **calls), checked)

    def onPairsToggled(self, shown: bool) -> None:
        self.ui.pairsBox.visible = shown

    def onAddPair(self) -> None:
        self.pairs.append((self.ui.imageSelector.currentNodeID, self.ui.segmentationSelector.currentNodeID))
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
        folder = self.panel.parameters.dataFolder if self.panel.parameters else ""
        self.ui.exportPairsButton.enabled = bool(self.pairs and folder) and not self.panel.isBusy
        self.ui.exportPairsButton.toolTip = (
            _("Writes {names} to the data folder.").format(names=", ".join(caseNames(self.nodes())))
            if self.pairs and folder
            else _("Add pairs, and choose a new or empty data folder above.")
        )

    def nodes(self) -> Sequence[tuple[Any, Any]]:
        """The pairs as nodes."""
        return [tuple(slicer.mrmlScene.GetNodeByID(node) for node in pair) for pair in self.pairs]

    def onExportPairs(self) -> None:
        nodes, folder = self.nodes(), self.panel.parameters.dataFolder
        self.start(lambda **calls: self.logic.exportPairs(nodes, folder, **calls), self.onPairsExported)

    def onPairsExported(self, results: dict) -> None:
        self.ui.pairsButton.checked = False
        self.panel.say(counted(len(self.pairs), _("1 case was written."), _("{count} cases were written.")))


def _caseOf(problem: dict[str, str]) -> str:
    """Name of the case that a problem's file belongs to."""
    name = Path(problem["file"]).name
    for suffix in (".nii.gz", ".seg.nrrd"):
        name = name.removesuffix(suffix)
    return Path(name).stem if name.endswith((".nii", ".nrrd", ".mha", ".mhd")) else name


def _geometry(case: dict[str, Any]) -> tuple[str, str]:
    """Size and spacing."""
    return " x ".join(map(str, case["size"])), " x ".join(f"{step:.2g}" for step in case["spacing"])


def _volumes(case: dict[str, Any]) -> str:
    """Millilitres of each label."""
    return ", ".join(f"{volume / 1000:.3g}" for volume in case["label_volumes"].values())


def _finding(problems: Sequence[dict[str, str]]) -> str:
    if not problems:
        return _("fine")
    sign = ERROR if any(problem["severity"] == "error" for problem in problems) else WARNING
    return f"{sign} {problems[0]['reason']}"


def _sentence(problem: dict[str, str]) -> str:
    return f"{problem['file']}: {problem['reason']}; {problem['remedy']}"
