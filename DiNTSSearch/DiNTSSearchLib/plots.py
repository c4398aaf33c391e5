"""Live plots of a run: tables, series and charts in the scene, for the panel's plot views and for the main window's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import slicer
from slicer.i18n import tr as _

from DiNTSSearchLib.opened_run import OpenedRun

MOST_POINTS = 2000  # of a curve: more than a view has pixels across
OWNER = "DiNTSSearch.plot"  # attribute that names the nodes of this file
BUDGET = "budget"  # the straight line in the memory chart
COLORS = [(0.0, 0.45, 0.70), (0.84, 0.37, 0.0), (0.0, 0.62, 0.45), (0.80, 0.47, 0.65), (0.90, 0.62, 0.0)]
PANEL = "panel."  # begins the keys of the charts that the panel shows
PANEL_FONT = 12  # pixels, of axes and legend: Slicer's 16 leave little of a plot that is 300 pixels wide
VIEW_PREFIX = "DiNTS_"  # tags become IDs, which are separated by spaces
LAYOUT = 7301  # any number that no layout of Slicer has
RACE = "race"  # the chart of candidates
LAYOUT_CHARTS = ("loss", "dice", "gap", "memory_fraction")


@dataclass(frozen=True)
class RunChart:
    """One plot: a value of the logs over the steps."""

    name: str
    axis: str
    value: str  # name in the log
    ofFolds: bool = False  # one curve a fold, from the retraining

    @property
    def title(self) -> str:
        """The name with the stage."""
        return (_("Retraining: {name}") if self.ofFolds else _("Search: {name}")).format(name=self.name)


def charts() -> dict[str, RunChart]:
    """All plots by name."""
    share = _("Share of the full network")
    return {
        "loss": RunChart(_("loss"), _("Loss"), "loss"),
        "dice": RunChart(_("validation Dice"), _("Dice"), "dice"),
        "gap": RunChart(_("discretization gap G"), _("G"), "gap"),
        "memory_fraction": RunChart(_("memory and budget"), share, "memory_fraction"),
        RACE: RunChart(_("race"), _("Dice"), "mean_dice"),
        "fold_loss": RunChart(_("loss"), _("Loss"), "loss", True),
        "fold_dice": RunChart(_("validation Dice"), _("Dice"), "mean_dice", True),
    }


class RunPlots:
    """Keeps the nodes of all charts up to date with the logs of one run. Nodes that were deleted are made anew."""

    def __init__(self) -> None:
        self.charts = charts()
        self._folder: Path | None = None
        self._drawn: dict[str, tuple[float, ...]] = {}  # of each curve: number of points and the last one
        self._arrangement = slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView  # of the main window, before its plots

    def show(self, run: OpenedRun, budget: float | None) -> None:
        """Brings the curves to what was read of the run's logs; a budget of None is no share of the memory."""
        if run.folder != self._folder or (self._drawn and not _series()):  # another run, or the scene was closed
            self._folder, self._drawn = run.folder, {}
            self.clear()
        for name, chart in self.charts.items():
            if chart.ofFolds:
                for fold in range(len(run.folds)):
                    self._curve(name, f"fold{fold}", f"fold{fold}", *run.log(fold).points(chart.value), fold)
            elif name == RACE:
                for number, racer in enumerate(sorted(run.race, key=lambda one: one.name)):
                    self._curve(name, racer.name, racer.name, *racer.curve, number)
            else:
                steps, values = run.log().points(chart.value)
                self._curve(name, "search", chart.axis, steps, values)
                if name == "memory_fraction" and steps and budget is not None:
                    self._curve(name, BUDGET, _("budget"), [steps[0], steps[-1]], [budget, budget], 1)

    def chartNode(self, name: str) -> slicer.vtkMRMLPlotChartNode:
        """The chart of that name, as the main window shows it."""
        return self._chartNode(name, name)

    def panelView(self, name: str, chart: str) -> slicer.vtkMRMLPlotViewNode:
        """The node of a plot view in the panel, which shows a chart of its own with the same curves: without title and
        with small numbers."""
        shown = self._chartNode(PANEL + chart, chart)
        shown.SetTitleVisibility(False)
        shown.SetLegendVisibility(self.charts[chart].ofFolds or chart == "memory_fraction")
        shown.SetAxisTitleFontSize(PANEL_FONT)
        shown.SetAxisLabelFontSize(PANEL_FONT)
        shown.SetLegendFontSize(PANEL_FONT)
        node = slicer.mrmlScene.GetSingletonNode(name, "vtkMRMLPlotViewNode") or _newView(name)
        # For a view without an owner, which can be any node, the main window makes a widget.
        node.SetAndObserveParentLayoutNodeID(shown.GetID())
        return _showIn(node, shown, name)

    def showInViews(self) -> bool:
        """Arranges four plot views in the main window; False where there is none."""
        layout = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLLayoutNode")
        if layout is None:
            return False
        for number, name in enumerate(LAYOUT_CHARTS, start=1):
            tag = f"{VIEW_PREFIX}{name}"
            node = slicer.mrmlScene.GetSingletonNode(tag, "vtkMRMLPlotViewNode") or _newView(tag)
            _showIn(node, self.chartNode(name), str(number))
        if not layout.IsLayoutDescription(LAYOUT):
            layout.AddLayoutDescription(LAYOUT, _layoutDescription())
        if layout.GetViewArrangement() != LAYOUT:
            self._arrangement = layout.GetViewArrangement()
        layout.SetViewArrangement(LAYOUT)
        return True

    def leaveViews(self) -> None:
        """Gives the main window's views back to what they showed before the plots."""
        layout = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLLayoutNode")
        if layout is not None and layout.GetViewArrangement() == LAYOUT:
            layout.SetViewArrangement(self._arrangement)

    def clear(self) -> None:
        """Empties all curves; the charts stay where views show them."""
        for node in _series():
            table = node.GetTableNode()
            slicer.mrmlScene.RemoveNode(node)
            slicer.mrmlScene.RemoveNode(table)

    def _chartNode(self, key: str, name: str) -> slicer.vtkMRMLPlotChartNode:
        chart = self.charts[name]
        node = _node("vtkMRMLPlotChartNode", key, chart.title)
        if node.GetTitle() != chart.title:
            node.SetTitle(chart.title)
            node.SetXAxisTitle(_("Step"))
            node.SetYAxisTitle(chart.axis)
        return node

    def _curve(self, chart: str, log: str, label: str, steps: list[int], values: list[float], number: int = 0) -> None:
        """`number` chooses the colour."""
        if not steps:
            return
        key, drawn = f"{chart}.{log}", (len(steps), steps[-1], values[-1])
        series = _node("vtkMRMLPlotSeriesNode", key, label)
        if series.GetTableNode() is None:
            self._prepare(series, chart, log, label, number)
        elif self._drawn.get(key) == drawn:
            return
        self._drawn[key] = drawn
        every = -(-len(steps) // MOST_POINTS)
        columns = [np.asarray(column[::every], dtype=float) for column in (steps, values)]
        # Not within NodeModify: axes follow a table only if they see it empty for a moment.
        slicer.util.updateTableFromArray(series.GetTableNode(), columns, ["step", label])

    def _prepare(self, series: slicer.vtkMRMLPlotSeriesNode, chart: str, log: str, label: str, number: int) -> None:
        table = _node("vtkMRMLTableNode", f"{chart}.{log}", f"DiNTS {chart} {label}")
        series.SetAndObserveTableNodeID(table.GetID())
        series.SetXColumnName("step")
        series.SetYColumnName(label)
        series.SetPlotType(slicer.vtkMRMLPlotSeriesNode.PlotTypeScatter)
        styles = slicer.vtkMRMLPlotSeriesNode
        series.SetMarkerStyle(styles.MarkerStyleCircle if chart == RACE else styles.MarkerStyleNone)  # has few points
        if log == BUDGET:
            series.SetLineStyle(slicer.vtkMRMLPlotSeriesNode.LineStyleDash)
        series.SetColor(*COLORS[number % len(COLORS)])
        for key in (chart, PANEL + chart):
            self._chartNode(key, chart).AddAndObservePlotSeriesNodeID(series.GetID())


def _series() -> list[slicer.vtkMRMLPlotSeriesNode]:
    """All curves."""
    return [node for node in slicer.util.getNodesByClass("vtkMRMLPlotSeriesNode") if node.GetAttribute(OWNER)]


def _node(className: str, key: str, name: str) -> slicer.vtkMRMLNode:
    """The node of that key, made where the scene has none. Runs are kept on disk, not in the scene's file."""
    for node in slicer.util.getNodesByClass(className):
        if node.GetAttribute(OWNER) == key:
            return node
    node = slicer.mrmlScene.CreateNodeByClass(className)
    node.UnRegister(None)
    node.SetName(name)
    node.SetAttribute(OWNER, key)
    node.SetSaveWithScene(False)
    return slicer.mrmlScene.AddNode(node)


def _newView(name: str) -> slicer.vtkMRMLPlotViewNode:
    """A plot view's node that is not in the scene yet."""
    node = slicer.vtkMRMLPlotViewNode()
    node.SetSingletonTag(name)
    node.SetLayoutName(name)
    node.SetName(name)
    return node


def _showIn(
    node: slicer.vtkMRMLPlotViewNode, chart: slicer.vtkMRMLPlotChartNode, label: str
) -> slicer.vtkMRMLPlotViewNode:
    """Puts a view's node into the scene, if it is not there, and a chart into the view.

    The label of the layout is for nodes that the layout makes: these are there before it.
    """
    if node.GetScene() is None:
        node = slicer.mrmlScene.AddNode(node)
    node.SetLayoutLabel(label)
    node.SetPlotChartNodeID(chart.GetID())
    return node


def _layoutDescription() -> str:
    """Two rows of two plot views."""
    label = '<property name="viewlabel" action="default">{1}</property>'
    view = f'<item><view class="vtkMRMLPlotViewNode" singletontag="{VIEW_PREFIX}{{0}}">{label}</view></item>'
    views = [view.format(name, number) for number, name in enumerate(LAYOUT_CHARTS, start=1)]
    rows = [f'<item><layout type="horizontal">{"".join(pair)}</layout></item>' for pair in (views[:2], views[2:])]
    return f'<layout type="vertical">{"".join(rows)}</layout>'
