"""Plot views of the host: axes with numbers, and the range that Slicer's axes keep."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest


@pytest.fixture
def slicer(host: Any) -> Any:
    import slicer

    return slicer


@pytest.fixture
def loss(slicer: Any) -> Any:
    """The table of a curve with two points."""
    return slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode", "loss")


@pytest.fixture
def draw(slicer: Any, loss: Any) -> Callable[[int], None]:
    """Function that gives the curve so many points."""

    def draw(points: int) -> None:
        steps = np.arange(points, dtype=float)
        slicer.util.updateTableFromArray(loss, [steps, 10.0 - steps], ["step", "loss"])

    return draw


@pytest.fixture
def view(slicer: Any, loss: Any, draw: Callable[[int], None]) -> Any:
    """A view, 300 pixels wide, of a chart of the curve."""
    from Testing.host.convert import unwrap

    draw(2)
    series = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLPlotSeriesNode", "Loss")
    series.SetAndObserveTableNodeID(loss.GetID())
    series.SetXColumnName("step")
    series.SetYColumnName("loss")
    series.SetPlotType(slicer.vtkMRMLPlotSeriesNode.PlotTypeScatter)
    chart = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLPlotChartNode", "Search")
    chart.SetTitle("Search: loss")
    chart.SetXAxisTitle("Step")
    chart.SetYAxisTitle("Loss")
    chart.AddAndObservePlotSeriesNodeID(series.GetID())
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLPlotViewNode", "View")
    node.SetPlotChartNodeID(chart.GetID())
    widget = slicer.qMRMLPlotWidget()
    widget.setMRMLScene(slicer.mrmlScene)
    widget.setMRMLPlotViewNode(node)
    widget.resize(300, 240)
    yield widget
    unwrap(widget).deleteLater()


def x_range(widget: Any) -> tuple[float, float]:
    from Testing.host.convert import unwrap

    shown = unwrap(widget.plotView()).shown_range
    return shown.low[0], shown.high[0]


def test_the_axes_follow_a_table_that_grows(view: Any, draw: Callable[[int], None]) -> None:
    assert x_range(view) == (0.0, 1.0)
    draw(5)
    assert x_range(view) == (0.0, 4.0)


def test_the_axes_stay_while_a_table_is_changed_as_one(
    slicer: Any, view: Any, loss: Any, draw: Callable[[int], None]
) -> None:
    with slicer.util.NodeModify(loss):
        draw(5)
    assert x_range(view) == (0.0, 1.0)
    view.plotView().fitToContent()
    assert x_range(view) == (0.0, 4.0)


def test_the_axes_are_found_anew_for_another_curve(slicer: Any, view: Any, loss: Any) -> None:
    steps = np.arange(9.0)
    other = slicer.util.updateTableFromArray(None, [steps, steps], ["step", "dice"])
    series = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLPlotSeriesNode", "Dice")
    series.SetAndObserveTableNodeID(other.GetID())
    series.SetXColumnName("step")
    series.SetYColumnName("dice")
    view.mrmlPlotViewNode().GetPlotChartNode().AddAndObservePlotSeriesNodeID(series.GetID())
    assert x_range(view) == (0.0, 8.0)


def test_the_axes_have_numbers(host: Any, view: Any, draw: Callable[[int], None], tmp_path: Path) -> None:
    from Testing.host.convert import unwrap

    draw(60)
    host.photograph(view, tmp_path / "plot.png")
    axes = unwrap(view.plotView()).axes()
    assert list(axes.x_numbers.values()) == ["0", "10", "20", "30", "40", "50"]
    assert all(float(text) == pytest.approx(value) for value, text in axes.y_numbers.items())
    assert axes.titles == ("Step", "Loss")


def test_the_bar_of_a_plot_shows_the_label_of_its_view(view: Any) -> None:
    assert view.viewLabel == "1"
    view.mrmlPlotViewNode().SetLayoutLabel("P")
    assert view.viewLabel == "P"
