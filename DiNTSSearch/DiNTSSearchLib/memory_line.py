"""The predicted training memory beside the slider of the budget."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from slicer.i18n import tr as _

from dints.config import Config
from dints.events import gibibytes
from DiNTSSearchLib.forecast_line import ForecastLine

if TYPE_CHECKING:
    from DiNTSSearchLib.logic import DiNTSSearchLogic

BUDGET = "search.memory_budget"  # left out: memory is proportional to it


class MemoryLine(ForecastLine):
    """Asks for the memory of settings.

    Args:
        onChanged: called when a prediction has come.
    """

    def __init__(self, logic: DiNTSSearchLogic, onChanged: Callable[[], None]) -> None:
        super().__init__("memory", onChanged)
        self._logic = logic

    def want(self, settings: Config, changes: dict[str, str], file: Path, device: str) -> None:
        """Predicts for changed settings, soon, unless that is known or under way.

        Args:
            settings: what `file` holds.
        """
        overrides = [f"{key}={text}" for key, text in changes.items() if key != BUDGET]
        wanted = settings.with_overrides([*overrides, f"{BUDGET}=1"]), device
        self.wantAnswer(wanted, partial(self._logic.predictMemory, file, changes, device))

    @property
    def gpus(self) -> int:
        """How many the engine sees; 0 before it was asked."""
        return int(self.values.get("gpus", 0))

    def sentence(self, budget: float) -> str:
        """What search and retraining need at a budget, and what there is."""
        if self.error or not self.values:
            return self.error or (_("being predicted…") if self.isExpected else "")
        values = self.values
        sentence = _("search {search}, retraining about {retraining}; {device} has {available}").format(
            search=gibibytes(values["search"]),
            retraining=gibibytes(budget * values["retraining_full"]),
            device=values["device"],
            available=gibibytes(values["available"]) if "available" in values else _("that of the node of a job"),
        )
        return f"{sentence}. {_('Choose a smaller patch or batch.')}" if self.isTooMuch(budget) else sentence

    def isTooMuch(self, budget: float) -> bool:
        """Whether search or retraining will not fit."""
        needed = max(self.values.get("search", 0), budget * self.values.get("retraining_full", 0))
        return bool(needed > self.values.get("available", needed))
