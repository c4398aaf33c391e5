"""CTK's combo boxes."""

from __future__ import annotations

from PySide6.QtCore import Property, QModelIndex, Qt, Signal
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QComboBox, QStyle, QStyleOptionComboBox, QStylePainter, QWidget

from ..registry import host_class

CHECKED = Qt.CheckState.Checked
UNCHECKED = Qt.CheckState.Unchecked


@host_class("ctk")
class ctkComboBox(QComboBox):
    """A combo box with a text for "nothing chosen"."""

    def __init__(self, *args: object) -> None:
        super().__init__(next((a for a in args if isinstance(a, QWidget)), None))
        self._default_text = ""
        self._elide_mode = int(Qt.TextElideMode.ElideNone.value)

    def _set_default_text(self, text: str) -> None:
        self._default_text = text
        self.setPlaceholderText(text)

    def _set_elide_mode(self, mode: int) -> None:
        self._elide_mode = mode

    defaultText = Property(str, lambda self: self._default_text, _set_default_text)
    elideMode = Property(int, lambda self: self._elide_mode, _set_elide_mode)


@host_class("ctk")
class ctkCheckableComboBox(QComboBox):
    """A combo box with a check box at each item; shows the texts of the checked ones."""

    checkedIndexesChanged = Signal()

    def __init__(self, *args: object) -> None:
        super().__init__(next((a for a in args if isinstance(a, QWidget)), None))
        self.setModel(QStandardItemModel(self))
        self.model().dataChanged.connect(self._changed)
        self.model().rowsInserted.connect(self._make_checkable)
        self.view().pressed.connect(self._toggle)

    def _make_checkable(self, parent: QModelIndex, first: int, last: int) -> None:
        for row in range(first, last + 1):
            item = self.model().item(row)
            if item is not None:
                item.setCheckable(True)
                item.setCheckState(UNCHECKED)

    def _toggle(self, index: QModelIndex) -> None:
        item = self.model().itemFromIndex(index)
        item.setCheckState(UNCHECKED if item.checkState() == CHECKED else CHECKED)

    def _changed(self, *_: object) -> None:
        self.update()
        self.checkedIndexesChanged.emit()

    def checkedIndexes(self) -> list[QModelIndex]:
        model = self.model()
        rows = range(model.rowCount())
        return [model.index(row, 0) for row in rows if model.item(row).checkState() == CHECKED]

    def allChecked(self) -> bool:
        return len(self.checkedIndexes()) == self.count()

    def noneChecked(self) -> bool:
        return not self.checkedIndexes()

    def checkState(self, index: QModelIndex) -> Qt.CheckState:
        return self.model().itemFromIndex(index).checkState()

    def setCheckState(self, index: QModelIndex, state: Qt.CheckState) -> None:
        self.model().itemFromIndex(index).setCheckState(Qt.CheckState(state))

    def checkableModel(self) -> QStandardItemModel:
        return self.model()

    def paintEvent(self, event: object) -> None:
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        option.currentText = ", ".join(index.data() for index in self.checkedIndexes()) or self.placeholderText()
        with QStylePainter(self) as painter:
            painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
            painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)
