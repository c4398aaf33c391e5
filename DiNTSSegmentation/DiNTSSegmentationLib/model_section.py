"""The section "Model": list with search, description, import by button or drop, removal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace

import qt
import slicer
from slicer.i18n import tr as _

from DiNTSLib.processes import EngineProcess
from DiNTSSegmentationLib.models import ModelEntry, distinctTitles, installedModels, isModelFile, removeModel

PATH_ROLE = 0x0100  # Qt::UserRole: the model's path in an item of the list
NAME_COLUMN, MODALITY_COLUMN, FOLDS_COLUMN, DICE_COLUMN = range(4)
MODEL_SUFFIX = ".zip"


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


class ModelSection:
    """Binds the widgets of the section.

    Args:
        ui: the panel's widgets.
        onChosen: called with the chosen model's file name, "" if there is none.
    """

    def __init__(self, ui: SimpleNamespace, onChosen: Callable[[str], None]) -> None:
        self.ui, self._onChosen = ui, onChosen
        self.entries: list[ModelEntry] = []
        self.process: EngineProcess | None = None  # the import at work
        self._path = ""  # of the chosen model, which a search may leave out of the list
        self._isListing = False
        header = ui.modelTree.header()
        header.setStretchLastSection(False)
        for column in (MODALITY_COLUMN, FOLDS_COLUMN, DICE_COLUMN):
            header.setSectionResizeMode(column, qt.QHeaderView.ResizeToContents)
        header.setSectionResizeMode(NAME_COLUMN, qt.QHeaderView.Stretch)
        ui.modelSearch.connect("textChanged(QString)", self._list)
        ui.modelTree.connect("itemSelectionChanged()", self._onSelection)
        ui.importButton.connect("clicked()", self._onImport)
        ui.removeButton.connect("clicked()", self._onRemove)
        self._say("")

    @property
    def chosen(self) -> ModelEntry | None:
        return next((entry for entry in self.entries if entry.path == self._path), None)

    def refresh(self, file: str) -> None:
        """Reads the models folder anew and chooses `file`, or the first usable model where that is not there."""
        try:
            self.entries = installedModels()
        except ModuleNotFoundError:
            self.entries = []  # the panel says what is missing
        usable = [entry.path for entry in self.entries if not entry.problem]
        named = [entry.path for entry in self.entries if entry.file == file]  # the user's before one that was shipped
        self._path = next(iter([*named, *usable]), "")
        self._list()
        self._show()

    def importModel(self, path: str) -> None:
        """Copies a model to the models folder, in a process: reading all of it takes a while and needs PyTorch."""
        if self.process is not None:
            self._say(_("Another model is being imported; wait until it is there."))
            return
        self._say(_("Importing {file}…").format(file=Path(path).name))
        self.process = EngineProcess(
            ["models", "install", path], lambda event: None, lambda code, text: self._onImported(Path(path).name, text)
        )
        self.process.start()

    def close(self) -> None:
        """Ends an import that is under way."""
        if self.process is not None:
            self.process.cancel()

    def _onImported(self, file: str, error: str) -> None:
        self.process = None
        if error:
            self._say(_("{file} was not imported. {error}").format(file=file, error=error))
            return
        self._say(_("{file} was imported.").format(file=file))
        self.ui.modelSearch.clear()
        self.refresh(file)

    def _onImport(self) -> None:
        path = qt.QFileDialog.getOpenFileName(
            self.ui.importButton, _("Import a model"), "", _("Models (*{suffix})").format(suffix=MODEL_SUFFIX)
        )
        if path:
            self.importModel(path)

    def _onRemove(self) -> None:
        entry = self.chosen
        text = _("Delete the model “{model}” from this computer?\n\n{path}")
        if entry and slicer.util.confirmOkCancelDisplay(text.format(model=entry.title, path=entry.path)):
            removeModel(entry)
            self._say(_("“{model}” was deleted.").format(model=entry.title))
            self.refresh("")

    def _list(self) -> None:
        """Fills the list with the models that the search leaves."""
        self._isListing = True
        self.ui.modelTree.clear()
        for entry, title in zip(self.entries, distinctTitles(self.entries), strict=True):
            if entry.matches(self.ui.modelSearch.text):
                item = self._item(entry, title)
                self.ui.modelTree.addTopLevelItem(item)
                if entry.path == self._path:
                    self.ui.modelTree.setCurrentItem(item)
        self._isListing = False

    @staticmethod
    def _item(entry: ModelEntry, title: str) -> qt.QTreeWidgetItem:
        dice = "" if entry.dice is None else f"{entry.dice:.2f}"
        folds = _("damaged") if entry.problem else str(entry.folds)
        item = qt.QTreeWidgetItem([title, entry.modality, folds, dice])
        item.setData(NAME_COLUMN, PATH_ROLE, entry.path)
        item.setToolTip(NAME_COLUMN, entry.problem or f"{entry.description}\n{entry.path}".strip())
        return item

    def _onSelection(self) -> None:
        items = self.ui.modelTree.selectedItems()
        if items and not self._isListing:
            self._path = items[0].data(NAME_COLUMN, PATH_ROLE)
            self._show()

    def _show(self) -> None:
        entry = self.chosen
        self.ui.modelDescription.text = entry.toHtml() if entry else self._nothing()
        self.ui.removeButton.enabled = entry is not None and not entry.shipped
        self.ui.removeButton.toolTip = (
            _("This model came with DiNTS and stays; only models that were imported or exported can be removed.")
            if entry is not None and entry.shipped
            else _("Deletes the chosen model from this computer.")
        )
        self._onChosen(entry.file if entry else "")

    def _nothing(self) -> str:
        if not self.entries:
            return _(
                "No model is installed. Import a model file, or drop it here; the module DiNTS Search makes models."
            )
        return _("Choose a model.")

    def _say(self, text: str) -> None:
        self.ui.modelMessage.text = text
        self.ui.modelMessage.visible = bool(text)


def _droppedModel(event: qt.QDropEvent) -> str:
    """Path of the one model file that is dragged; "" for anything else."""
    paths: Sequence[str] = [url.toLocalFile() for url in event.mimeData().urls()]
    return paths[0] if len(paths) == 1 and paths[0].endswith(MODEL_SUFFIX) and isModelFile(paths[0]) else ""
