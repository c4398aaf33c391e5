"""How the architecture comes about: by a search, by a search with a race, or from the zoo."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from slicer.i18n import tr as _

from dints.space.search_space import SearchSpace
from dints.zoo.catalogue import FEW_CASES, Entry, entries
from DiNTSSearchLib.parameters import TimeChoice
from DiNTSSearchLib.tables import fill

if TYPE_CHECKING:
    from DiNTSSearchLib.panel import SearchPanel

SEARCH, RACE, ZOO = range(3)  # lines of the list
RANKED_SHARE = 0.4  # of the cases: a race ranks on half of the four fifths that a search sees


class ApproachChoice:
    """The list of approaches, advice where there are few cases, and the zoo's list where one is taken from it."""

    def __init__(self, panel: SearchPanel) -> None:
        self._panel, self._ui = panel, panel.ui
        self._shown: tuple[SearchSpace, str] | None = None
        for text in (_("search"), _("search and race"), _("from the zoo")):
            self._ui.approachBox.addItem(text)
        self._ui.approachBox.connect("currentIndexChanged(int)", self.onChosen)
        self._ui.zooTable.connect("cellClicked(int,int)", self.onEntryClicked)

    @property
    def entries(self) -> list[Entry]:
        """The zoo, for the search space of the settings; nothing before there are any."""
        settings = self._panel.run.settings
        return listed(settings.search.space) if settings else []

    @property
    def taken(self) -> Entry | None:
        """The chosen architecture of the zoo; None for a search."""
        return next((entry for entry in self.entries if entry.name == self._panel.parameters.zoo), None)

    def whyNot(self, patch: Sequence[int]) -> str:
        """Why the chosen architecture cannot be taken; "" if it can, or for a search."""
        name, entry = self._panel.parameters.zoo, self.taken
        if name and entry is None:
            return _("{name} is not in the zoo of this version. Choose another one.").format(name=name)
        if entry is None or entry.design.fits(patch):
            return ""
        return _("{name} takes patches of {rule}.").format(name=name, rule=entry.design.size_rule)

    def show(self, free: bool) -> None:
        """The parameters; what cannot be changed any more is grey."""
        ui, parameters = self._ui, self._panel.parameters
        box = ui.approachBox
        box.blockSignals(True)
        box.currentIndex = ZOO if parameters.zoo else RACE if parameters.race else SEARCH
        box.blockSignals(False)
        timed = parameters.time != TimeChoice.PAPER  # then a race is part of what is planned
        box.setItemText(SEARCH, _("as time allows") if timed else _("search"))
        box.enabled = free and bool(self.entries)
        has_room = ui.advancedBox.collapsed  # for the list or the advice
        ui.zooFrame.visible = bool(parameters.zoo) and has_room
        ui.zooTable.enabled = free
        ui.adviceLabel.text = "" if parameters.zoo else self.advice()
        ui.adviceLabel.visible = bool(ui.adviceLabel.text) and has_room
        self._showZoo()

    def advice(self) -> str:
        """To take one of the zoo where a race has too few cases to rank on, with the figure behind it; "" else."""
        check = self._panel.run.check
        cases = len(check["cases"]) if check else 0
        if not 0 < cases < FEW_CASES:
            return ""
        sentence = _(
            "These cases are few: a race ranks on {ranked} of {cases}, and it takes 11 (of {few}) to tell networks "
            "apart that differ by 0.009 Dice. Better take an architecture from the zoo."
        )
        return sentence.format(cases=cases, ranked=int(RANKED_SHARE * cases), few=FEW_CASES)

    def _showZoo(self) -> None:
        """All entries, and of the chosen one its figures."""
        name, settings = self._panel.parameters.zoo, self._panel.run.settings
        if not name or settings is None or (settings.search.space, name) == self._shown:
            return
        self._shown, entry = (settings.search.space, name), self.taken
        rows = [(own.name, own.data) for own in self.entries]
        fill(self._ui.zooTable, [_("Architecture"), _("Found on")], rows, [_about(own) for own in self.entries])
        if entry is None:
            self._ui.zooTable.clearSelection()
        else:
            self._ui.zooTable.selectRow(self.entries.index(entry))
        self._ui.zooText.text = _about(entry) if entry else ""

    def onChosen(self, index: int) -> None:
        parameters, names = self._panel.parameters, [entry.name for entry in self.entries]
        if index == ZOO:
            self._ui.advancedBox.collapsed = True
            parameters.zoo = names[-1] if names else ""  # what was found stands after what is drawn
            return
        parameters.zoo, parameters.race = "", index == RACE

    def onEntryClicked(self, row: int, column: int) -> None:
        self._panel.parameters.zoo = self.entries[row].name


def _about(entry: Entry) -> str:
    return f"{entry.caption}: {entry.figures}" if entry.figures else entry.caption


@lru_cache(maxsize=4)
def listed(space: SearchSpace) -> list[Entry]:
    """The zoo for a search space; its files are read once."""
    return entries(space)
