"""The model: one line that names the chosen one, its card, all of its description on demand, import, removal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import qt
import slicer
from slicer.i18n import tr as _

from dints.errors import InputError
from DiNTSLib.plain_text import plain
from DiNTSSegmentationLib.background_command import BackgroundCommand
from DiNTSSegmentationLib.learning import installModel
from DiNTSSegmentationLib.model_card import ModelCard
from DiNTSSegmentationLib.model_list import ModelList
from DiNTSSegmentationLib.models import MODEL_SUFFIX, ModelEntry, installedModels, removeModel


class ModelSection:
    """Binds the widgets that show and change the chosen model.

    Args:
        ui: the panel's widgets.
        onChosen: called with the chosen model's file name, "" if there is none.
    """

    def __init__(self, ui: SimpleNamespace, onChosen: Callable[[str], None]) -> None:
        self.ui, self._onChosen = ui, onChosen
        self.entries: list[ModelEntry] = []
        self.process: BackgroundCommand | None = None  # the import at work
        self._path = ""  # of the chosen model
        self.list, self.card = ModelList(ui, self.choose), ModelCard(ui.modelCard)
        qt.QWidget.setTabOrder(ui.tryButton, self.list.button)  # what is not in the .ui file would be reached last
        ui.detailsButton.connect("toggled(bool)", self._showDescription)
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
        self.list.show(self.entries)
        usable = [entry.path for entry in self.entries if not entry.problem]
        named = [entry.path for entry in self.entries if entry.file == file]  # the user's before one that was shipped
        self.choose(next(iter([*named, *usable]), ""))

    def choose(self, path: str) -> None:
        """Shows the model at `path`; "" for none."""
        self._path = path
        self.list.mark(path)
        self._show()

    def importModel(self, path: str) -> None:
        """Copies a model to the models folder, in the background."""
        if self.process is not None:
            self._say(_("Another model is being imported; wait until it is there."))
            return
        self._say(_("Importing {file}…").format(file=Path(path).name))
        self.process = installModel(path, onFinished=lambda command: self._onImported(Path(path).name, command))

    def close(self) -> None:
        """Ends an import that is under way."""
        if self.process is not None:
            self.process.shutdown()

    def _onImported(self, file: str, command: BackgroundCommand) -> None:
        self.process = None
        if not command.isDone:
            self._say(_("{file} was not imported. {error}").format(file=file, error=command.error))
            return
        self._say(_("{file} was imported.").format(file=file))
        self.list.close()
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
        if entry and slicer.util.confirmOkCancelDisplay(plain(text.format(model=entry.title, path=entry.path))):
            try:
                removeModel(entry)
            except (InputError, OSError) as error:  # it is gone already, or may not be deleted
                self._say(_("“{model}” was not deleted: {reason}").format(model=entry.title, reason=error))
                self.refresh(entry.file)
                return
            self._say(_("“{model}” was deleted.").format(model=entry.title))
            self.refresh("")

    def _show(self) -> None:
        entry = self.chosen
        self.card.show(entry)
        self.ui.modelDescription.text = entry.toHtml() if entry else self._nothing()
        self.ui.removeButton.enabled = entry is not None and not entry.shipped
        self.ui.removeButton.toolTip = (
            _("This model came with DiNTS and stays; only models that were imported or exported can be removed.")
            if entry is not None and entry.shipped
            else _("Deletes the chosen model from this computer.")
        )
        self.ui.detailsButton.enabled = entry is not None
        self._showDescription()
        self._onChosen(entry.file if entry else "")

    def _showDescription(self) -> None:
        """On demand; what there is to say instead of a card is always in sight."""
        hasCard = self.chosen is not None and not self.chosen.problem
        self.ui.modelDescription.visible = self.ui.detailsButton.checked or not hasCard

    def _nothing(self) -> str:
        if not self.entries:
            return _(
                "No model is installed. Import a model file, or drop it here; the module DiNTS Search makes models."
            )
        return _("Choose a model.")

    def _say(self, text: str) -> None:
        self.ui.modelMessage.text = text
        self.ui.modelMessage.visible = bool(text)
