"""Below the steps and always in sight: what is under way or in the way, and the buttons of the open step."""

from __future__ import annotations

from types import SimpleNamespace

import qt
from slicer.i18n import tr as _

from DiNTSLib.durations import duration
from DiNTSLib.events import Event
from DiNTSSearchLib.section import Section

ERROR_STYLE = "color: #e53935; font-weight: bold"  # readable on light and dark
METRICS_SHOWN = 2  # newest values beside the progress


class Footer:
    """What is in the way of the open step, what was said last, the progress, and the buttons."""

    def __init__(self, ui: SimpleNamespace) -> None:
        self.ui = ui
        ui.progressBar.visible = ui.reasonLabel.visible = ui.statusLabel.visible = False
        ui.startButton.enabled = ui.stopButton.enabled = False

    def show(self, section: Section, isBusy: bool) -> None:
        """The action of the open section, and why it is not possible, or what went wrong with it."""
        reason = "" if isBusy else section.error or section.whyNot()
        _write(self.ui.reasonLabel, reason, ERROR_STYLE if section.error else "")
        self.ui.startButton.text = section.action()
        self.ui.startButton.enabled = not isBusy and not section.whyNot()
        self.ui.stopButton.enabled = isBusy

    def say(self, text: str) -> None:
        """A sentence, which is also kept in the log."""
        _write(self.ui.statusLabel, text)
        if text:
            self.log(text)

    def log(self, text: str) -> None:
        self.ui.logEdit.appendPlainText(text)

    def begin(self) -> None:
        """The engine is at work, and has not said yet how far it is."""
        self.ui.progressBar.setRange(0, 0)
        self.ui.progressBar.visible = True

    def end(self) -> None:
        """The engine is at rest."""
        self.ui.progressBar.visible = False

    def take(self, event: Event, isStopping: bool) -> None:
        """Shows what the engine says. While it is stopping, the sentence that says so stays."""
        if event["event"] == "progress":
            self.ui.progressBar.setRange(0, event["total"])
            self.ui.progressBar.value = event["step"]
            if not isStopping:
                _write(self.ui.statusLabel, progressSentence(event))
        elif event["event"] == "result" and event["name"] == "state" and event["values"]["state"] == "queued":
            _write(self.ui.statusLabel, _("Waiting in the queue of {host}. {text}").format(**event["values"]))
        elif event["event"] in ("message", "warning", "error"):
            self.log(event["text"])


def _write(label: qt.QLabel, text: str, style: str = "") -> None:
    """A label that is there only with a text."""
    label.text, label.styleSheet = text, style
    label.visible = bool(text)


def progressSentence(event: Event) -> str:
    """Stage, step, newest values and time left."""
    text = _("{stage}: {step} of {total}").format(**event)
    left = event.get("seconds_left")
    if left is not None and event["step"] < event["total"]:
        text += ", " + _("{time} left").format(time=duration(left))
    whole = event.get("run_seconds_left")
    if whole is not None:
        text += " " + _("({time} of the whole run)").format(time=duration(whole))
    metrics = list(event.get("metrics", {}).items())[:METRICS_SHOWN]
    return ", ".join([text, *(f"{name} {value:.3g}" for name, value in metrics)])
