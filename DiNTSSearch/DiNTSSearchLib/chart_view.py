"""A plot in the panel, with a list of what it can show."""

from __future__ import annotations

from collections.abc import Sequence

import qt
import slicer

from DiNTSSearchLib.plots import RunPlots


class ChartView:
    """Shows the chosen chart of a run.

    Args:
        plots: keep the charts up to date.
        name: of the view's node.
        charts: names of those to choose from.
        box: lists them.
        frame: holds the plot.
    """

    def __init__(self, plots: RunPlots, name: str, charts: Sequence[str], box: qt.QComboBox, frame: qt.QWidget) -> None:
        self._plots, self._name, self._box = plots, name, box
        for chart in charts:
            box.addItem(plots.charts[chart].name, chart)
        self._widget = slicer.qMRMLPlotWidget()
        self._widget.setMRMLScene(slicer.mrmlScene)
        self._widget.plotController().visible = False  # a bar with the view's label
        frame.layout().addWidget(self._widget)
        box.connect("currentIndexChanged(int)", self.show)

    def show(self, *_arguments: object) -> None:
        """The chosen chart; the view's node is made anew after a scene was closed."""
        node = self._plots.panelView(self._name, self._box.currentData)
        if self._widget.mrmlPlotViewNode() is not node:
            self._widget.setMRMLPlotViewNode(node)
