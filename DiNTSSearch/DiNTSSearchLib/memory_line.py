"""The predicted training memory beside the slider of the budget."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from slicer.i18n import tr as _

from dints.config import Config
from dints.events import gibibytes
from DiNTSSearchLib.forecast_line import ForecastLine

if TYPE_CHECKING:
    from DiNTSSearchLib.logic import DiNTSSearchLogic

NOTHING: Mapping[str, float] = MappingProxyType({})
BUDGET = "search.memory_budget"  # left out: memory is proportional to it


def waiting() -> str:
    """What is said until the prediction has come."""
    return _("being predicted…")


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

    def sentence(self, budget: float, planned: Mapping[str, float] = NOTHING) -> str:
        """What search and retraining need, and what there is.

        Args:
            budget: share of the full network that will be retrained.
            planned: `TimeLine.memory` of a run for which other settings are chosen than those that were asked about.
        """
        if self.error or not self.values:
            return self.error or (waiting() if self.isExpected else "")
        values, needed = self.values, self._needed(budget, planned)
        parts = [_("search {size}").format(size=gibibytes(needed["search"]))] if "search" in needed else []
        parts.append(_("retraining about {size}").format(size=gibibytes(needed["train"])))
        available = gibibytes(values["available"]) if "available" in values else _("that of the node of a job")
        sentence = _("{needed}; {device} has {available}").format(
            needed=", ".join(parts), device=values["device"], available=available
        )
        return f"{sentence}. {_('Choose a smaller patch or batch.')}" if self.isTooMuch(budget, planned) else sentence

    def isTooMuch(self, budget: float, planned: Mapping[str, float] = NOTHING) -> bool:
        """Whether search or retraining will not fit."""
        most = max(self._needed(budget, planned).values())
        return bool(most > self.values.get("available", most))

    def _needed(self, budget: float, planned: Mapping[str, float]) -> Mapping[str, float]:
        """Bytes of "search" and "train"."""
        own = self.values.get("search", 0), budget * self.values.get("retraining_full", 0)
        return planned or dict(zip(("search", "train"), own, strict=True))
