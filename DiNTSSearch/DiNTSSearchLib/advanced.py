"""The table of all settings, from the fields of the engine's configuration."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import qt
from slicer.i18n import tr as _

from dints.config import Config
from DiNTSSearchLib.parameters import WITH_WIDGETS
from DiNTSSearchLib.tables import EDITABLE, fill


class SettingsTable:
    """Shows settings with the user's changes, and takes new changes.

    Args:
        onChanged: called with the key and the text of a cell that the user edited.
    """

    def __init__(self, table: qt.QTableWidget, onChanged: Callable[[str, str], None]) -> None:
        self._table, self._onChanged = table, onChanged
        self._shown: tuple[Config | None, dict[str, str], bool] | None = None
        self._rows: list[tuple[str, str]] = []
        table.connect("cellChanged(int,int)", self._onCellChanged)

    def show(self, settings: Config | None, changes: dict[str, str], editable: bool) -> None:
        """`settings` are None before the check."""
        if (settings, changes, editable) == self._shown:
            return  # writing out all settings takes long enough to be noticed
        self._shown = settings, changes, editable
        self._rows = [(key, changes.get(key, text)) for key, text in settingTexts(settings).items()]
        fill(self._table, [_("Setting"), _("Value")], self._rows, [hint(key) for key, _text in self._rows])
        if not editable:
            return
        self._table.blockSignals(True)
        for row in range(len(self._rows)):
            self._table.item(row, 1).setFlags(EDITABLE)
        self._table.blockSignals(False)

    def _onCellChanged(self, row: int, column: int) -> None:
        key, before = self._rows[row]
        text = self._table.item(row, column).text()
        self._shown = None  # the table is filled again, with what was accepted
        if text != before:
            self._onChanged(key, text)


def settingTexts(settings: Config | None) -> dict[str, str]:
    """Every setting that has no widget of its own, as "section.key" and YAML."""
    if settings is None:
        return {}
    from dints.files.plain_yaml import to_line  # needs PyYAML, as the settings did

    values = settings.to_mapping()
    return {
        f"{section}.{name}": to_line(value)
        for section, own in values.items()
        for name, value in own.items()
        if f"{section}.{name}" not in WITH_WIDGETS
    }


@cache
def hint(key: str) -> str:
    """What the tool tip says of a setting."""
    from dints.config.listing import default, explanation

    return f"{key}: {explanation(key)}; {_('default')} {default(key)}"
