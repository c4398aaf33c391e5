"""Names of models, cases and nodes as they are: Qt takes a text that looks like HTML for it, and "&" for a shortcut."""

from __future__ import annotations

import html
from types import SimpleNamespace

import qt
import slicer


def plainWidgets(content: qt.QWidget) -> SimpleNamespace:
    """Widgets of a panel by name; labels show every text as it is, but for those that hold HTML by the .ui file."""
    ui: SimpleNamespace = slicer.util.childWidgetVariables(content)
    for widget in vars(ui).values():
        if widget.className() == "QLabel" and widget.textFormat == qt.Qt.AutoText:
            widget.textFormat = qt.Qt.PlainText
    return ui


def plain(text: str) -> str:
    """A text for a tool tip or a message box, which have no such choice."""
    if "<" not in text and "&" not in text:
        return text
    return f"<qt>{html.escape(text, quote=False)}</qt>".replace("\n", "<br>")


def onButton(text: str) -> str:
    """A text for a button."""
    return text.replace("&", "&&")
