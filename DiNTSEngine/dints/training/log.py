"""Writing the log of a search or retraining: one JSON object a line. `dints.run_layout` reads it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dints.files.storage import write_text, writing
from dints.run_layout import read_log


class TrainingLog:
    """One JSON object a line. Rows after the step that a run resumes from are dropped, so that none is there twice.

    Of several processes that train together, one `writes`.
    """

    def __init__(self, path: Path, first_step: int, writes: bool = True) -> None:
        self.path, self.writes = path, writes
        if not writes:
            return
        kept = [row for row in read_log(path) if row["step"] < first_step]
        write_text(path, "".join(json.dumps(row) + "\n" for row in kept))

    def append(self, row: Mapping[str, Any]) -> None:
        """Adds a row; it must hold "step"."""
        if not self.writes:
            return
        with writing(self.path), self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")


def only_numbers(values: Mapping[str, float | None]) -> dict[str, float]:
    """Without what is not defined: for those who show the values."""
    return {name: value for name, value in values.items() if value is not None and not math.isnan(value)}


def defined(value: float) -> float | None:
    """None for NaN, which JSON lacks."""
    return None if math.isnan(value) else value
