"""qMRMLPlotView and qMRMLPlotWidget: a chart node drawn with Qt's painter, without OpenGL."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Property, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QVBoxLayout, QWidget
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkCommonCore import vtkCommand

from ..observing import Observations
from ..registry import host_class
from .views import qMRMLWidget

MARGIN = 36  # pixels around the axes, for their labels


@host_class("slicer")
class qMRMLPlotView(QWidget):
    """Draws the series of the chart that the view node selects."""

    mrmlSceneChanged = Signal(object)

    def __init__(self, *args: object) -> None:
        super().__init__(next((a for a in args if isinstance(a, QWidget)), None))
        self._scene = None
        self._node = None
        self._observations = Observations(self)
        self.setMinimumSize(QSize(160, 120))

    def setMRMLScene(self, scene: object) -> None:
        self._scene = scene
        self.mrmlSceneChanged.emit(scene)

    def setMRMLPlotViewNode(self, node: object) -> None:
        self._observations.clear()
        self._node = node
        if node is not None:
            self._observations.add(node, vtkCommand.ModifiedEvent, "update")
        self.update()

    def fitToContent(self) -> None:
        self.update()

    def _chart(self) -> object:
        return self._node.GetPlotChartNode() if self._node is not None else None

    title = Property(str, lambda self: self._chart().GetTitle() if self._chart() else "")

    def _series(self) -> list[tuple[object, np.ndarray, np.ndarray]]:
        chart = self._chart()
        names = [chart.GetNthPlotSeriesNodeID(i) for i in range(chart.GetNumberOfPlotSeriesNodes())] if chart else []
        found = []
        for node in (self._scene.GetNodeByID(name) for name in names):
            table = node.GetTableNode().GetTable() if node is not None and node.GetTableNode() else None
            y = table.GetColumnByName(node.GetYColumnName()) if table else None
            if y is None or not y.GetNumberOfValues():
                continue
            x = table.GetColumnByName(node.GetXColumnName() or "")
            heights = vtk_to_numpy(y).astype(float)
            found.append((node, vtk_to_numpy(x).astype(float) if x else np.arange(len(heights), dtype=float), heights))
        return found

    def paintEvent(self, event: object) -> None:
        with QPainter(self) as painter:
            self._paint(painter)

    def _paint(self, painter: QPainter) -> None:
        area = QRectF(self.rect()).adjusted(MARGIN, MARGIN, -MARGIN, -MARGIN)
        painter.drawRect(area)
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop, self.title)
        series = self._series()
        if not series:
            return
        low = np.array([min(x.min() for _, x, _ in series), min(y.min() for _, _, y in series)])
        span = np.array([max(x.max() for _, x, _ in series), max(y.max() for _, _, y in series)]) - low
        span[span == 0] = 1.0
        for node, x, y in series:
            painter.setPen(QPen(QColor.fromRgbF(*node.GetColor()), 2))
            unit = (np.stack([x, y], axis=1) - low) / span
            points = [QPointF(area.left() + u * area.width(), area.bottom() - v * area.height()) for u, v in unit]
            painter.drawPolyline(QPolygonF(points))


@host_class("slicer")
class qMRMLPlotWidget(qMRMLWidget):
    """A plot view in a widget of its own."""

    def __init__(self, *args: object) -> None:
        super().__init__(*args)
        self._view = qMRMLPlotView(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._view)
        self._node = None

    def plotView(self) -> QWidget:
        return self._view

    def mrmlPlotViewNode(self) -> object:
        return self._node

    def setMRMLPlotViewNode(self, node: object) -> None:
        self._node = node
        self._view.setMRMLPlotViewNode(node)

    def setMRMLScene(self, scene: object) -> None:
        super().setMRMLScene(scene)
        self._view.setMRMLScene(scene)
