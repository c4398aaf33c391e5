"""The growing log of a search or retraining, read as far as it has come.

`dints.training.log.read_log` reads a whole log; a panel that draws every second needs the new rows only, in portions
that do not hold up the window.
"""

from __future__ import annotations

import json
from pathlib import Path

BYTES_A_TURN = 256 * 1024  # about 1,000 rows, read in a few milliseconds

Points = tuple[list[float], list[float]]


class LogTail:
    """The numbers of a log by name; `read` takes the next portion."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._restart(None)

    def read(self) -> bool:
        """Reads the next whole rows; True if there were any. A log that was replaced is read anew."""
        if not self.path.is_file():
            changed = bool(self.columns)
            self._restart(None)
            return changed
        status = self.path.stat()
        if status.st_ino != self._file or status.st_size < self._offset:
            self._restart(status.st_ino)
        with self.path.open("rb") as file:
            file.seek(self._offset)
            portion = file.read(BYTES_A_TURN)
        whole = portion[: portion.rfind(b"\n") + 1]
        self._offset += len(whole)
        for line in whole.splitlines():
            self._take(json.loads(line))
        return bool(whole)

    def points(self, name: str) -> Points:
        """Steps and values of the rows that hold a value of this name."""
        return self.columns.get(name, ([], []))

    def _restart(self, file: int | None) -> None:
        self.columns: dict[str, Points] = {}
        self._file = file  # a resumed run replaces its log by one without the steps that it repeats
        self._offset = 0

    def _take(self, row: dict) -> None:
        for name, value in row.items():
            if name != "step" and isinstance(value, int | float):
                steps, values = self.columns.setdefault(name, ([], []))
                steps.append(row["step"])
                values.append(value)
