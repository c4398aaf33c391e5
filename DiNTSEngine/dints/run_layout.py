"""What a run on disk holds, and how far it is: the one owner of its paths and logs. The standard library alone.

run.json        which data set, and which cases are held out
config.yaml     every setting
check.json      what the check found
plan.json       how long it was predicted to take, and why its settings are what they are
cases.json      its cases: their folds, files and checksums
cache/          preprocessed volumes
search/         checkpoint.pt log.jsonl current.json architecture.{json,png,svg} summary.json race/ search_2/
start/          fold<k>.pt: weights that the folds start from, where a model was given
train/fold<k>/  last.pt best.pt log.jsonl
evaluation/     scores.csv scores.json cleanup.json safety_bound.json suspects.json predictions/
held_out/       the same for cases that no network saw
compare/        networks trained beside the searched one; compare.json has their scores
model.zip       the exported ensemble
report.html
remote.json     on which other computer it is done, and how much of it is here
.lock           held while a process works on the run
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SCORES, SCORE_TABLE = "scores.json", "scores.csv"  # of an evaluation's folder
LARGEST_STEP = 2**53  # so that steps are numbers that can be drawn
UNDEFINED = -1.0  # below any Dice
ANEW = "anew"  # in a row of a log: the best network of before is lost
BYTES_A_READ = 256 * 1024  # of a log; about 1,000 rows, read in a few milliseconds

Points = tuple[list[int], list[float]]


@dataclass(frozen=True)
class SearchState:
    """How far the search is: `step` of `total`, and whether it left its architecture."""

    step: int
    total: int
    finished: bool

    @property
    def started(self) -> bool:
        """Whether there is anything to resume."""
        return self.step > 0 or self.finished


@dataclass(frozen=True)
class FoldState:
    """How far a fold is: `step` of `total`, and the validation Dice of its best network, which would be exported.

    A fold is trained when it is finished, and not before: a network that was kept on the way is half trained.
    """

    step: int
    total: int
    best_dice: float | None  # mean over the foreground classes; None before the first validation, or if undefined
    finished: bool

    @property
    def started(self) -> bool:
        """Whether there is anything to resume."""
        return self.step > 0


class SearchFiles:
    """The files that a search goes on from, whether or not they are there yet."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "log.jsonl"
        self.checkpoint = folder / "checkpoint.pt"
        self.current_architecture = folder / "current.json"  # the best one so far


class TrainingFiles:
    """The files of one training, whether or not they are there yet: of a fold, or of a race's or comparison's part."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "log.jsonl"
        self.last = folder / "last.pt"  # the checkpoint to go on from
        self.best = folder / "best.pt"  # the best network and its Dice

    @property
    def begun(self) -> bool:
        """Whether there is anything of the training, however far it came."""
        return any(path.is_file() for path in (self.log, self.last, self.best))


class RaceFiles:
    """The files of a race among candidates, and of the one that its leader runs against its neighbours."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.standings = folder / "standings.json"  # all candidates, the best first
        self.widths = folder / "widths.json"  # by name, where a time was given for a window

    @property
    def near(self) -> RaceFiles:
        """Of the leader's race against its neighbours."""
        return RaceFiles(self.folder / "near")

    def candidate(self, name: str) -> TrainingFiles:
        """Of all heats of a candidate."""
        return TrainingFiles(self.folder / name)


