"""CTK's buttons and check boxes."""

from __future__ import annotations

from PySide6.QtCore import Property, QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPixmap
from PySide6.QtWidgets import QCheckBox, QColorDialog, QPushButton, QWidget

from ..registry import host_class
from .kept import kept_property

SWATCH = QSize(16, 16)


@host_class("ctk")
class ctkCheckBox(QCheckBox):
    """A check box that may show an icon for its indicator; the icon is kept and not drawn."""

    _icon = QIcon()

    def _set_icon(self, icon: QIcon) -> None:
        self._icon = icon

    indicatorIcon = Property(QIcon, lambda self: self._icon, _set_icon)


@host_class("ctk")
class ctkPushButton(QPushButton):
    """A push button."""

    buttonTextAlignment = kept_property(int, 0)
    elideMode = kept_property(int, 0)
    iconAlignment = kept_property(int, 0)


@host_class("ctk")
class ctkMenuButton(QPushButton):
    """A push button with a drop-down menu."""


@host_class("ctk")
class ctkCheckablePushButton(QPushButton):
    """A push button with a check box on it, which makes the button checkable or switches it."""

    checkBoxToggled = Signal(bool)
    checkStateChanged = Signal(int)

    def __init__(self, *args: object) -> None:
        super().__init__(*args)
        self._state = int(Qt.CheckState.Unchecked.value)
        self._controls_button = False
        self._controls_toggle = False

    def _set_state(self, state: int) -> None:
        if state == self._state:
            return
        self._state = state
        if self._controls_button:
            self.setCheckable(bool(state))
        self.checkBoxToggled.emit(bool(state))
        self.checkStateChanged.emit(state)

    def _set_controls_button(self, value: bool) -> None:
        self._controls_button = value

    def _set_controls_toggle(self, value: bool) -> None:
        self._controls_toggle = value

    checkState = Property(int, lambda self: self._state, _set_state)
    checkBoxControlsButton = Property(bool, lambda self: self._controls_button, _set_controls_button)
    checkBoxControlsButtonToggleState = Property(bool, lambda self: self._controls_toggle, _set_controls_toggle)


@host_class("ctk")
class ctkColorPickerButton(QPushButton):
    """A button with a colour, chosen in a dialog."""

    colorChanged = Signal(QColor)

    def __init__(self, *args: object) -> None:
        colors = [a for a in args if isinstance(a, QColor)]
        super().__init__(next((a for a in args if isinstance(a, QWidget)), None))
        self._color = QColor()
        self._shows_name = True
        self.setColor(colors[0] if colors else QColor("black"))
        self.clicked.connect(self.changeColor)

    def setColor(self, color: QColor) -> None:
        if color == self._color:
            return
        self._color = QColor(color)
        swatch = QPixmap(SWATCH)
        swatch.fill(self._color)
        self.setIcon(QIcon(swatch))
        self.setText(self._color.name() if self._shows_name else "")
        self.colorChanged.emit(self._color)

    def setDisplayColorName(self, shown: bool) -> None:
        self._shows_name = shown
        self.setText(self._color.name() if shown else "")

    def changeColor(self) -> None:
        chosen = QColorDialog.getColor(self._color, self)
        if chosen.isValid():
            self.setColor(chosen)

    color = Property(QColor, lambda self: self._color, setColor)
    displayColorName = Property(bool, lambda self: self._shows_name, setDisplayColorName)
