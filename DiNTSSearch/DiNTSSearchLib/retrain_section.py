"""Step 3: folds, their training and the cross-validation."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import qt
import slicer
from slicer.i18n import tr as _

from dints.evaluation.evaluate import Scores, measured, summarize
from dints.metrics.segmentation import short_name
from dints.run_layout import FoldState
from DiNTSLib.device_list import deviceWord
from DiNTSSearchLib.cases import openCase
from DiNTSSearchLib.chart_view import ChartView
from DiNTSSearchLib.parameters import Distribution
from DiNTSSearchLib.pipeline import Results
from DiNTSSearchLib.section import Section, counted
from DiNTSSearchLib.suspects_list import FEW_ROWS, SuspectsList
from DiNTSSearchLib.tables import MOST_ROWS_SHOWN, SELECTABLE, fill

if TYPE_CHECKING:
    from DiNTSSearchLib.panel import SearchPanel

CHARTS = ("fold_dice", "fold_loss")
CHECKABLE = SELECTABLE | 16  # Qt::ItemIsUserCheckable
CHECKED, UNCHECKED = 2, 0  # Qt::CheckState


class RetrainSection(Section):
    """Trains the checked folds, then cross-validates all that are trained."""

    def __init__(self, panel: SearchPanel) -> None:
        ui = panel.ui
        super().__init__(panel, _("3. Retrain"), ui.retrainButton)
        self.left: set[int] = set()  # folds that the user unchecked
        self._rows: tuple[list[list[str]], set[int], bool] | None = None  # shown, with the unchecked ones
        self._scores: Scores | None = None  # shown
        self._rowsOfScores = 0  # shown
        self.suspects = SuspectsList(self)
        self.chart = ChartView(panel.plots, "DiNTSRetrainPanel", CHARTS, ui.retrainChartBox, ui.retrainPlotFrame)
        ui.foldsTable.connect("itemChanged(QTableWidgetItem*)", self.onFoldChecked)
        ui.scoresTable.connect("cellDoubleClicked(int,int)", self.onCaseDoubleClicked)

    def forget(self) -> None:
        super().forget()
        self.left.clear()

    @property
    def folds(self) -> list[int]:
        """The checked folds."""
        settings = self.panel.run.settings
        return [fold for fold in range(settings.training.folds if settings else 0) if fold not in self.left]

    def devices(self) -> list[str]:
        """One for each process."""
        parameters, gpus = self.panel.parameters, self.panel.search.memory.gpus
        if parameters.distribution == Distribution.GPUS and gpus > 1 and not self.panel.devices.computer:
            return [f"cuda:{index}" for index in range(gpus)]
        return [deviceWord(parameters.device)]

    def refresh(self) -> None:
        run, gpus = self.panel.run, self.panel.search.memory.gpus
        self.showFolds(run.folds)
        self.showScores(run.scores, FEW_ROWS if run.suspects else MOST_ROWS_SHOWN)
        self.suspects.show(run.suspects, isFree=not self.panel.isBusy and not run.whyUnusable)
        self.ui.distributionBox.enabled = not self.panel.isBusy
        self.ui.distributionFrame.visible = gpus > 1
        self.ui.retrainProgressFrame.visible = any(fold is not None and fold.started for fold in run.folds)
        self.chart.show()
        self.showTime()

    def showTime(self) -> None:
        """What the checked folds are predicted to take, before they are started."""
        run, time = self.panel.run, self.panel.search.time
        shown = run.isPlanned and run.search.finished and not self.panel.isBusy
        sentence = time.sentence(self.folds) if shown else ""
        self.ui.retrainTimeText.text = _("Time: {sentence}").format(sentence=sentence) if sentence else ""
        self.ui.retrainTimeText.visible = bool(self.ui.retrainTimeText.text)

    @property
    def isStopped(self) -> bool:
        """Whether a fold was begun and not finished."""
        folds = (fold for fold in self.panel.run.folds if fold is not None)
        return not self.isRunning and any(fold.started and not fold.finished for fold in folds)

    def state(self) -> str:
        done, count = len(self.panel.run.trainedFolds), len(self.panel.run.folds)
        shown = done or self.isRunning or self.isStopped
        return _("{done} of {count} folds").format(done=done, count=count) if shown else ""

    def action(self) -> str:
        return _("Resume training") if self.isStopped else _("Start training")

    def whyNot(self) -> str:
        if self.panel.run.whyUnusable:
            return self.panel.run.whyUnusable
        if not self.panel.run.search.finished:
            return _("Search an architecture first.")
        return self.panel.devices.problem if self.folds else _("Check at least one fold.")

    def showFolds(self, folds: Sequence[FoldState | None]) -> None:
        """One line a fold, with a check mark."""
        rows = [[_("Fold {number}").format(number=fold), *foldTexts(state)] for fold, state in enumerate(folds)]
        if (rows, self.left, self.panel.isBusy) == self._rows:
            return
        self._rows = (rows, set(self.left), self.panel.isBusy)
        table = self.ui.foldsTable
        fill(table, [_("Fold"), _("State"), _("Validation Dice")], rows)
        table.blockSignals(True)
        for fold in range(len(rows)):
            table.item(fold, 0).setFlags(SELECTABLE if self.panel.isBusy else CHECKABLE)
            table.item(fold, 0).setCheckState(UNCHECKED if fold in self.left else CHECKED)
        table.blockSignals(False)
        table.resizeColumnToContents(0)  # with the check marks

    def onFoldChecked(self, item: qt.QTableWidgetItem) -> None:
        change = self.left.discard if item.checkState() else self.left.add
        change(item.row())
        self.panel.refresh()

    def showScores(self, scores: Scores | None, most: int) -> None:
        """One line a case, so many before it scrolls, the mean of all cases first."""
        table = self.ui.scoresTable
        if (scores, most) != (self._scores, self._rowsOfScores):
            self._scores, self._rowsOfScores = scores, most
            fill(table, *scoreTable(scores), most) if scores else table.setRowCount(0)
        table.visible = scores is not None

    def onCaseDoubleClicked(self, row: int, column: int) -> None:
        name = self.ui.scoresTable.item(row, 0).text()
        if self._scores is not None and name in self._scores.cases:  # it is not the line of means
            self.openCase(name)

    def openCase(self, name: str, place: Sequence[float] | None = None) -> None:
        """Loads image, reference and prediction; the slice views go to `place` (mm, RAS)."""
        self.error = ""
        if self.panel.run.settings is None:
            return  # why it is not known is said below the folder
        try:
            with slicer.util.WaitCursor():
                openCase(self.panel.run, name, place)
            self.panel.plots.leaveViews()
        except ValueError as error:
            self.error = str(error)
        self.panel.refresh()

    def onStart(self) -> None:
        folder, folds, devices = self.panel.parameters.runFolder, self.folds, self.devices()
        self.start(lambda **calls: self.logic.retrain(folder, folds, devices, **calls), self.onTrained)

    def onTrained(self, results: Results) -> None:
        self.panel.open(self.panel.export)
        if "suspects" not in results:
            self.panel.footer.say(_("Trained; whether labels are wrong could not be looked for: the log says why."))
        count = len(results.get("suspects", {}).get("suspects", ()))
        if count:
            one, many = _("The label of one case may be wrong"), _("The labels of {count} cases may be wrong")
            self.panel.footer.say(_("{found}: see step 3.").format(found=counted(count, one, many)))

    def explain(self, sentence: str) -> str:
        """The engine's remedy is a command."""
        if "evaluate" not in sentence:
            return sentence
        return _("{sentence}; here, Start training evaluates what is trained").format(sentence=sentence)


