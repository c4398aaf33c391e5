"""The table of all settings, from the fields of the engine's configuration."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from slicer.i18n import tr as _

from DiNTSSearchLib.tables import EDITABLE, fill

ON_THE_PANEL = ("search.iterations", "search.memory_budget", "sampling.patch", "training.folds")  # have widgets
SECTIONS = ("search", "training", "sampling", "augmentation", "preprocessing", "inference")


class SettingsTable:
    """Shows settings with the user's changes, and takes new changes.

    Args:
        onChanged: called with the key and the text of a cell that the user edited.
    """

    def __init__(self, table: Any, onChanged: Callable[[str, str], None]) -> None:
        self._table, self._onChanged = table, onChanged
        self._shown: list[tuple[str, str]] | None = None
        self._editable = True
        table.connect("cellChanged(int,int)", self._onCellChanged)

    def show(self, settings: Any, changes: dict[str, str], editable: bool) -> None:
        """`settings` is a `dints.config.Config`, or None before the check."""
        rows = [(key, changes.get(key, text)) for key, text in settingTexts(settings).items()]
        if rows == self._shown and editable == self._editable:
            return
        self._shown, self._editable = rows, editable
        fill(self._table, [_("Setting"), _("Value")], rows)
        if not editable:
            return
        self._table.blockSignals(True)
        for row in range(len(rows)):
            self._table.item(row, 1).setFlags(EDITABLE)
        self._table.blockSignals(False)

    def _onCellChanged(self, row: int, column: int) -> None:
        key, before = self._shown[row]
        text = self._table.item(row, column).text()
        self._shown = None  # the table is filled again, with what was accepted
        if text != before:
            self._onChanged(key, text)


def settingTexts(settings: Any) -> dict[str, str]:
    """Every setting that has no widget of its own, as "section.key" and YAML."""
    values = settings.to_mapping() if settings else {}
    texts = {
        f"{section}.{name}": value if isinstance(value, str) else json.dumps(value)
        for section in SECTIONS
        for name, value in values.get(section, {}).items()
    }
    return {key: text for key, text in texts.items() if key not in ON_THE_PANEL}
