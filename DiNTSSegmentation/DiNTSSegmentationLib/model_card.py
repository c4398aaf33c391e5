"""The six lines that are in sight when a model is chosen: what it is for, how good it is, what it must not be used for.

All of them come from the model's manifest. What it does not say is said to be missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import qt
from slicer.i18n import tr as _

from DiNTSLib.plain_text import plain
from DiNTSSegmentationLib.models import ModelEntry

HEAD_COLUMN, TEXT_COLUMN = range(2)


class ModelCard:
    """Shows the lines, as much of each as there is room for; the tool tip has all of it.

    Args:
        tree: the widget.
    """

    def __init__(self, tree: qt.QTreeWidget) -> None:
        self._tree = tree
        tree.viewport().autoFillBackground = False  # a style sheet would keep the colours of the theme of now
        header = tree.header()
        header.setStretchLastSection(True)
        header.setSectionResizeMode(HEAD_COLUMN, qt.QHeaderView.ResizeToContents)

    def show(self, model: ModelEntry | None) -> None:
        """Nothing for None and for a damaged one, of which nothing is known."""
        lines = cardLines(model) if model is not None and not model.problem else []
        self._tree.clear()
        for head, text in lines:
            item = qt.QTreeWidgetItem([head, " ".join(text.split())])
            for column in (HEAD_COLUMN, TEXT_COLUMN):
                item.setToolTip(column, plain(text))
            self._tree.addTopLevelItem(item)
        self._tree.visible = bool(lines)
        self._tree.setFixedHeight(max(self._tree.sizeHintForRow(0), 0) * len(lines))


def cardLines(model: ModelEntry) -> list[tuple[str, str]]:
    """Heads and texts."""
    stated: Mapping[str, str] = model.card.get("stated", {})
    return [
        (_("Segments:"), ", ".join(name for _value, name in model.labels)),
        (_("In images:"), _images(model)),
        (_("Dice:"), _scores(model.card.get("scores", ()))),
        (_("Trained on:"), _training(model, stated.get("data", ""))),
        (_("Licence:"), stated.get("licence") or _("not stated; it is that of its data")),
        (_("Limits:"), stated.get("limits") or _("not stated")),
    ]


def _images(model: ModelEntry) -> str:
    kind = _("{modality} ({channels})").format(modality=model.modality, channels=", ".join(model.channels))
    extent = model.card.get("extent")
    if not extent:
        return _("{kind}; their size is not stated").format(kind=kind)
    sizes = " × ".join(f"{shortest:.0f}–{longest:.0f}" for shortest, longest in extent)
    return _("{kind} of {sizes} mm").format(kind=kind, sizes=sizes)


def _scores(scores: Sequence[Mapping[str, Any]]) -> str:
    """Dice of each label, with the number of cases."""
    known = [own for own in scores if own["dice"] is not None]
    if not known:
        return _("not measured")
    labels = ", ".join(f"{own['label']} {own['dice']:.2f}" for own in known)
    counts = sorted({own["cases"] for own in known if own["cases"] is not None})
    if not counts:
        return _("{labels} (in how many cases is not stated)").format(labels=labels)
    cases = "–".join(map(str, dict.fromkeys((counts[0], counts[-1]))))
    return _("{labels} ({cases} cases, each by a network that had not seen it)").format(labels=labels, cases=cases)


def _training(model: ModelEntry, data: str) -> str:
    """A later version says what it learned from itself; the notes are those of the first one."""
    cases = model.card.get("cases")
    data = data or _("which ones is not stated")
    if model.learnedFrom:
        return _("{lessons} Before that: {data}").format(lessons=model.learnedFrom, data=data)
    if cases is None:
        return data
    return _("{cases} cases: {data}").format(cases=cases, data=data)
