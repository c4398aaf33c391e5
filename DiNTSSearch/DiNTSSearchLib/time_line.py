"""The predicted time of what the start button begins."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from slicer.i18n import tr as _

from DiNTSLib.durations import duration
from DiNTSSearchLib.forecast_line import ForecastLine

if TYPE_CHECKING:
    from DiNTSSearchLib.logic import DiNTSSearchLogic
    from DiNTSSearchLib.opened_run import OpenedRun


class TimeLine(ForecastLine):
    """Asks how long a run takes that would be started now, or what is left of it.

    Args:
        onChanged: called when a prediction has come.
    """

    def __init__(self, logic: DiNTSSearchLogic, onChanged: Callable[[], None]) -> None:
        super().__init__("plan", onChanged)
        self._logic = logic

    def want(
        self,
        data: str,
        check: Path,
        preset: str,
        settings: Path,
        changes: dict[str, str],
        hours: str,
        device: str,
        architecture: str,
    ) -> None:
        """Predicts, soon, unless that is known or under way; for the arguments see `DiNTSSearchLogic.plan`."""
        known = (
            data,
            check,
            check.stat().st_mtime_ns,
            preset,
            settings,
            tuple(changes.items()),
            hours,
            device,
            architecture,
        )
        self.wantAnswer(
            known, partial(self._logic.plan, data, check, preset, settings, changes, hours, device, architecture)
        )

    def wantRest(self, run: OpenedRun, device: str) -> None:
        """Predicts what is left of a run, soon, unless that is known or under way."""
        known = run.folder, device, run.search, tuple(run.folds)
        self.wantAnswer(known, partial(self._logic.planRest, run.folder, device))

    @property
    def memory(self) -> Mapping[str, float]:
        """Bytes that "search", if there is one, and "train" need in what was planned; nothing before it is known."""
        found: Mapping[str, float] = self.values.get("memory", {})
        return found

    def sentence(self, folds: Collection[int] | None = None) -> str:
        """All of it, or of some folds, and its stages."""
        if self.error or not self.values:
            return self.error or (_("being measured, a minute at most…") if self.isExpected else "")
        stages = {name: own for name, own in self.values["stages"].items() if folds is None or _isOf(name, folds)}
        if not stages:
            return _("nothing is left to do")
        listed = ", ".join(_grouped(stages))
        return _("{time} in all: {stages}").format(time=duration(sum(stages.values())), stages=listed)

    def explanation(self) -> str:
        """What was chosen, and why."""
        return "\n".join([*self.values.get("chosen", ()), *self.values.get("left_out", ())])


def _isOf(stage: str, folds: Collection[int]) -> bool:
    """Whether a stage belongs to one of the folds; those of no fold belong to all."""
    fold = stage.partition(" fold ")[2]
    return not fold or int(fold) in folds


def _grouped(stages: Mapping[str, float]) -> list[str]:
    """Stages of one kind, such as folds, as one."""
    names = {
        "preprocess": _("preprocessing"),
        "search": _("search"),
        "race": _("race"),
        "train": _("training"),
        "evaluate": _("evaluation"),
    }
    sums: dict[str, float] = {}
    for stage, seconds in stages.items():
        kind = stage.partition(" ")[0]
        sums[kind] = sums.get(kind, 0.0) + seconds
    return [f"{names.get(kind, kind)} {duration(seconds)}" for kind, seconds in sums.items()]