def foldTexts(fold: FoldState | None) -> tuple[str, str]:
    """How far a fold is, and the validation Dice of the network that it would give; None while its log is read."""
    if fold is None:
        return _("is read…"), ""
    dice = "" if fold.best_dice is None else f"{fold.best_dice:.3f}"
    if fold.finished:
        return _("trained"), dice
    if not fold.started:
        return _("not trained"), dice
    return _("{step} of {total}").format(step=fold.step, total=fold.total), dice


def scoreTable(scores: Scores) -> tuple[list[str], list[list[str]], list[str]]:
    """Headers, lines and tool tips: case, fold, and the first metric of each label; a tool tip has every metric."""
    metrics = measured(scores.rows)
    labels = {row.value: row.label for row in scores.rows}
    found = {(row.case, row.value): row.scores for row in scores.rows}
    for line in summarize(scores.rows):
        if line.fold is None and line.value is not None:
            found["", line.value] = {name: statistic.mean for name, statistic in line.statistics.items()}
    folds = {row.case: "" if row.fold is None else str(row.fold) for row in scores.rows}
    rows, hints = [], []
    for case in ["", *sorted(folds)]:
        own = {label: found.get((case, value), {}) for value, label in labels.items()}
        rows.append([case or _("mean"), folds.get(case, ""), *(_number(of.get(metrics[0])) for of in own.values())])
        hints.append("\n".join(f"{label}: {_everyScore(of, metrics)}" for label, of in own.items()))
    return [_("{metric} of case").format(metric=short_name(metrics[0])), _("Fold"), *labels.values()], rows, hints


def _everyScore(scores: Mapping[str, float], metrics: Sequence[str]) -> str:
    return ", ".join(f"{short_name(name)} {_number(scores.get(name))}" for name in metrics)


def _number(value: float | None) -> str:
    return "\u2013" if value is None or math.isnan(value) else f"{value:.3f}"
