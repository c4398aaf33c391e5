"""Sections that fold: ctkCollapsibleButton and ctkCollapsibleGroupBox."""

from __future__ import annotations

from PySide6.QtCore import Property, QEvent, QRect, QSize, Qt, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QAbstractButton, QGroupBox, QSizePolicy, QStyle, QStyleOption, QStyleOptionButton, QWidget

from ..registry import host_class
from .kept import kept_property

HEADER_PADDING = 8  # pixels above and below the title together, as much as a push button has
ARROW_SIZE = 9


class ChildHider:
    """Hides the children of a folded section and shows those again that the panel has not hidden itself."""

    def __init__(self, section: QWidget) -> None:
        self.section = section
        self.hidden_here: list[QWidget] = []

    def apply(self, collapsed: bool) -> None:
        if collapsed:
            children = [c for c in self.section.children() if isinstance(c, QWidget)]
            self.hidden_here = [c for c in children if not c.isHidden() and not c.isWindow()]
            for child in self.hidden_here:
                child.hide()
        else:
            shown, self.hidden_here = self.hidden_here, []
            for child in shown:
                child.show()


@host_class("ctk")
class ctkCollapsibleButton(QAbstractButton):
    """A titled section; a click on the title folds it. Checked means unfolded."""

    contentsCollapsed = Signal(bool)

    def __init__(self, *args: object) -> None:
        texts = [a for a in args if isinstance(a, str)]
        super().__init__(next((a for a in args if isinstance(a, QWidget)), None))
        self._collapsed = False
        self._hider = ChildHider(self)
        self._flat = False
        self._collapsed_height = 10
        self.setText(texts[0] if texts else "")
        self.setCheckable(True)
        self.setChecked(True)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        self.setContentsMargins(1, self._header_height(), 1, 1)
        self.toggled.connect(lambda checked: self._set_collapsed(not checked))

    def _header_height(self) -> int:
        return self.fontMetrics().height() + HEADER_PADDING

    def _set_collapsed(self, collapsed: bool) -> None:
        if collapsed == self._collapsed:
            return
        self._collapsed = collapsed
        self.setChecked(not collapsed)
        self._hider.apply(collapsed)
        self.setMaximumHeight(self._header_height() if collapsed else 16777215)
        self.updateGeometry()
        self.contentsCollapsed.emit(collapsed)

    def _set_flat(self, flat: bool) -> None:
        self._flat = flat
        self.update()

    def _set_collapsed_height(self, height: int) -> None:
        self._collapsed_height = height

    collapsed = Property(bool, lambda self: self._collapsed, _set_collapsed)
    flat = Property(bool, lambda self: self._flat, _set_flat)
    collapsedHeight = Property(int, lambda self: self._collapsed_height, _set_collapsed_height)
    contentsFrameShadow = kept_property(int, 0)
    contentsFrameShape = kept_property(int, 0)
    contentsLineWidth = kept_property(int, 1)
    contentsMidLineWidth = kept_property(int, 0)
    buttonTextAlignment = kept_property(int, 0)
    indicatorAlignment = kept_property(int, 0)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ChildPolished and self._collapsed:
            child = event.child()
            if isinstance(child, QWidget) and not child.isHidden() and not child.isWindow():
                self._hider.hidden_here.append(child)
                child.hide()
        return super().event(event)

    def hitButton(self, position: object) -> bool:
        return QRect(0, 0, self.width(), self._header_height()).contains(position)

    def sizeHint(self) -> QSize:
        return self._with_header(super().sizeHint())

    def minimumSizeHint(self) -> QSize:
        return self._with_header(super().minimumSizeHint())

    def _with_header(self, contents: QSize) -> QSize:
        title = self.fontMetrics().horizontalAdvance(self.text()) + 4 * ARROW_SIZE
        height = self._header_height() if self._collapsed else max(contents.height(), self._header_height())
        return QSize(max(contents.width(), title), height)

    def paintEvent(self, event: object) -> None:
        with QPainter(self) as painter:
            self._paint(painter)

    def _paint(self, painter: QPainter) -> None:
        header = QRect(0, 0, self.width(), self._header_height())
        option = QStyleOptionButton()
        option.initFrom(self)
        option.rect = header
        option.state |= QStyle.StateFlag.State_Sunken if self.isDown() else QStyle.StateFlag.State_Raised
        self.style().drawControl(QStyle.ControlElement.CE_PushButtonBevel, option, painter, self)
        arrow = QStyleOption()
        arrow.initFrom(self)
        arrow.rect = QRect(ARROW_SIZE, (header.height() - ARROW_SIZE) // 2, ARROW_SIZE, ARROW_SIZE)
        shape = (
            QStyle.PrimitiveElement.PE_IndicatorArrowRight
            if self._collapsed
            else QStyle.PrimitiveElement.PE_IndicatorArrowDown
        )
        self.style().drawPrimitive(shape, arrow, painter, self)
        title = header.adjusted(3 * ARROW_SIZE, 0, -ARROW_SIZE, 0)
        flags = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter) | int(Qt.TextFlag.TextShowMnemonic)
        self.style().drawItemText(
            painter, title, flags, self.palette(), self.isEnabled(), self.text(), self.foregroundRole()
        )


@host_class("ctk")
class ctkCollapsibleGroupBox(QGroupBox):
    """A group box whose title folds it: it is checkable, and unchecked means folded."""

    def __init__(self, *args: object) -> None:
        super().__init__(*args)
        self._hider = ChildHider(self)
        self.setCheckable(True)
        self.setChecked(True)
        self.toggled.connect(self._fold)

    def _fold(self, checked: bool) -> None:
        self._hider.apply(not checked)
        self.setMaximumHeight(16777215 if checked else self.fontMetrics().height() + 2 * HEADER_PADDING)

    collapsed = Property(bool, lambda self: not self.isChecked(), lambda self, value: self.setChecked(not value))
