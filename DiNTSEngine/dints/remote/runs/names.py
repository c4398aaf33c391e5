"""What stands for what on the other computer: numbers for cases, folders for those of here."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any


class Names:
    """Puts the names of here into texts of there.

    Args:
        names: what they are here, by what they are called there.
        folder: of the run there, which is before some of them.
    """

    def __init__(self, names: Mapping[str, str], folder: str = "") -> None:
        self._names, self._folder = dict(names), folder

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        longest_first = sorted(self._names, key=len, reverse=True)
        return re.compile("|".join(rf"(?<![\w.-]){re.escape(name)}(?!\w)" for name in longest_first))

    def text(self, text: str) -> str:
        """A text with the names of here."""
        text = text.replace(f"{self._folder}/", "") if self._folder else text
        return self._pattern.sub(lambda match: self._names[match[0]], text) if self._names else text

    def value(self, value: Any) -> Any:
        """Plain values, keys included."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(key): self.value(own) for key, own in value.items()}
        return [self.value(own) for own in value] if isinstance(value, list | tuple) else value

    def file(self, path: Path) -> None:
        """Rewrites a table or a JSON file that is not yet in its place."""
        if path.name.endswith(".json"):
            path.write_text(
                json.dumps(self.value(json.loads(path.read_text(encoding="utf-8"))), indent=1) + "\n", "utf-8"
            )
        elif path.name.endswith(".csv"):
            rows = csv.reader(io.StringIO(path.read_text(encoding="utf-8"), newline=""))
            with path.open("w", encoding="utf-8", newline="") as file:
                csv.writer(file, lineterminator="\n").writerows([[self.text(cell) for cell in row] for row in rows])
