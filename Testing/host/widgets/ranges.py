"""Two values in order."""

from __future__ import annotations

from PySide6.QtCore import Property, Signal
from PySide6.QtWidgets import QDoubleSpinBox, QHBoxLayout, QWidget

from ..registry import host_class
from .unit_aware import UnitAware, quantity_property


@host_class("ctk")
class ctkRangeWidget(QWidget):
    """Two values, the lower never above the upper, each in a spin box."""

    valuesChanged = Signal(float, float)
    minimumValueChanged = Signal(float)
    maximumValueChanged = Signal(float)
    rangeChanged = Signal(float, float)

    def __init__(self, *args: object) -> None:
        super().__init__(next((a for a in args if isinstance(a, QWidget)), None))
        self._low, self._high = QDoubleSpinBox(self), QDoubleSpinBox(self)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for box in (self._low, self._high):
            box.setRange(0.0, 99.0)
            layout.addWidget(box)
        self._high.setValue(99.0)
        self._low.valueChanged.connect(self._low_moved)
        self._high.valueChanged.connect(self._high_moved)

    def _low_moved(self, value: float) -> None:
        self._high.setValue(max(value, self._high.value()))
        self.minimumValueChanged.emit(value)
        self.valuesChanged.emit(self._low.value(), self._high.value())

    def _high_moved(self, value: float) -> None:
        self._low.setValue(min(value, self._low.value()))
        self.maximumValueChanged.emit(value)
        self.valuesChanged.emit(self._low.value(), self._high.value())

    def setValues(self, low: float, high: float) -> None:
        self._low.setValue(min(low, high))
        self._high.setValue(max(low, high))

    def setMinimumValue(self, value: float) -> None:
        self._low.setValue(value)

    def setMaximumValue(self, value: float) -> None:
        self._high.setValue(value)

    def setRange(self, minimum: float, maximum: float) -> None:
        for box in (self._low, self._high):
            box.setRange(minimum, maximum)
        self.rangeChanged.emit(minimum, maximum)

    def reset(self) -> None:
        self.setValues(self._low.minimum(), self._high.maximum())

    def setDecimals(self, decimals: int) -> None:
        for box in (self._low, self._high):
            box.setDecimals(decimals)

    def _set_step(self, step: float) -> None:
        for box in (self._low, self._high):
            box.setSingleStep(step)

    def _set_suffix(self, suffix: str) -> None:
        for box in (self._low, self._high):
            box.setSuffix(suffix)

    minimumValue = Property(float, lambda self: self._low.value(), setMinimumValue)
    maximumValue = Property(float, lambda self: self._high.value(), setMaximumValue)
    minimum = Property(float, lambda self: self._low.minimum(), lambda self, v: self.setRange(v, self._low.maximum()))
    maximum = Property(float, lambda self: self._low.maximum(), lambda self, v: self.setRange(self._low.minimum(), v))
    decimals = Property(int, lambda self: self._low.decimals(), setDecimals)
    singleStep = Property(float, lambda self: self._low.singleStep(), _set_step)
    suffix = Property(str, lambda self: self._low.suffix(), _set_suffix)


@host_class("slicer")
class qMRMLRangeWidget(UnitAware, ctkRangeWidget):
    """A range widget whose unit follows the scene in Slicer."""

    quantity = quantity_property()
