"""The predicted training memory beside the slider of the budget; the engine counts it in a process of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import qt
from slicer.i18n import tr as _

if TYPE_CHECKING:
    from DiNTSSearchLib.logic import DiNTSSearchLogic
    from DiNTSSearchLib.pipeline import Pipeline

DELAY_MILLISECONDS = 800  # after the last change of a setting
MIB, GIB = 2**20, 2**30


class MemoryLine:
    """Asks the engine when settings changed. The budget is left out: memory is proportional to it.

    Args:
        onChanged: called when a prediction has come.
    """

    def __init__(self, logic: DiNTSSearchLogic, onChanged: Callable[[], None]) -> None:
        self._logic, self._onChanged = logic, onChanged
        self._wanted: tuple[Path, int, tuple[tuple[str, str], ...], str] | None = None
        self._job: Pipeline | None = None
        self._timer = qt.QTimer()
        self._timer.setSingleShot(True)
        self._timer.setInterval(DELAY_MILLISECONDS)
        self._timer.connect("timeout()", self._ask)
        self.values: dict[str, Any] = {}
        self.error = ""

    def want(self, settingsFile: Path, changes: dict[str, str], device: str) -> None:
        """Predicts for these settings, soon, unless that is known or under way."""
        own = {key: text for key, text in changes.items() if key != "search.memory_budget"}
        wanted = (settingsFile, settingsFile.stat().st_mtime_ns, tuple(sorted(own.items())), device)
        if wanted != self._wanted:
            self.stop()
            self._wanted = wanted
            self.values, self.error = {}, ""
            self._timer.start()

    def stop(self) -> None:
        """Ends what is under way; the next `want` asks again."""
        self._wanted = None
        self._timer.stop()
        if self._job is not None and self._job.isRunning:
            self._job.cancel()
        self._job = None

    @property
    def gpus(self) -> int:
        """How many the engine sees; 0 before it was asked."""
        return self.values.get("gpus", 0)

    def sentence(self, budget: float) -> str:
        """What search and retraining need at a budget, and what there is."""
        if self.error or not self.values:
            return self.error or (_("being predicted…") if self._wanted else "")
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
        return needed > self.values.get("available", needed)

    def _ask(self) -> None:
        path, _modified, changes, device = self._wanted

        def finished(exitCode: int, sentence: str) -> None:
            if self._job is job:  # and not one that was stopped
                self.values, self.error = job.results.get("memory", {}), sentence
                self._onChanged()

        job = self._logic.predictMemory(path, dict(changes), device, onFinished=finished)
        self._job = job


def sizeText(count: float) -> str:
    """Bytes in the unit that suits them."""
    return f"{count / GIB:.1f} GiB" if count >= GIB / 10 else f"{count / MIB:.1f} MiB"
