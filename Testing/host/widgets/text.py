"""Text widgets of CTK: fitted browser, search box, message box."""

from __future__ import annotations

from PySide6.QtCore import Property, QSettings, QSize, Qt
from PySide6.QtWidgets import QCheckBox, QLineEdit, QMessageBox, QSizePolicy, QTextBrowser

from ..registry import host_class


@host_class("ctk")
class ctkFittedTextBrowser(QTextBrowser):
    """A text browser as tall as its text."""

    def __init__(self, *args: object) -> None:
        super().__init__(*args)
        self._collapsed = False
        self._collapsible = ""
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.textChanged.connect(self.updateGeometry)

    def setCollapsibleText(self, text: str) -> None:
        """Text whose first paragraph alone is shown while the browser is folded."""
        self._collapsible = text
        self._show_collapsible()

    def collapsibleText(self) -> str:
        return self._collapsible

    def _show_collapsible(self) -> None:
        if self._collapsible:
            self.setText(self._collapsible.split("\n\n")[0] if self._collapsed else self._collapsible)

    def _set_collapsed(self, collapsed: bool) -> None:
        self._collapsed = collapsed
        self._show_collapsible()

    collapsed = Property(bool, lambda self: self._collapsed, _set_collapsed)

    def sizeHint(self) -> QSize:
        width = self.viewport().width() if self.isVisible() else super().sizeHint().width()
        document = self.document().clone()
        document.setTextWidth(width)
        return QSize(super().sizeHint().width(), int(document.size().height()) + 2 * self.frameWidth())

    def minimumSizeHint(self) -> QSize:
        return QSize(super().minimumSizeHint().width(), self.sizeHint().height())

    def resizeEvent(self, event: object) -> None:
        super().resizeEvent(event)
        self.updateGeometry()


@host_class("ctk")
class ctkSearchBox(QLineEdit):
    """A line edit with a button that clears it."""

    def __init__(self, *args: object) -> None:
        super().__init__(*args)
        self._shows_icon = True
        self.setClearButtonEnabled(True)
        self.setPlaceholderText("Search...")

    def _set_shows_icon(self, shown: bool) -> None:
        self._shows_icon = shown

    showSearchIcon = Property(bool, lambda self: self._shows_icon, _set_shows_icon)


@host_class("ctk")
class ctkMessageBox(QMessageBox):
    """A message box that can be told not to come again: the answer is kept in the application's settings."""

    def __init__(self, *args: object) -> None:
        super().__init__(*args)
        self._settings_key = ""
        self._again = QCheckBox("Don't show this message again", self)
        self._again.hide()

    def setDontShowAgain(self, value: bool) -> None:
        self._again.setChecked(value)

    def _set_settings_key(self, key: str) -> None:
        self._settings_key = key
        self._set_again_visible(bool(key))

    def _set_again_visible(self, visible: bool) -> None:
        self.setCheckBox(self._again if visible else None)
        self._again.setVisible(visible)

    dontShowAgain = Property(bool, lambda self: self._again.isChecked(), setDontShowAgain)
    dontShowAgainSettingsKey = Property(str, lambda self: self._settings_key, _set_settings_key)
    dontShowAgainVisible = Property(bool, lambda self: self.checkBox() is not None, _set_again_visible)

    def exec(self) -> int:
        """Show the box, unless it was told not to come again: then the kept answer is returned at once."""
        settings = QSettings()
        if self._settings_key and settings.contains(self._settings_key):
            return int(settings.value(self._settings_key))
        result = super().exec()
        if self._settings_key and self._again.isChecked():
            settings.setValue(self._settings_key, int(result))
        return result
