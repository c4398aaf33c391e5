"""What to do first, for as long as there is nothing to segment, with a button that does all of it on a sample scan."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import slicer
from slicer.i18n import tr as _

from DiNTSLib.sample_data import loadHippocampus
from DiNTSSegmentationLib.models import ModelEntry

MODEL_FILE = "hippocampus-mr.zip"  # came with the engine, and was trained on such scans


class Welcome:
    """Two sentences and the button "Try it".

    Args:
        ui: the panel's widgets.
        onLoaded: called with the sample scan when it is in the scene.
        onChanged: called when the panel must be updated.

    Attributes:
        sentence: what is happening, or why the scan did not come; it stands until there is something to segment.
    """

    def __init__(
        self,
        ui: SimpleNamespace,
        onLoaded: Callable[[slicer.vtkMRMLScalarVolumeNode], None],
        onChanged: Callable[[], None],
    ) -> None:
        self.ui, self._onLoaded, self._onChanged = ui, onLoaded, onChanged
        self.sentence, self._isLoading = "", False
        ui.tryButton.connect("clicked()", self._onTry)

    def update(self, isEmpty: bool, model: ModelEntry | None, missing: str) -> None:
        """Shows the sentences where there is nothing to segment.

        Args:
            model: for the sample scan; None if it is not there.
            missing: what must be installed first.
        """
        self.ui.welcomeFrame.visible = isEmpty and not self._isLoading
        self.ui.tryButton.enabled = model is not None and not missing and not self._isLoading
        if not isEmpty:
            self.sentence = ""

    def _onTry(self) -> None:
        """The application goes on while the scan comes, so that there may be a second click."""
        if self._isLoading:
            return
        self._tell(_("The sample scan is being downloaded…"), isLoading=True)
        failure = ""
        try:
            volume = loadHippocampus()
        except (OSError, ValueError, RuntimeError) as error:
            failure = _("The sample scan cannot be loaded: {reason}").format(reason=error)
            return
        finally:
            self._tell(failure, isLoading=False)
        self._onLoaded(volume)

    def _tell(self, sentence: str, isLoading: bool) -> None:
        self.sentence, self._isLoading = sentence, isLoading
        self._onChanged()


def sampleModel(entries: list[ModelEntry]) -> ModelEntry | None:
    """The model for the sample scan among those that are installed."""
    return next((entry for entry in entries if entry.shipped and entry.file == MODEL_FILE), None)
