"""Tables of the study, as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from dints.files.storage import write_text
from dints.run_layout import read_log

EVERY = 10  # of the rows of a log, the study keeps one


def write_csv(path: Path, header: Sequence[object], lines: Iterable[Sequence[object]]) -> None:
    """Writes the header and the lines, atomically."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *lines])
    write_text(path, text.getvalue())


def write_log(source: Path, target: Path) -> None:
    """The log of a search or a training as CSV, thinned."""
    rows = thinned(read_log(source))
    names = list(dict.fromkeys(name for row in rows for name in row))
    lines = [[row[name] if row.get(name) is not None else "" for name in names] for row in rows]
    write_csv(
        target, names, [[f"{value:.6g}" if isinstance(value, float) else value for value in line] for line in lines]
    )


def thinned(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Every tenth row, the last one, and those of validations."""
    last = len(rows) - 1
    return [row for number, row in enumerate(rows) if number % EVERY == 0 or number == last or "mean_dice" in row]
