"""Choosing files and folders: ctkPathLineEdit and ctkDirectoryButton."""

from __future__ import annotations

import os

from PySide6.QtCore import Property, QDir, QSettings, Signal
from PySide6.QtWidgets import QComboBox, QFileDialog, QHBoxLayout, QPushButton, QSizePolicy, QToolButton, QWidget

from ..registry import host_class
from .kept import kept_property

HISTORY_LENGTH = 5  # entries kept for each settings key, as in CTK
FILES_FILTER = int(QDir.Filter.Files.value)
DIRS_FILTER = int(QDir.Filter.Dirs.value)
WRITABLE_FILTER = int(QDir.Filter.Writable.value)
DEFAULT_FILTERS = int((QDir.Filter.AllEntries | QDir.Filter.NoDotAndDotDot | QDir.Filter.Readable).value)


@host_class("ctk")
class ctkPathLineEdit(QWidget):
    """An editable path with a history and a button that opens a file dialog."""

    currentPathChanged = Signal(str)
    validInputChanged = Signal(bool)

    Filter = QDir.Filter

    def __init__(self, *args: object) -> None:
        super().__init__(next((a for a in args if isinstance(a, QWidget)), None))
        self._filters = DEFAULT_FILTERS
        self._name_filters: list[str] = []
        self._settings_key = ""
        self._path = ""
        self._combo = QComboBox(self)
        self._combo.setEditable(True)
        self._combo.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._combo.setMinimumContentsLength(8)
        self._combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._button = QToolButton(self)
        self._button.setText("...")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._combo)
        layout.addWidget(self._button)
        self._combo.editTextChanged.connect(self.setCurrentPath)
        self._button.clicked.connect(self.browse)

    def comboBox(self) -> QComboBox:
        return self._combo

    def setCurrentPath(self, path: str) -> None:
        if path == self._path:
            return
        was_valid = self._is_valid()
        self._path = path
        self._combo.setEditText(path)
        self.currentPathChanged.emit(path)
        if self._is_valid() != was_valid:
            self.validInputChanged.emit(not was_valid)

    def _is_valid(self) -> bool:
        return bool(self._path) and (os.path.exists(self._path) or bool(self._filters & WRITABLE_FILTER))

    def browse(self) -> None:
        """Ask for a path; an empty answer changes nothing."""
        if self._filters & FILES_FILTER:
            choose = QFileDialog.getSaveFileName if self._filters & WRITABLE_FILTER else QFileDialog.getOpenFileName
            chosen = choose(self, "Select a file", self._path, ";;".join(self._name_filters))[0]
        else:
            chosen = QFileDialog.getExistingDirectory(self, "Select a folder", self._path)
        if chosen:
            self.setCurrentPath(chosen)
            self.addCurrentPathToHistory()

    def addCurrentPathToHistory(self) -> None:
        if not self._path:
            return
        entries = [self._path] + [e for e in self._history() if e != self._path]
        if self._settings_key:
            QSettings().setValue(self._settings_key, entries[:HISTORY_LENGTH])
        self._show_history(entries[:HISTORY_LENGTH])

    def retrieveHistory(self) -> None:
        self._show_history(self._history())

    def _history(self) -> list[str]:
        kept = QSettings().value(self._settings_key, []) if self._settings_key else []
        return [kept] if isinstance(kept, str) else list(kept or [])

    def _show_history(self, entries: list[str]) -> None:
        path = self._path
        self._combo.blockSignals(True)
        self._combo.clear()
        self._combo.addItems(entries)
        self._combo.setEditText(path)
        self._combo.blockSignals(False)

    def _set_filters(self, filters: int) -> None:
        self._filters = filters

    def _set_name_filters(self, filters: list) -> None:
        self._name_filters = list(filters)

    def _set_settings_key(self, key: str) -> None:
        """Set the key of the history; the last path used under it becomes the path, as in CTK."""
        self._settings_key = key
        entries = self._history()
        self._show_history(entries)
        if entries and not self._path:
            self.setCurrentPath(entries[0])

    def _set_browse_visible(self, visible: bool) -> None:
        self._button.setVisible(visible)

    currentPath = Property(str, lambda self: self._path, setCurrentPath)
    filters = Property(int, lambda self: self._filters, _set_filters)
    nameFilters = Property("QStringList", lambda self: self._name_filters, _set_name_filters)
    settingKey = Property(str, lambda self: self._settings_key, _set_settings_key)
    label = kept_property(str, "")
    minimumContentsLength = kept_property(int, 0)
    options = kept_property(int, 0)
    showHistoryButton = kept_property(bool, True)
    sizeAdjustPolicy = kept_property(int, 0)
    showBrowseButton = Property(bool, lambda self: not self._button.isHidden(), _set_browse_visible)


@host_class("ctk")
class ctkDirectoryButton(QWidget):
    """A button that shows a folder and asks for another one."""

    directoryChanged = Signal(str)
    directorySelected = Signal(str)

    def __init__(self, *args: object) -> None:
        super().__init__(next((a for a in args if isinstance(a, QWidget)), None))
        texts = [a for a in args if isinstance(a, str)]
        self._directory = QDir(texts[0] if texts else ".").absolutePath()
        self._caption = ""
        self._text = ""
        self._button = QPushButton(self._directory, self)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._button)
        self._button.clicked.connect(self.browse)

    def _set_directory(self, directory: str) -> None:
        absolute = QDir(directory).absolutePath()
        changed = absolute != self._directory
        self._directory = absolute
        self._button.setText(self._text or absolute)
        if changed:
            self.directoryChanged.emit(absolute)

    def _set_text(self, text: str) -> None:
        self._text = text
        self._button.setText(text or self._directory)

    def _set_caption(self, caption: str) -> None:
        self._caption = caption

    def browse(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, self._caption or "Select a folder", self._directory)
        if chosen:
            self._set_directory(chosen)
            self.directorySelected.emit(self._directory)

    directory = Property(str, lambda self: self._directory, _set_directory)
    text = Property(str, lambda self: self._text, _set_text)
    caption = Property(str, lambda self: self._caption, _set_caption)
    acceptMode = kept_property(int, 0)
    elideMode = kept_property(int, 0)
    options = kept_property(int, 0)
