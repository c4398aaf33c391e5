"""What stands for what on the other computer: numbers for cases, folders for those of here."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from dints.errors import InputError, brief

THERE = re.compile(  # all that stands for something of here
    r"(?<![\w.-])(?:(?:run|data)-[0-9a-f]{16}(?:/(?:images|labels)/case-\d{5,}(?:_\d{4})?\.mha)?|case-\d{5,})(?!\w)"
)
CHANNEL = re.compile(r"_\d{4}\.mha$")


def below(folder: Path, path: Any) -> Path:
    """A path that another computer gave, with / between its parts. InputError if it leads out of the folder."""
    parts = PurePosixPath(path).parts if isinstance(path, str) else ()
    if not parts or any(part in ("..", "/") or Path(part).parts != (part,) or Path(part).drive for part in parts):
        raise InputError(f"{brief(path)}: is no path within the run; it is left alone")
    return folder.joinpath(*parts)


class Names:
    """Puts the names of here into texts of there.

    Args:
        names: what they are here, by what they are called there.
        folder: of the run there, which is before some of them.
    """

    def __init__(self, names: Mapping[str, str], folder: str = "") -> None:
        self._names, self._folder = dict(names), folder

    def text(self, text: str) -> str:
        """A text with the names of here."""
        text = text.replace(f"{self._folder}/", "") if self._folder else text
        return THERE.sub(lambda match: self._here(match[0]), text)

    def _here(self, name: str) -> str:
        """A name of here; each channel there may be one of a file here."""
        first = CHANNEL.sub("_0000.mha", name)
        return self._names.get(name, self._names.get(first, name))

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
