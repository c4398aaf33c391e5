"""Step 4: name, labels and notes of the model, its export, and the report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import slicer
from slicer.i18n import tr as _

from DiNTSLib.device_list import hereOnly
from DiNTSLib.plain_text import plain
from DiNTSLib.terminology import SegmentStyle, segmentStyles, terminologyOf, toHex
from DiNTSSearchLib.contest_tables import comparisonTable
from DiNTSSearchLib.labels_table import COLOR, NAME, TERMINOLOGY, LabelsTable
from DiNTSSearchLib.pipeline import Pipeline, Results
from DiNTSSearchLib.section import Section
from DiNTSSearchLib.tables import fill

if TYPE_CHECKING:
    from DiNTSSearchLib.panel import SearchPanel


class ExportSection(Section):
    """Exports into the folder of installed models, where the segmentation panel finds them."""

    def __init__(self, panel: SearchPanel) -> None:
        ui = panel.ui
        super().__init__(panel, _("4. Model"), ui.modelButton)
        self.labelsTable = LabelsTable(ui.labelsTable, self.onLabelChanged)
        self._comparison: Mapping[str, Any] | None = None  # shown
        ui.reportButton.connect("clicked()", self.onReport)
        ui.compareButton.connect("clicked()", self.onCompare)

    def labels(self) -> dict[int, str]:
        """Names by value as they will be exported, without background."""
        settings = self.panel.run.settings
        own = {value: name for value, name in settings.task.labels.items() if value} if settings else {}
        return {value: self.chosen(value).get(NAME, name) for value, name in own.items()}

    def chosen(self, value: int) -> dict[str, str]:
        """What the user chose for a label: name, colour, terminology."""
        changes = dict(self.panel.parameters.labelChanges)
        texts = {kind: changes.get(f"{value}.{kind}", "") for kind in (NAME, COLOR, TERMINOLOGY)}
        return {kind: text for kind, text in texts.items() if text}

    def styles(self) -> dict[int, SegmentStyle]:
        """Of each label as it will be exported."""
        labels = self.labels()
        return segmentStyles(labels, {value: self.chosen(value) for value in labels})

    def loadSettings(self) -> None:
        """Takes name and labels from the run."""
        settings = self.panel.run.settings
        self.panel.parameters.labelChanges = {}
        if settings is not None:
            self.panel.parameters.modelName = settings.task.name

    def refresh(self) -> None:
        if not self.button.collapsed:
            self.showLabels()
        run = self.panel.run
        self.ui.reportButton.enabled = run.isRun and not run.whyUnusable and not self.panel.isBusy
        self.ui.compareButton.enabled = bool(run.trainedFolds) and self.ui.reportButton.enabled
        self.showComparison(run.comparison)

    def showComparison(self, comparison: Mapping[str, Any] | None) -> None:
        """The table, and the one sentence on whether the search paid."""
        table, label = self.ui.comparisonTable, self.ui.verdictLabel
        if comparison != self._comparison:
            self._comparison = comparison
            fill(table, *comparisonTable(comparison)) if comparison else table.setRowCount(0)
            label.text = comparison["verdict"] if comparison else ""
        table.visible = label.visible = comparison is not None

    def state(self) -> str:
        trained, total = len(self.panel.run.trainedFolds), len(self.panel.run.folds)
        if self.isRunning:
            return _("working")
        return _("{count} of {total} networks").format(count=trained, total=total) if trained else ""

    def action(self) -> str:
        return _("Export model")

    def whyNot(self) -> str:
        if self.panel.run.whyUnusable:
            return self.panel.run.whyUnusable
        if not self.panel.run.trainedFolds:
            return _("Retrain at least one fold first.")
        return "" if self.panel.parameters.modelName.strip() else _("Give the model a name.")

    def showLabels(self) -> None:
        named = {value: terminologyOf(name) for value, name in self.labels().items()}
        self.labelsTable.show(self.styles(), named)

    def onLabelChanged(self, value: int, kind: str, text: str) -> None:
        self.panel.parameters.labelChanges = {**dict(self.panel.parameters.labelChanges), f"{value}.{kind}": text}
        self.panel.refresh()  # an empty name is taken back

    def onStart(self) -> None:
        parameters, styles = self.panel.parameters, self.styles()
        path = self.logic.modelPath(parameters.modelName)
        question = _("There is a model {name} already. Replace it?").format(name=path.name)
        if path.exists() and not slicer.util.confirmYesNoDisplay(plain(question), _("Export model")):
            return
        folder, name, notes = parameters.runFolder, parameters.modelName.strip(), parameters.notes
        labels = self.labels()
        texts = {value: {COLOR: toHex(style.color), TERMINOLOGY: style.terminology} for value, style in styles.items()}

        def begin(**calls: Any) -> Pipeline:
            return self.logic.export(folder, name, notes, labels, texts, overwrite=True, **calls)

        self.start(begin, self.onExported)

    def onExported(self, results: Results) -> None:
        text = _("{name} is listed in DiNTS Segmentation now ({path}).")
        self.panel.footer.say(text.format(name=results["model"]["name"], path=results["model"]["path"]))

    def onReport(self) -> None:
        folder = self.panel.parameters.runFolder
        self.start(lambda **calls: self.logic.report(folder, **calls), self.onReported)

    def onReported(self, results: Results) -> None:
        self.panel.openFile(results["report"]["path"])

    def onCompare(self) -> None:
        parameters = self.panel.parameters

        def begin(**calls: Any) -> Pipeline:
            return self.logic.compare(parameters.runFolder, hereOnly(parameters.device), **calls)

        self.start(begin, self.onCompared)

    def onCompared(self, results: Results) -> None:
        self.panel.readRun()
        if self.panel.run.comparison is not None:
            self.panel.footer.say(self.panel.run.comparison["verdict"])