class RunLayout:
    """The files of a run, whether or not they are there yet."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.run_file = self.folder / "run.json"
        self.config_file = self.folder / "config.yaml"
        self.check_file = self.folder / "check.json"
        self.plan_file = self.folder / "plan.json"
        self.cases_file = self.folder / "cases.json"
        self.cache_folder = self.folder / "cache"
        self.search = SearchFiles(self.folder / "search")
        self.architecture_file = self.search.folder / "architecture.json"  # what is retrained: searched, or put there
        self.summary_file = self.search.folder / "summary.json"
        self.race_folder = self.search.folder / "race"
        self.evaluation_folder = self.folder / "evaluation"
        self.held_out_folder = self.folder / "held_out"
        self.scores_file = self.evaluation_folder / SCORES
        self.cleanup_file = self.evaluation_folder / "cleanup.json"  # labels that gain from their largest component
        self.bound_file = self.evaluation_folder / "safety_bound.json"  # what a first look may leave out, or why none
        self.suspects_file = self.evaluation_folder / "suspects.json"  # cases whose labels may be wrong
        self.compare_folder = self.folder / "compare"
        self.compare_file = self.compare_folder / "compare.json"  # the table, and whether the search paid
        self.model_file = self.folder / "model.zip"
        self.report_file = self.folder / "report.html"
        self.remote_file = self.folder / "remote.json"  # on which other computer it is done

    @property
    def is_run(self) -> bool:
        """Whether a search or retraining was started here: its data and settings are fixed then."""
        return self.run_file.is_file()

    def further_search(self, number: int) -> SearchFiles:
        """Of one more search that proposes candidates for the race; numbers start from 2."""
        return SearchFiles(self.search.folder / f"search_{number}")

    @property
    def race(self) -> RaceFiles:
        """Of the race among the search's candidates."""
        return RaceFiles(self.race_folder)

    def architecture_picture(self, suffix: str) -> Path:
        """The drawing of the architecture, as "png" or "svg"."""
        return self.search.folder / f"architecture.{suffix}"

    def fold(self, fold: int) -> TrainingFiles:
        """Of one retrained fold."""
        return TrainingFiles(self.folder / "train" / f"fold{fold}")

    def start_file(self, fold: int) -> Path:
        """The weights that a fold starts from, in a run that was started from a model."""
        return self.folder / "start" / f"fold{fold}.pt"

    def compared(self, network: str, fold: int) -> TrainingFiles:
        """Of one fold of a network that is trained beside the searched one."""
        return TrainingFiles(self.compare_folder / network / f"fold{fold}")

    def compared_architecture(self, network: str) -> Path:
        """What that network is: the trainings beside it are of no other one."""
        return self.compare_folder / network / "architecture.json"

    def prediction_file(self, case: str) -> Path:
        """What the cross-validation segmented in a case."""
        return self.evaluation_folder / "predictions" / f"{case}.nii.gz"

    def search_state(self, iterations: int, log: LogReader | None = None) -> SearchState:
        """How far the search of `iterations` steps is. `log` is one that was read before, and is read on."""
        log = log or LogReader(self.search.log)
        log.read_all()
        return SearchState(log.steps, iterations, self.architecture_file.is_file())

    def fold_state(self, fold: int, iterations: int, log: LogReader | None = None) -> FoldState:
        """How far a fold of `iterations` steps is. `log` is one that was read before, and is read on."""
        log = log or LogReader(self.fold(fold).log)
        log.read_all()
        ended = log.stopped or log.last_validation == iterations - 1
        finished = ended and self.fold(fold).best.is_file()
        dice = log.best_dice
        return FoldState(log.steps, iterations, None if math.isnan(dice) else dice, finished)


class LogReader:
    """A growing log of a search or a fold, read as far as it has come: only new rows cost anything.

    A log that was replaced, as a resumed run does to drop the steps that it repeats, is read anew. A last line that has
    no end yet, or that an interruption cut short, waits for the next time.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._restart(None)

    def read(self) -> bool:
        """Reads the next rows, at most about a thousand; True if there were any, or if the log was replaced."""
        if not self.path.is_file():
            changed = bool(self._offset)
            self._restart(None)
            return changed
        status = self.path.stat()
        if status.st_ino != self._file or status.st_size < self._offset:
            self._restart(status.st_ino)
        with self.path.open("rb") as file:
            file.seek(self._offset)
            portion = file.read(BYTES_A_READ)
        whole = portion[: portion.rfind(b"\n") + 1]
        self._offset += len(whole)
        for row in _rows(whole.decode("utf-8", errors="replace")):
            self._take(row)
        return bool(whole)

    def read_all(self) -> None:
        """Reads to the present end."""
        while self.read():
            pass

    def points(self, name: str) -> Points:
        """Steps and values of the rows that hold a number of this name."""
        return self._columns.get(name, ([], []))

    def _restart(self, file: int | None) -> None:
        self._columns: dict[str, Points] = {}
        self._file = file
        self._offset = 0
        self.steps = 0  # that were done
        self.last_validation = -1  # the step after which it was made
        self.stopped = False  # early, as nothing was gained any more
        self.best_dice = math.nan  # of the network that is kept; NaN before the first validation

    def _take(self, row: Mapping[str, Any]) -> None:
        step = row["step"]
        self.steps = max(self.steps, step + 1)
        if "mean_dice" in row:
            dice, best = _number(row["mean_dice"]), math.nan if row.get(ANEW) else self.best_dice
            self.best_dice = dice if is_better(dice, best) else best
            self.last_validation, self.stopped = step, bool(row.get("stopped"))
        for name, value in row.items():
            number = math.nan if name == "step" else _number(value)
            if not math.isnan(number):
                steps, values = self._columns.setdefault(name, ([], []))
                steps.append(step)
                values.append(number)


def is_better(dice: float, best: float) -> bool:
    """Whether a network of this validation Dice takes the place of the best one so far.

    NaN, where no case has a class that counts, is worse than any number. While nothing was found at all, the later of
    two networks that are equal is kept: it has learned for longer.
    """
    new, old = (UNDEFINED if math.isnan(value) else value for value in (dice, best))
    return new > old or new == old <= 0


def read_log(path: Path) -> list[dict[str, Any]]:
    """All whole rows of a log; a line that an interruption cut short is left out."""
    if not path.is_file():
        return []
    return list(_rows(path.read_text(encoding="utf-8", errors="replace")))


def _rows(text: str) -> Iterator[dict[str, Any]]:
    for line in text.splitlines():
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):  # the last line of an interrupted run, or damage
            return
        if isinstance(row, dict) and isinstance(row.get("step"), int) and 0 <= row["step"] <= LARGEST_STEP:
            yield row


def _number(value: Any) -> float:
    """NaN for what is no number, or none that can be drawn."""
    return float(value) if isinstance(value, int | float) and abs(value) <= sys.float_info.max else math.nan
