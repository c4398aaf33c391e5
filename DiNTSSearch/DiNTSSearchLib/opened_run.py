"""The run that the panel shows: what its folder holds now. Files, states and logs are those of `dints.run_layout`."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from slicer.i18n import tr as _

from dints.config import Config
from dints.errors import InputError, failure
from dints.evaluation.evaluate import Scores, read_scores
from dints.remote.relay import MARK
from dints.run_layout import FoldState, LogReader, RunLayout, SearchState
from dints.search.race_state import Racer, RaceReader
from DiNTSSearchLib.run_files import readChecked

CHOICES = "choices.json"  # the panel's own: data folder, preset and folds with which the data were last checked
NOWHERE = Path(os.devnull)  # stands for no folder: it holds nothing
TURN_SECONDS = 0.02  # of one turn of reading logs: the window stays responsive however long they are

T = TypeVar("T")
Mapped = Mapping[str, Any]


class OpenedRun:
    """A folder that holds a run, or will hold one: checked data and settings come before the run itself.

    `read` takes over what its files hold, `readLogs` how far search and folds are. A file that cannot be read, or was
    written by a later version, counts as missing, and `problems` says why.

    Attributes:
        problems: a sentence for each file that cannot be read.
        device: the other computer that the run is on, as the engine's word; "" for a run of this computer.
        settings: None before the data were checked.
        check: what the check found, "cases" and "problems"; None before it.
        plan: "hours" that the run was given, None for as long as it takes; None where nothing was predicted.
        choices: "data", "preset" and "folds" of the last check; empty for a run that was not made in the panel.
        scores: table and files of the cross-validation; None before it.
        suspects: cases whose labels may be wrong, the worst first; None if they were not looked for in these scores.
        comparison: the table of networks and whether the search paid; None before it.
        race: candidates, the leader first; those one change away from a leader stand before all others.
        search: how far the search is.
        folds: how far each fold is; None for one whose log is still being read.
    """

    def __init__(self, folder: str | Path) -> None:
        self.name = str(folder)
        self.layout = RunLayout(self.name or NOWHERE)
        self.problems: list[str] = []
        self._logs: dict[Path, LogReader] = {}
        self._races = RaceReader(self.layout.race.near), RaceReader(self.layout.race)
        self.read()
        self.search, self.folds = SearchState(0, 0, False), list[FoldState | None]()
        self.readLogs(0.0)

    @property
    def folder(self) -> Path:
        return self.layout.folder

    @property
    def architectureFile(self) -> Path:
        """The searched architecture, or the present one of a search that is not finished."""
        final = self.layout.architecture_file
        return final if final.is_file() else self.layout.search.current_architecture

    @property
    def whyUnusable(self) -> str:
        """Why nothing can be done with a run: what it is cannot be read. "" if it can, or if there is no run."""
        return "\n".join(self.problems) if self.isRun and None in (self._start, self.settings) else ""

    @property
    def isPlanned(self) -> bool:
        """Whether a run was predicted to take some time, and something of it is left."""
        finished = [fold is not None and fold.finished for fold in self.folds]
        read = None not in self.folds and not self.whyUnusable
        return self.isRun and read and not all(finished) and self.layout.plan_file.is_file()

    @property
    def requiredSettings(self) -> Config:
        """The settings; InputError where there are none, or none that can be read."""
        if self.settings is None:
            raise InputError(_("Check the data first: {folder} has no settings.").format(folder=self.folder))
        return self.settings

    @property
    def errors(self) -> int:
        """Problems of the data that prevent training."""
        return sum(problem["severity"] == "error" for problem in (self.check or {}).get("problems", ()))

    @property
    def trainedFolds(self) -> list[int]:
        """Folds that were trained to the end."""
        return [fold for fold, state in enumerate(self.folds) if state is not None and state.finished]

    def log(self, fold: int | None = None) -> LogReader:
        """The log of a fold, or of the search, as far as it has been read."""
        path = self.layout.search.log if fold is None else self.layout.fold(fold).log
        return self._logs.setdefault(path, LogReader(path))

    def read(self) -> None:
        """Takes over what became new on disk, but for the logs."""
        layout = self.layout
        self.problems.clear()
        self.isRun = self._guarded(lambda: layout.is_run, False)
        self._start: Mapped | None = self._content(layout.run_file, readChecked)
        self.dataFolder: str = self._start["data"] if self._start else ""
        self.settings: Config | None = self._content(layout.config_file, Config.load, isNeeded=self.isRun)
        remote = self._content(layout.remote_file, readChecked)
        self.device: str = f"{MARK}{remote['host']}" if remote else ""
        self.check: Mapped | None = self._content(layout.check_file, readChecked)
        self.plan: Mapped | None = self._content(layout.plan_file, readChecked)
        self.choices: Mapped = self._content(layout.folder / CHOICES, readChecked) or {}
        self.scores: Scores | None = self._content(layout.scores_file, _scores)
        self.suspects: list[Mapped] | None = self._guarded(self._suspects, None)
        self.comparison: Mapped | None = self._content(layout.compare_file, readChecked)
        self.race: list[Racer] = self._guarded(self._racers, [])

    def readLogs(self, seconds: float = TURN_SECONDS) -> bool:
        """Reads new rows of all logs for so long; False if there are more of them: then call it again."""
        self.search, self.folds = SearchState(0, 0, False), []
        return self._guarded(lambda: self._readLogs(time.monotonic() + seconds), True)

    def _readLogs(self, end: float) -> bool:
        settings, layout = self.settings, self.layout
        iterations = settings.search.iterations if settings else 0
        count, steps = (settings.training.folds, settings.training.iterations) if settings else (0, 0)
        complete = _readOn(self.log(), end)
        self.search = (
            layout.search_state(iterations, self.log())
            if complete
            else SearchState(self.log().steps, iterations, layout.architecture_file.is_file())
        )
        folds: list[FoldState | None] = []
        for fold in range(count):
            log = self.log(fold)
            state = layout.fold_state(fold, steps, log) if _readOn(log, end) else None
            folds.append(state)
        self.folds = folds
        return complete and None not in folds

    def _suspects(self) -> list[Mapped] | None:
        file, scores = self.layout.suspects_file, self.layout.scores_file
        found: Mapped | None = self._content(file, readChecked)
        if found is None or not scores.is_file() or file.stat().st_mtime_ns < scores.stat().st_mtime_ns:
            return None
        suspects: list[Mapped] = found["suspects"]
        return suspects

    def _racers(self) -> list[Racer]:
        near, others = (reader.racers() for reader in self._races)
        names = {racer.name for racer in near}
        return [*near, *(racer for racer in others if racer.name not in names)]

    def _content(self, file: Path, load: Callable[[Path], T], isNeeded: bool = False) -> T | None:
        """What a file holds; None if it is not there."""

        def content() -> T | None:
            if not isNeeded and not file.is_file():
                return None
            loaded: T = _loaded(load, file, file.stat().st_mtime_ns)  # the cache keeps values, not their types
            return loaded

        return self._guarded(content, None)

    def _guarded(self, work: Callable[[], T], otherwise: T) -> T:
        """What `work` gives; if it cannot be read `otherwise`, and `problems` says why."""
        try:
            return work()
        except (InputError, OSError) as error:
            problem, _code = failure(error)
            if problem not in self.problems:
                self.problems.append(problem)
            return otherwise


@lru_cache(maxsize=16)
def _loaded(load: Callable[[Path], T], file: Path, modified: int) -> T:
    """Reading YAML takes long enough to be noticed if it were done at every refresh."""
    return load(file)


def _scores(file: Path) -> Scores:
    return read_scores(file.parent)


def _readOn(log: LogReader, end: float) -> bool:
    """Reads until the end of the log, which is True, or until the time is over."""
    while time.monotonic() < end:
        if not log.read():
            return True
    return False
