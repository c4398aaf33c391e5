"""Axes with numbers, placed as VTK's charts place them: their margins are as wide as what is written there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter

GAP = 4  # pixels between numbers, title and frame
NICE_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
NUMBER_ROOM = 1.8  # of a number's own size that two of them are apart, at least
MOST_DIGITS = 4  # of a number


@dataclass(frozen=True)
class Range:
    """Lowest and highest values along x and y."""

    low: tuple[float, float]
    high: tuple[float, float]

    @staticmethod
    def of(curves: Sequence[tuple[np.ndarray, np.ndarray]]) -> Range:
        """Of all points of the curves; one value alone gets some room."""
        low = [min(values.min() for values in axis) for axis in zip(*curves, strict=True)]
        high = [max(values.max() for values in axis) for axis in zip(*curves, strict=True)]
        high = [top if top > bottom else bottom + 1.0 for bottom, top in zip(low, high, strict=True)]
        return Range((low[0], low[1]), (high[0], high[1]))


@dataclass(frozen=True)
class Axes:
    """Where the curves are drawn, and what is written beside them. Numbers by their place along the axis."""

    area: QRectF
    shown: Range
    x_numbers: dict[float, str]
    y_numbers: dict[float, str]
    titles: tuple[str, str]
    number_size: int
    title_size: int

    @staticmethod
    def of(chart: object, shown: Range, frame: QRectF) -> Axes:
        """The axes of a vtkMRMLPlotChartNode in a view of this size."""
        numbers, titles = (font(size) for size in (chart.GetAxisLabelFontSize(), chart.GetAxisTitleFontSize()))
        texts = (
            chart.GetXAxisTitle() if chart.GetXAxisTitleVisibility() else "",
            chart.GetYAxisTitle() if chart.GetYAxisTitleVisibility() else "",
        )
        metrics, title_height = QFontMetricsF(numbers), QFontMetricsF(titles).height()
        top = (QFontMetricsF(font(chart.GetTitleFontSize())).height() if chart.GetTitleVisibility() else 0) + GAP
        bottom = metrics.height() + (title_height if texts[0] else 0) + 2 * GAP
        height = frame.height() - top - bottom
        y_numbers = _numbers(shown.low[1], shown.high[1], height / (NUMBER_ROOM * metrics.height()))
        width = max((metrics.horizontalAdvance(text) for text in y_numbers.values()), default=0)
        left = width + (title_height if texts[1] else 0) + 2 * GAP
        area = frame.adjusted(left, top, -metrics.horizontalAdvance("0") * 2, -bottom)
        widest = metrics.horizontalAdvance(f"{shown.high[0]:.0f}")
        x_numbers = _numbers(shown.low[0], shown.high[0], area.width() / (NUMBER_ROOM * widest))
        sizes = (chart.GetAxisLabelFontSize(), chart.GetAxisTitleFontSize())
        return Axes(area, shown, x_numbers, y_numbers, texts, *sizes)

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Of a point, in pixels of the view."""
        (left, bottom), (right, top) = self.shown.low, self.shown.high
        across, up = (x - left) / (right - left), (y - bottom) / (top - bottom)
        return self.area.left() + across * self.area.width(), self.area.bottom() - up * self.area.height()

    def draw(self, painter: QPainter) -> None:
        painter.setFont(font(self.number_size))
        metrics = painter.fontMetrics()
        grid, ink = QColor("#dddddd"), QColor(Qt.GlobalColor.black)
        for value, text in self.x_numbers.items():
            x, _ = self.place(value, self.shown.low[1])
            painter.setPen(grid)
            painter.drawLine(QPointF(x, self.area.top()), QPointF(x, self.area.bottom()))
            painter.setPen(ink)
            half = metrics.horizontalAdvance(text) / 2
            painter.drawText(QPointF(x - half, self.area.bottom() + metrics.ascent() + GAP), text)
        for value, text in self.y_numbers.items():
            _, y = self.place(self.shown.low[0], value)
            painter.setPen(grid)
            painter.drawLine(QPointF(self.area.left(), y), QPointF(self.area.right(), y))
            painter.setPen(ink)
            left = self.area.left() - GAP - metrics.horizontalAdvance(text)
            painter.drawText(QPointF(left, y + metrics.ascent() / 2 - 1), text)
        painter.drawRect(self.area)
        self._draw_titles(painter, metrics.height())

    def _draw_titles(self, painter: QPainter, number_height: float) -> None:
        painter.setFont(font(self.title_size))
        metrics = painter.fontMetrics()
        across, up = (metrics.horizontalAdvance(text) / 2 for text in self.titles)
        baseline = self.area.bottom() + GAP + number_height + metrics.ascent()
        painter.drawText(QPointF(self.area.center().x() - across, baseline), self.titles[0])
        painter.save()
        painter.translate(metrics.ascent(), self.area.center().y() + up)
        painter.rotate(-90)
        painter.drawText(QPointF(0, 0), self.titles[1])
        painter.restore()


def font(size: int) -> QFont:
    """VTK's sizes are pixels in a view of 72 dots an inch."""
    chosen = QFont()
    chosen.setPixelSize(size)
    return chosen


def _numbers(low: float, high: float, most: float) -> dict[float, str]:
    """Round numbers between two values, at most `most`."""
    span = high - low
    rough = span / max(most, 1.0)
    power = 10.0 ** math.floor(math.log10(rough))
    step = power * next(nice for nice in NICE_STEPS if nice * power >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return {number * step: f"{number * step:.{MOST_DIGITS}g}" for number in range(first, last + 1)}
