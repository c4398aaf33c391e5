"""The predicted training memory beside the slider of the budget; the engine counts it in a process of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import qt
from slicer.i18n import tr as _

from dints.config import Config
from dints.events import gibibytes

if TYPE_CHECKING:
    from DiNTSSearchLib.logic import DiNTSSearchLogic
    from DiNTSSearchLib.pipeline import Pipeline

DELAY_MILLISECONDS = 800  # after the last change of a setting
BUDGET = "search.memory_budget"  # left out: memory is proportional to it
MIB, GIB = 2**20, 2**30


class MemoryLine:
    """Asks the engine when settings changed, and keeps the answer for as long as it holds: also through a run.

    Args:
        onChanged: called when a prediction has come.
    """

    def __init__(self, logic: DiNTSSearchLogic, onChanged: Callable[[], None]) -> None:
        self._logic, self._onChanged = logic, onChanged
        self._known: tuple[Config, str] | None = None  # settings and device of the prediction that is there or to come
        self._question: tuple[Path, dict[str, str], str] | None = None
        self._job: Pipeline | None = None
        self._timer = qt.QTimer()
        self._timer.setSingleShot(True)
        self._timer.setInterval(DELAY_MILLISECONDS)
        self._timer.connect("timeout()", self._ask)
        self.values: dict[str, Any] = {}
        self.error = ""

    def want(self, settings: Config, changes: dict[str, str], file: Path, device: str) -> None:
        """Predicts for changed settings, soon, unless that is known or under way.

        Args:
            settings: what `file` holds.
        """
        overrides = [f"{key}={text}" for key, text in changes.items() if key != BUDGET]
        wanted = settings.with_overrides([*overrides, f"{BUDGET}=1"]), device
        if wanted != self._known:
            self.stop()
            self._known, self._question = wanted, (file, changes, device)
            self._timer.start()

    def stop(self) -> None:
        """Ends what is under way and forgets what was predicted."""
        self._known = self._question = None
        self.values, self.error = {}, ""
        self._timer.stop()
        if self._job is not None and self._job.isRunning:
            self._job.cancel()
        self._job = None

    @property
    def gpus(self) -> int:
        """How many the engine sees; 0 before it was asked."""
        return int(self.values.get("gpus", 0))

    def sentence(self, budget: float) -> str:
        """What search and retraining need at a budget, and what there is."""
        if self.error or not self.values:
            return self.error or (_("being predicted…") if self._known else "")
        values = self.values
        sentence = _("search {search}, retraining about {retraining}; {device} has {available}").format(
            search=sizeText(values["search"]),
            retraining=sizeText(budget * values["retraining_full"]),
            device=values["device"],
            available=sizeText(values["available"]),
        )
        return f"{sentence}. {_('Choose a smaller patch or batch.')}" if self.isTooMuch(budget) else sentence

    def isTooMuch(self, budget: float) -> bool:
        """Whether search or retraining will not fit."""
        needed = max(self.values.get("search", 0), budget * self.values.get("retraining_full", 0))
        return bool(needed > self.values.get("available", needed))

    def _ask(self) -> None:
        if self._question is None:
            return  # it was stopped
        file, changes, device = self._question

        def finished(exitCode: int, sentence: str) -> None:
            if self._job is job:  # and not one that was stopped
                self.values, self.error = job.results.get("memory", {}), sentence
                self._onChanged()

        job = self._logic.predictMemory(file, changes, device, onFinished=finished)
        self._job = job


def sizeText(count: float) -> str:
    """Bytes in the unit that suits them."""
    return gibibytes(count) if count >= GIB / 10 else f"{count / MIB:.1f} MiB"
