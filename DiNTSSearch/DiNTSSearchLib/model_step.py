"""Step 4: name, labels and notes of the model, its export, and the report."""

from __future__ import annotations

from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from DiNTSSearchLib.step import Step
from DiNTSSearchLib.tables import EDITABLE, fill


class ModelStep(Step):
    """Exports into the folder of installed models, where the segmentation panel finds them."""

    name = "model"

    def __init__(self, panel: Any) -> None:
        ui = panel.ui
        super().__init__(panel, _("4. Model"), ui.modelButton, ui.modelReasonLabel)
        self.names: dict[int, str] = {}  # of labels that the user renamed
        self._labels: Any = None
        ui.exportButton.connect("clicked()", self.onExport)
        ui.reportButton.connect("clicked()", self.onReport)
        ui.labelsTable.connect("cellChanged(int,int)", self.onLabelRenamed)

    def labels(self) -> dict[int, str]:
        """Names by value as they will be exported, without background."""
        settings = self.panel.run.settings
        own = {value: name for value, name in settings.task.labels.items() if value} if settings else {}
        return {value: self.names.get(value, name) for value, name in own.items()}

    def loadSettings(self) -> None:
        """Takes name and labels from the run."""
        self.names = {}
        settings = self.panel.run.settings
        if settings is not None:
            self.panel.parameters.modelName = settings.task.name

    def refresh(self) -> None:
        run, reason = self.panel.run, self.whyNot()
        self.showLabels()
        self.ui.exportButton.enabled = not reason and not self.panel.isBusy
        self.ui.reportButton.enabled = run.isRun and not self.panel.isBusy
        trained, total = len(run.trainedFolds), run.settings.training.folds if run.settings else 0
        networks = _("{count} of {total} networks").format(count=trained, total=total) if trained else ""
        self.showState(_("working") if self.isRunning else networks, reason)

    def whyNot(self) -> str:
        """Why there is nothing to export; "" if there is."""
        if self.panel.isBusy:
            return ""
        if not self.panel.run.trainedFolds:
            return _("Retrain at least one fold first.")
        return "" if self.panel.parameters.modelName.strip() else _("Give the model a name.")

    def showLabels(self) -> None:
        """Value, name, and the terminology and colour that follow from the name."""
        labels = self.labels()
        if labels == self._labels:
            return
        self._labels = labels
        from DiNTSLib.terminology import styleFor

        table, styles = self.ui.labelsTable, [styleFor(name, value) for value, name in labels.items()]
        meanings = [style.terminology.split("~")[2].split("^")[2] for style in styles]
        rows = [[str(value), name, text] for (value, name), text in zip(labels.items(), meanings, strict=True)]
        fill(table, [_("Value"), _("Name"), _("Terminology and colour")], rows)
        table.blockSignals(True)
        for row, style in enumerate(styles):
            table.item(row, 1).setFlags(EDITABLE)
            color = qt.QPixmap(16, 16)
            color.fill(qt.QColor(*(round(255 * part) for part in style.color)))
            table.item(row, 2).setIcon(qt.QIcon(color))
        table.blockSignals(False)

    def onLabelRenamed(self, row: int, column: int) -> None:
        value, name = list(self._labels)[row], self.ui.labelsTable.item(row, column).text().strip()
        if name:
            self.names[value] = name
        self._labels = None
        self.panel.refresh()

    def onExport(self) -> None:
        parameters, labels = self.panel.parameters, self.labels()
        path = self.logic.modelPath(parameters.modelName)
        question = _("There is a model {name} already. Replace it?").format(name=path.name)
        if path.exists() and not slicer.util.confirmYesNoDisplay(question, _("Export model")):
            return
        arguments = {"name": parameters.modelName.strip(), "notes": parameters.notes, "labels": labels}
        folder = parameters.runFolder
        self.start(lambda **calls: self.logic.export(folder, **arguments, overwrite=True, **calls), self.onExported)

    def onExported(self, results: dict) -> None:
        text = _("{name} is listed in DiNTS Segmentation now ({path}).")
        self.panel.say(text.format(name=results["model"]["name"], path=results["model"]["path"]))

    def onReport(self) -> None:
        folder = self.panel.parameters.runFolder
        self.start(lambda **calls: self.logic.report(folder, **calls), self.onReported)

    def onReported(self, results: dict) -> None:
        self.panel.openFile(results["report"]["path"])
