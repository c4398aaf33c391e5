"""The whole panel as a place to drop model files on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import qt

from DiNTSSegmentationLib.models import MODEL_SUFFIX, isModelFile


class DropArea(qt.QWidget):
    """The whole panel: a model file dropped anywhere on it is imported; other files go on to the application."""

    def __init__(self, content: qt.QWidget, onDropped: Callable[[str], None]) -> None:
        super().__init__()
        self._onDropped = onDropped
        self.acceptDrops = True
        layout = qt.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(content)

    def dragEnterEvent(self, event: qt.QDragEnterEvent) -> None:
        if _droppedModel(event):
            event.acceptProposedAction()

    def dropEvent(self, event: qt.QDropEvent) -> None:
        path = _droppedModel(event)
        if path:
            event.acceptProposedAction()
            self._onDropped(path)


def _droppedModel(event: qt.QDropEvent) -> str:
    """Path of the one model file that is dragged; "" for anything else."""
    paths: Sequence[str] = [url.toLocalFile() for url in event.mimeData().urls()]
    return paths[0] if len(paths) == 1 and paths[0].endswith(MODEL_SUFFIX) and isModelFile(paths[0]) else ""
