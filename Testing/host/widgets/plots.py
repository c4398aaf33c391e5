"""qMRMLPlotView and qMRMLPlotWidget: a chart node drawn with Qt's painter, without OpenGL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from PySide6.QtCore import Property, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkCommonCore import vtkCommand

from ..observing import Observations
from ..registry import host_class
from .plot_axes import Axes, Range, font
from .views import qMRMLWidget

LEGEND_LINE = 24  # pixels of a curve's colour in the legend


class Curve(NamedTuple):
    """A series that has something to draw."""

    name: str
    color: tuple[float, float, float]
    x: np.ndarray
    y: np.ndarray


@host_class("slicer")
class qMRMLPlotView(QWidget):
    """Draws the series of the chart that the view node selects.

    As in Slicer, the range of the axes is that of the data at the moment when the drawn curves became others: a curve
    that came, or that went because its table was empty for a moment. A table that is changed within `NodeModify` is
    never seen empty, so the axes keep their range until `fitToContent`.
    """

    mrmlSceneChanged = Signal(object)

    def __init__(self, *args: object) -> None:
        super().__init__(next((a for a in args if isinstance(a, QWidget)), None))
        self._scene = None
        self._node = None
        self._observations = Observations(self)
        self._drawn: tuple[str, ...] = ()
        self.shown_range: Range | None = None
        self.setMinimumSize(QSize(160, 120))

    def setMRMLScene(self, scene: object) -> None:
        self._scene = scene
        self.mrmlSceneChanged.emit(scene)

    def setMRMLPlotViewNode(self, node: object) -> None:
        self._node = node
        self._drawn, self.shown_range = (), None
        self._follow()

    def fitToContent(self) -> None:
        curves = list(self.curves().values())
        self.shown_range = Range.of([(curve.x, curve.y) for curve in curves]) if curves else None
        self.update()

    def curves(self) -> dict[str, Curve]:
        """What is drawn, by the series' ID."""
        found = {}
        for node in self._series():
            table = node.GetTableNode().GetTable() if node.GetTableNode() else None
            y = table.GetColumnByName(node.GetYColumnName()) if table else None
            if y is None or not y.GetNumberOfValues():
                continue
            x = table.GetColumnByName(node.GetXColumnName() or "")
            heights = vtk_to_numpy(y).astype(float)
            places = vtk_to_numpy(x).astype(float) if x else np.arange(len(heights), dtype=float)
            found[node.GetID()] = Curve(node.GetName(), node.GetColor(), places, heights)
        return found

    def axes(self) -> Axes | None:
        """The axes as they are drawn; None without a curve."""
        if self.shown_range is None:
            return None
        return Axes.of(self._chart(), self.shown_range, QRectF(self.rect()))

    title = Property(str, lambda self: self._chart().GetTitle() if self._chart() else "")

    def _chart(self) -> object:
        return self._node.GetPlotChartNode() if self._node is not None else None

    def _series(self) -> Iterator[object]:
        chart = self._chart()
        for index in range(chart.GetNumberOfPlotSeriesNodes() if chart else 0):
            node = self._scene.GetNodeByID(chart.GetNthPlotSeriesNodeID(index))
            if node is not None:
                yield node

    def _follow(self) -> None:
        """Observes all nodes that are drawn, which may have become others."""
        self._observations.clear()
        series = list(self._series())
        tables = [node.GetTableNode() for node in series]
        for node in (self._node, self._chart(), *series):
            if node is not None:
                self._observations.add(node, vtkCommand.ModifiedEvent, "_follow")
        for node in filter(None, tables):
            self._observations.add(node, vtkCommand.ModifiedEvent, "_take")
        self._take()

    def _take(self) -> None:
        drawn = tuple(self.curves())
        if drawn != self._drawn:
            self._drawn = drawn
            self.fitToContent()
        self.update()

    def paintEvent(self, event: object) -> None:
        with QPainter(self) as painter:
            painter.fillRect(self.rect(), Qt.GlobalColor.white)
            chart, axes = self._chart(), self.axes()
            if chart is not None and chart.GetTitleVisibility():
                painter.setFont(font(chart.GetTitleFontSize()))
                painter.drawText(self.rect(), Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop, self.title)
            if axes is None:
                return
            axes.draw(painter)
            curves = list(self.curves().values())
            draw_curves(painter, axes, curves)
            if chart.GetLegendVisibility():
                painter.setFont(font(chart.GetLegendFontSize()))
                draw_legend(painter, axes.area, curves)


def draw_curves(painter: QPainter, axes: Axes, curves: list[Curve]) -> None:
    painter.save()
    painter.setClipRect(axes.area)  # as VTK does: what lies outside of the axes is not drawn
    for curve in curves:
        painter.setPen(QPen(QColor.fromRgbF(*curve.color), 2))
        points = [QPointF(*axes.place(x, y)) for x, y in zip(curve.x, curve.y, strict=True)]
        painter.drawPolyline(QPolygonF(points))
    painter.restore()


def draw_legend(painter: QPainter, area: QRectF, curves: list[Curve]) -> None:
    metrics = painter.fontMetrics()
    width = max(metrics.horizontalAdvance(curve.name) for curve in curves) + LEGEND_LINE + 12
    left, height = area.right() - width, metrics.height()
    for row, curve in enumerate(curves):
        middle = area.top() + (row + 0.5) * height
        painter.setPen(QPen(QColor.fromRgbF(*curve.color), 2))
        painter.drawLine(QPointF(left, middle), QPointF(left + LEGEND_LINE, middle))
        painter.setPen(Qt.GlobalColor.black)
        painter.drawText(QPointF(left + LEGEND_LINE + 6, middle + metrics.ascent() / 2 - 1), curve.name)


@host_class("slicer")
class qMRMLPlotWidget(qMRMLWidget):
    """A plot view below a bar that shows the view's label."""

    def __init__(self, *args: object) -> None:
        super().__init__(*args)
        self._bar = QLabel()
        self._bar.setStyleSheet("background: #1cc9d8; color: black; padding: 3px")
        self._view = qMRMLPlotView(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._bar)
        layout.addWidget(self._view, 1)
        self._node = None
        self._observations = Observations(self)

    def plotController(self) -> QWidget:
        return self._bar

    def plotView(self) -> QWidget:
        return self._view

    def mrmlPlotViewNode(self) -> object:
        return self._node

    def setMRMLPlotViewNode(self, node: object) -> None:
        self._node = node
        self._observations.clear()
        if node is not None:
            self._observations.add(node, vtkCommand.ModifiedEvent, "_show_label")
        self._show_label()
        self._view.setMRMLPlotViewNode(node)

    def setMRMLScene(self, scene: object) -> None:
        super().setMRMLScene(scene)
        self._view.setMRMLScene(scene)

    def _show_label(self) -> None:
        self._bar.setText(self._node.GetLayoutLabel() if self._node is not None else "")

    viewLabel = Property(str, lambda self: self._bar.text())
