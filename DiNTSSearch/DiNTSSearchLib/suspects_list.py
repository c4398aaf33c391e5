"""Below the scores of the cross-validation: the cases whose labels may be wrong, why, and a way to look at them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from slicer.i18n import tr as _

from dints.improvement.reasons import EXCHANGED, MISSING, PROTOCOL, SHIFTED, SIDE, UNCLEAR
from DiNTSSearchLib.tables import fill

if TYPE_CHECKING:
    from DiNTSSearchLib.retrain_section import RetrainSection

FEW_ROWS = 3  # then a table scrolls: there is room for two of them on a laptop


class SuspectsList:
    """A part of the step "Retrain".

    Args:
        section: by which cases are opened and the engine is asked.
    """

    def __init__(self, section: RetrainSection) -> None:
        self.section, self.ui = section, section.ui
        self._shown: Sequence[Mapping[str, Any]] | None = None
        self.ui.suspectsTable.connect("cellActivated(int,int)", self._onActivated)
        self.ui.suspectsButton.connect("clicked()", self._onFind)
        self.ui.openSuspectButton.connect("clicked()", lambda: self._onActivated(self.ui.suspectsTable.currentRow()))

    def show(self, suspects: Sequence[Mapping[str, Any]] | None, isFree: bool) -> None:
        """The worst first; None where they were not looked for yet, but could be if `isFree`."""
        table = self.ui.suspectsTable
        if suspects != self._shown:
            self._shown = suspects
            fill(table, *suspectsTable(suspects or ()), FEW_ROWS)
            if suspects:
                table.setCurrentCell(0, 0)
        scores = self.section.panel.run.scores
        table.visible = self.ui.openSuspectButton.visible = bool(suspects)
        self.ui.suspectsButton.visible = scores is not None and suspects is None
        self.ui.suspectsButton.enabled = isFree
        self.ui.suspectsLabel.visible = scores is not None and suspects is not None
        self.ui.suspectsLabel.text = suspectsSentence(suspects or ())

    def _onFind(self) -> None:
        folder, logic = self.section.panel.parameters.runFolder, self.section.logic
        self.section.start(lambda **calls: logic.suspects(folder, **calls))

    def _onActivated(self, row: int) -> None:
        """A double click, Return, or the button."""
        if self._shown and 0 <= row < len(self._shown):
            self.section.openCase(self._shown[row]["case"], tuple(self._shown[row]["world"]))


def suspectsSentence(suspects: Sequence[Mapping[str, Any]]) -> str:
    """How many there are."""
    if not suspects:
        return _("No case differs more from its prediction than is usual for its size.")
    return _("Labels that may be wrong: {count}").format(count=len(suspects))


def suspectsTable(suspects: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[list[str]], list[str]]:
    """Headers, lines and tool tips: the reason, the label that differs most, its Dice and the usual one of its size."""
    rows = [
        [own["case"], _reason(own["reason"]), own["label"], f"{own['dice']:.2f} / {own['expected_dice']:.2f}"]
        for own in suspects
    ]
    headers = [_("Suspected case"), _("Likely reason"), _("Label"), _("Dice / usual")]
    return headers, rows, [own["sentence"] for own in suspects]


def _reason(reason: str) -> str:
    """In the user's language; a new one as the engine says it."""
    known = {
        SIDE: _("side exchanged"),
        EXCHANGED: _("labels exchanged"),
        MISSING: _("label missing"),
        SHIFTED: _("shifted"),
        PROTOCOL: _("another protocol"),
        UNCLEAR: _("unclear"),
    }
    return known.get(reason, reason)
