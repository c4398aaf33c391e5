"""How far a race is, at any moment: its candidates, and the Dice of each at the end of its heats.

The standings tell which candidates there are, the logs of their trainings how far they are. Needs no PyTorch.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dints.errors import InputError
from dints.files.storage import read_json
from dints.run_layout import LogReader, Points, RaceFiles


@dataclass(frozen=True)
class Racer:
    """A candidate in its race.

    Attributes:
        origin: where it comes from, in words.
        filters: its width; None if it was not given.
        steps: that it has trained.
        dice: at the end of each of its heats, {steps: Dice}, on cases that its training does not see.
    """

    name: str
    origin: str
    filters: int | None
    steps: int
    dice: dict[int, float]

    @property
    def curve(self) -> Points:
        """Steps and Dice."""
        return list(self.dice), list(self.dice.values())


class RaceReader:
    """A race that may be under way; only what is new in its logs is read."""

    def __init__(self, files: RaceFiles) -> None:
        self.files = files
        self._logs: dict[str, LogReader] = {}
        self._standings: tuple[int, list[dict[str, Any]]] = (0, [])  # time of change and rows

    def racers(self) -> list[Racer]:
        """All candidates, the present leader first; none before the race.

        Raises:
            InputError: the standings cannot be read.
        """
        path = self.files.standings
        changed = path.stat().st_mtime_ns if path.is_file() else 0
        if changed != self._standings[0]:
            self._standings = changed, _standings(path)
        found = (self._racer(row) for row in self._standings[1])
        return sorted(found, key=lambda one: (-len(one.dice), -max(one.dice.items(), default=(0, 0.0))[1], one.name))

    def _racer(self, row: dict[str, Any]) -> Racer:
        log = self._logs.setdefault(row["name"], LogReader(self.files.candidate(row["name"]).log))
        log.read_all()
        steps, values = log.points("mean_dice")
        dice = {step + 1: value for step, value in zip(steps, values, strict=True)}
        return Racer(row["name"], row["origin"], row.get("filters"), log.steps, dice)


def heat_ends(racers: Iterable[Racer]) -> list[int]:
    """Steps at the ends of the heats that anybody has finished."""
    return sorted({steps for racer in racers for steps in racer.dice})


def heat_of(racer: Racer, ends: Iterable[int]) -> int:
    """Number of the heat that a candidate has reached, from 1; 0 before its first step."""
    return 1 + sum(end < racer.steps for end in ends) if racer.steps else 0


def _standings(path: Path) -> list[dict[str, Any]]:
    """Rows of the file."""
    rows = read_json(path)
    if not isinstance(rows, list) or not all(_is_standing(row) for row in rows):
        raise InputError(f"{path}: is damaged (it holds no standings of a race); restore it or run the search again")
    return rows


def _is_standing(row: Any) -> bool:
    """Whether a row names a candidate; a name is that of a folder beside the file."""
    if not isinstance(row, dict) or not all(isinstance(row.get(key), str) for key in ("name", "origin")):
        return False
    name, filters = row["name"], row.get("filters")
    is_folder = name == Path(name).name and name not in ("", "..")
    return is_folder and (filters is None or isinstance(filters, int))
