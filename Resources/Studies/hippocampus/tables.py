"""Tables of the study, as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from dints.storage import write_text


def write_csv(path: Path, header: Sequence[object], lines: Iterable[Sequence[object]]) -> None:
    """Writes the header and the lines, atomically."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *lines])
    write_text(path, text.getvalue())
