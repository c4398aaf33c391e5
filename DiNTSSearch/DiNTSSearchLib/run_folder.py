"""What a run folder holds, read without PyTorch: the state that the panel shows. `dints.run` describes the files.

choices.json is the panel's own: data folder, preset and folds with which the data were last checked.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

LAST_ROWS_BYTES = 8192  # of a log; a row has a few hundred

CHOICES = "choices.json"
NOWHERE = Path(os.devnull)  # stands for no folder: it holds nothing
NOTHING, STARTED, DONE = "nothing", "started", "done"


@dataclass(frozen=True)
class Progress:
    """How far a search or a fold is: `step` of `total` steps."""

    state: str
    step: int
    total: int
    dice: float | None = None  # of the last validation


class RunFolder:
    """A folder that holds a run, or will hold one: checked data and settings come before the run itself."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder) if str(folder) else NOWHERE

    @property
    def isRun(self) -> bool:
        """Whether a search or retraining was started: its settings are fixed then."""
        return (self.folder / "run.json").is_file()

    @property
    def dataFolder(self) -> str:
        """Of a run; "" before it was started."""
        return self._json("run.json").get("data", "")

    @cached_property
    def choices(self) -> dict[str, Any]:
        """ "data", "preset" and "folds" of the last check; {} for a run that was not made in the panel."""
        return self._json(CHOICES)

    @property
    def settingsFile(self) -> Path:
        return self.folder / "config.yaml"

    @property
    def architectureFile(self) -> Path:
        """The searched architecture, or the present one of a search that is not finished."""
        final = self.folder / "search" / "architecture.json"
        return final if final.is_file() else self.folder / "search" / "current.json"

    @property
    def reportFile(self) -> Path:
        return self.folder / "report.html"

    @cached_property
    def settings(self) -> Any:
        """The `dints.config.Config`; None before the data were checked."""
        if not self.settingsFile.is_file():
            return None
        return _settings(self.settingsFile, self.settingsFile.stat().st_mtime_ns)

    @cached_property
    def check(self) -> dict[str, Any] | None:
        """What the check found: "cases" and "problems"; None before it."""
        return self._json("check.json") or None

    @property
    def errors(self) -> int:
        """Problems that prevent training."""
        return sum(problem["severity"] == "error" for problem in (self.check or {}).get("problems", ()))

    def searchProgress(self) -> Progress:
        """Of the search."""
        total = self.settings.search.iterations if self.settings else 0
        last = self._lastRow("search/log.jsonl", "step")
        step = last["step"] + 1 if last else 0
        if (self.folder / "search" / "architecture.json").is_file():
            return Progress(DONE, step, total)
        return Progress(STARTED if last else NOTHING, step, total)

    def foldProgress(self, fold: int) -> Progress:
        """Of the retraining of one fold."""
        total = self.settings.training.iterations if self.settings else 0
        last = self._lastRow(f"train/fold{fold}/log.jsonl", "step")
        if last is None:
            return Progress(NOTHING, 0, total)
        validated = self._lastRow(f"train/fold{fold}/log.jsonl", "mean_dice")
        dice = validated["mean_dice"] if validated else None
        step = last["step"] + 1
        trained = step >= total and (self.folder / "train" / f"fold{fold}" / "best.pt").is_file()
        return Progress(DONE if trained else STARTED, step, total, dice)

    @property
    def trainedFolds(self) -> list[int]:
        """Folds that were trained to the end."""
        folds = self.settings.training.folds if self.settings else 0
        return [fold for fold in range(folds) if self.foldProgress(fold).state == DONE]

    def scores(self) -> dict[str, Any] | None:
        """Table, summary and files of the cross-validation; None before it."""
        return self._json("evaluation/scores.json") or None

    def prediction(self, case: str) -> Path:
        """What the cross-validation segmented in a case."""
        return self.folder / "evaluation" / "predictions" / f"{case}.nii.gz"

    def _json(self, name: str) -> dict[str, Any]:
        try:
            return json.loads((self.folder / name).read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            return {}

    def _lastRow(self, name: str, key: str) -> dict[str, Any] | None:
        """The last whole row of a log that holds `key`, among those at its end."""
        path = self.folder / name
        if not path.is_file():
            return None
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - LAST_ROWS_BYTES))
            lines = file.read().split(b"\n")[:-1]  # what follows the last line's end was cut short
        for line in reversed(lines):
            try:
                row = json.loads(line)
            except ValueError:  # the first line of the portion lacks its beginning
                return None
            if key in row:
                return row
        return None


@lru_cache(maxsize=8)
def _settings(path: Path, modified: int) -> Any:
    """Reading YAML takes long enough to be noticed if it were done at every refresh."""
    from dints.config import Config  # needs PyYAML, which may not be installed yet

    return Config.load(path)
