"""Where a version of a model comes from: its parent, its family, and what each version learned from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from dints.errors import InputError, brief

MOST_VERSIONS = 10_000
ID_DIGITS = 16  # of a model's id
LONGEST_TEXT = 200


@dataclass(frozen=True)
class Lesson:
    """What one version learned from: numbers of cases, when, and how it compared with the version before."""

    version: int
    cases: int  # corrections
    held_out: int  # corrections that it was compared on
    old_cases: int  # of the training before, learned from again
    date: str  # ISO 8601, UTC
    verdict: str = ""


@dataclass(frozen=True)
class Lineage:
    """A model that was trained from the start is version 1 of its own family, which has its id."""

    version: int = 1
    family: str = ""  # id of the first version; "" is the model's own
    parent: str = ""  # id; "" has none
    learned_from: tuple[Lesson, ...] = ()  # of this version and those before, oldest first

    def to_mapping(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self) | {"learned_from": [asdict(lesson) for lesson in self.learned_from]}

    @staticmethod
    def from_mapping(values: Any, source: str) -> Lineage:
        """Reads what `to_mapping` gave; of None, as models of before have it, the lineage of a first version.

        Raises:
            InputError: it is something else.
        """
        if values is None:
            return Lineage()
        try:
            lessons = tuple(_lesson(lesson) for lesson in values["learned_from"])
            version = _count(values["version"])
            if not 1 <= version <= MOST_VERSIONS or len(lessons) > MOST_VERSIONS:
                raise ValueError(f"version {brief(version)}")
            return Lineage(version, _text(values["family"]), _text(values["parent"]), lessons)
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise InputError(f"{source}: its lineage is damaged ({brief(error)}); get the model again") from error


def _lesson(values: Mapping[str, Any]) -> Lesson:
    version, cases, held_out, old = (_count(values[name]) for name in ("version", "cases", "held_out", "old_cases"))
    return Lesson(version, cases, held_out, old, _text(values["date"]), _text(values.get("verdict", "")))


def _count(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"{brief(value)} is no count")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > LONGEST_TEXT:
        raise TypeError(f"{brief(value)} is no short text")
    return value
