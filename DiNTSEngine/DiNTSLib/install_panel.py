"""The panel that shows what is installed and installs on request; in the module DiNTSEngine and in a dialog."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from DiNTSLib import dependencies
from DiNTSLib.events import Event
from DiNTSLib.processes import EngineProcess

UI_FILE = Path(__file__).resolve().parents[1] / "Resources" / "UI" / "DiNTSEngine.ui"
BYTES_PER_GIBIBYTE = 2**30


class InstallPanel:
    """Fills the widgets of `DiNTSEngine.ui`.

    Attributes:
        widget: to be put into a layout.
    """

    def __init__(self) -> None:
        self.widget = slicer.util.loadUI(str(UI_FILE))
        self.ui = slicer.util.childWidgetVariables(self.widget)
        self._process: EngineProcess | None = None
        self.ui.installButton.connect("clicked(bool)", self.onInstall)
        self.ui.refreshButton.connect("clicked(bool)", self.refresh)
        self.ui.copyButton.connect("clicked(bool)", self.onCopy)

    def refresh(self) -> None:
        """Looks again at what is installed, and asks the engine's doctor."""
        self._showMissing()
        self.cleanup()
        self.ui.refreshButton.enabled = False
        self.ui.reportEdit.plainText = _("Examining…")
        self._process = EngineProcess(["doctor"], self._onDoctor, self._onExamined)
        self._process.start()

    def cleanup(self) -> None:
        """Ends an examination that is under way."""
        if self._process is not None:
            self._process.shutdown()

    def onInstall(self) -> None:
        """Installs after a confirmation."""
        self.ui.logEdit.plainText = ""
        self.ui.logButton.collapsed = False
        self.ui.installButton.enabled = False
        try:
            dependencies.install(slicer.util.confirmOkCancelDisplay, self._log)
        finally:
            self.ui.installButton.enabled = True
        self.refresh()

    def onCopy(self) -> None:
        """Puts the report into the clipboard."""
        slicer.app.clipboard().setText(self.ui.reportEdit.plainText)

    def _log(self, text: str) -> None:
        self.ui.logEdit.appendPlainText(text)
        slicer.app.processEvents()

    def _showMissing(self) -> None:
        text = dependencies.offer()
        self.ui.statusLabel.text = text or _("Everything that DiNTS needs is installed.")
        self.ui.installButton.visible = bool(text)

    def _onDoctor(self, event: Event) -> None:
        if event["event"] == "result":
            self.ui.reportEdit.plainText = reportText(event["values"]["facts"], event["values"]["findings"])

    def _onExamined(self, exitCode: int, sentence: str) -> None:
        self.ui.refreshButton.enabled = True
        if sentence:
            self.ui.reportEdit.plainText = sentence


def reportText(facts: Mapping[str, Any], findings: list[str]) -> str:
    """What `dints doctor` found, with Slicer's version, as lines to read and to send: what is wrong comes first."""
    lines = [*(findings or [_("Nothing is missing.")]), ""]
    lines += [f"Slicer: {slicer.app.applicationVersion} ({slicer.app.platform}, revision {slicer.app.revision})"]
    lines += [f"{name}: {_readable(name, value)}" for name, value in facts.items()]
    return "\n".join(lines)


def _readable(name: str, value: Any) -> str:
    """A fact in words: sizes in GiB, GPUs by name."""
    if name == "gpus":
        return ", ".join(f"{gpu['name']} ({gpu['memory'] / BYTES_PER_GIBIBYTE:.1f} GiB)" for gpu in value) or _("none")
    if name in ("memory", "free_disk") and value is not None:
        return f"{value / BYTES_PER_GIBIBYTE:.1f} GiB"
    return _("not there") if value is None else str(value)


def showInstallPanel(onClosed: Callable[[], None] | None = None) -> None:
    """Opens the panel in a dialog: the module is hidden, so that no module selector leads to it."""
    panel = InstallPanel()
    dialog = qt.QDialog(slicer.util.mainWindow())
    dialog.setWindowTitle(_("DiNTS: what is installed"))
    dialog.setLayout(qt.QVBoxLayout())
    dialog.layout().addWidget(panel.widget)
    panel.refresh()
    dialog.exec_()
    panel.cleanup()
    dialog.deleteLater()  # else the main window keeps it
    if onClosed is not None:
        onClosed()
