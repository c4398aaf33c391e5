"""Sliders for floats."""

from __future__ import annotations

from PySide6.QtCore import Property, Qt, Signal
from PySide6.QtWidgets import QDoubleSpinBox, QHBoxLayout, QSlider, QWidget

from ..registry import host_class
from .kept import kept_property
from .unit_aware import UnitAware, quantity_property


@host_class("ctk")
class ctkDoubleSlider(QWidget):
    """A slider for floats: an integer slider that counts single steps from the minimum."""

    valueChanged = Signal(float)
    sliderMoved = Signal(float)
    sliderPressed = Signal()
    sliderReleased = Signal()
    rangeChanged = Signal(float, float)

    def __init__(self, *args: object) -> None:
        super().__init__(next((a for a in args if isinstance(a, QWidget)), None))
        self._minimum, self._maximum, self._step, self._value = 0.0, 99.0, 1.0, 0.0
        self._slider = QSlider(Qt.Orientation.Horizontal, self)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._slider)
        self._slider.valueChanged.connect(self._moved)
        self._slider.sliderPressed.connect(self.sliderPressed)
        self._slider.sliderReleased.connect(self.sliderReleased)

    def _moved(self, steps: int) -> None:
        self._assign(min(self._minimum + steps * self._step, self._maximum))
        self.sliderMoved.emit(self._value)

    def _assign(self, value: float) -> None:
        if value != self._value:
            self._value = value
            self.valueChanged.emit(value)

    def setValue(self, value: float) -> None:
        value = min(max(value, self._minimum), self._maximum)
        self._place(value)
        self._assign(value)

    def _place(self, value: float) -> None:
        self._slider.blockSignals(True)
        self._slider.setMaximum(round((self._maximum - self._minimum) / self._step))
        self._slider.setValue(round((value - self._minimum) / self._step))
        self._slider.blockSignals(False)

    def _set_minimum(self, minimum: float) -> None:
        self._set_range(minimum, max(minimum, self._maximum))

    def _set_maximum(self, maximum: float) -> None:
        self._set_range(min(maximum, self._minimum), maximum)

    def _set_range(self, minimum: float, maximum: float) -> None:
        self._minimum, self._maximum = minimum, maximum
        self.rangeChanged.emit(minimum, maximum)
        self.setValue(self._value)

    def _set_step(self, step: float) -> None:
        self._step = step
        self._place(self._value)

    value = Property(float, lambda self: self._value, setValue)
    minimum = Property(float, lambda self: self._minimum, _set_minimum)
    maximum = Property(float, lambda self: self._maximum, _set_maximum)
    singleStep = Property(float, lambda self: self._step, _set_step)
    tracking = Property(bool, lambda self: self._slider.hasTracking(), lambda self, v: self._slider.setTracking(v))


@host_class("ctk")
class ctkSliderWidget(QWidget):
    """A slider and a spin box with one value."""

    valueChanged = Signal(float)
    valueIsChanging = Signal(float)
    decimalsChanged = Signal(int)

    def __init__(self, *args: object) -> None:
        super().__init__(next((a for a in args if isinstance(a, QWidget)), None))
        self._slider = ctkDoubleSlider(self)
        self._box = QDoubleSpinBox(self)
        self._box.setRange(0.0, 99.0)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._slider, 1)
        layout.addWidget(self._box)
        self._box.valueChanged.connect(self._slider.setValue)
        self._slider.valueChanged.connect(self._box.setValue)
        self._slider.valueChanged.connect(self.valueChanged)
        self._slider.sliderMoved.connect(self.valueIsChanging)

    def setValue(self, value: float) -> None:
        self._slider.setValue(value)

    def reset(self) -> None:
        """Back to the minimum, or to 0 where that is in the range."""
        self.setValue(0.0)

    def setDecimals(self, decimals: int) -> None:
        self._box.setDecimals(decimals)
        self.decimalsChanged.emit(decimals)

    def setSpinBoxVisible(self, visible: bool) -> None:
        self._box.setVisible(visible)

    def _set_minimum(self, minimum: float) -> None:
        self._box.setMinimum(minimum)
        self._slider.minimum = minimum

    def _set_maximum(self, maximum: float) -> None:
        self._box.setMaximum(maximum)
        self._slider.maximum = maximum

    def _set_step(self, step: float) -> None:
        self._box.setSingleStep(step)
        self._slider.singleStep = step

    def _set_page_step(self, step: float) -> None:
        self._slider._slider.setPageStep(max(1, round(step / self._slider.singleStep)))

    value = Property(float, lambda self: self._slider.value, setValue)
    minimum = Property(float, lambda self: self._slider.minimum, _set_minimum)
    maximum = Property(float, lambda self: self._slider.maximum, _set_maximum)
    singleStep = Property(float, lambda self: self._slider.singleStep, _set_step)
    pageStep = Property(float, lambda self: self._slider._slider.pageStep() * self._slider.singleStep, _set_page_step)
    decimals = Property(int, lambda self: self._box.decimals(), setDecimals)
    prefix = Property(str, lambda self: self._box.prefix(), lambda self, v: self._box.setPrefix(v))
    suffix = Property(str, lambda self: self._box.suffix(), lambda self, v: self._box.setSuffix(v))
    tracking = Property(bool, lambda self: self._slider.tracking, lambda self, v: setattr(self._slider, "tracking", v))
    tickInterval = kept_property(float, 0.0)
    tickPosition = kept_property(int, 0)
    popupSlider = kept_property(bool, False)
    spinBoxVisible = Property(bool, lambda self: not self._box.isHidden(), setSpinBoxVisible)


@host_class("slicer")
class qMRMLSliderWidget(UnitAware, ctkSliderWidget):
    """A slider whose unit follows the scene in Slicer."""

    quantity = quantity_property()
