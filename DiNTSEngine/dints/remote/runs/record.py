"""What is kept here of a run on another computer: RUN/remote.json."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from dints.errors import InputError, brief
from dints.files.storage import read_json, write_json

FORMAT = 1


@dataclass
class AwayRecord:
    """Where it is, what stands for what there, and how much of it is here.

    Attributes:
        host: its name.
        identity: of the run there.
        data: the data set here, as it was given.
        names: what they are here, by what they are called there.
        cases: files of each case here when they were sent, as `dints.data.record` keeps them.
        sent: checksums of what went there for a run that was not begun.
        at: bytes of each job's events that were told.
        fetched: size and time of change there of each file that is here.
        folder: of the run there; "" until it was begun.
    """

    host: str
    identity: str
    data: str
    names: dict[str, str]
    cases: dict[str, list[dict[str, Any]]]
    sent: list[str] = field(default_factory=list)
    at: dict[str, int] = field(default_factory=dict)
    fetched: dict[str, list[int]] = field(default_factory=dict)
    folder: str = ""

    @staticmethod
    def read(path: Path) -> AwayRecord:
        """InputError if the file is damaged."""
        values = read_json(path)
        try:
            if values.pop("format") != FORMAT:
                raise ValueError("another format")
            return AwayRecord(**values)
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            remedy = "restore it, or make what came home a run of this computer with `dints stop RUN --forget`"
            raise InputError(f"{path}: is damaged ({brief(error)}); {remedy}") from error

    def write(self, path: Path) -> None:
        """Atomically."""
        write_json(path, {"format": FORMAT, **asdict(self)})
