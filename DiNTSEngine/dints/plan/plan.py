"""The plan of a run: how long each stage takes, by what was measured, and what was chosen so that it fits its time."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dints.config import Config
from dints.errors import InputError
from dints.events import duration
from dints.files.storage import read_json, write_json
from dints.plan.predict import Stages
from dints.plan.timings import Timings, not_negative
from dints.zoo.catalogue import AnyDesign

FORMAT = 1
STAGE_NAME = re.compile(r"[a-z]+( [a-z]+)*( [0-9]{1,4})?")
DIGITS = 16  # hexadecimal, of what tells configurations apart


@dataclass(frozen=True)
class Plan:
    """What was predicted for one configuration on one device, and how it came to it."""

    device: str
    settings: str  # `settings_key` of the configuration
    timings: Timings
    stages: Stages
    hours: float | None = None  # that were given; None is as long as the settings take
    chosen: tuple[str, ...] = ()  # sentences: what, and why
    left_out: tuple[str, ...] = ()  # of the paper

    @property
    def seconds(self) -> float:
        """Of all stages."""
        return sum(self.stages.values())

    def to_mapping(self) -> dict[str, Any]:
        """Plain values, as JSON holds them."""
        lists = {"chosen": list(self.chosen), "left_out": list(self.left_out), "timings": self.timings.to_mapping()}
        return {"format": FORMAT} | vars(self) | lists

    def save(self, path: Path) -> None:
        """Writes it as JSON, atomically."""
        write_json(path, self.to_mapping())

    @staticmethod
    def load(path: Path) -> Plan:
        """Inverse of `save`. InputError if the file is something else."""
        values = read_json(path)
        try:
            if values["format"] != FORMAT:
                raise ValueError
            hours = values["hours"]
            return Plan(
                device=str(values["device"]),
                settings=str(values["settings"]),
                timings=Timings.from_mapping(values["timings"], str(path)),
                stages={_stage(name): not_negative(seconds) for name, seconds in values["stages"].items()},
                hours=None if hours is None else not_negative(hours),
                chosen=tuple(map(str, values["chosen"])),
                left_out=tuple(map(str, values["left_out"])),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(f"{path}: is no plan of this version; delete the file, and a new one is made") from error


def _stage(name: str) -> str:
    """ValueError if it can be that of no stage."""
    if not STAGE_NAME.fullmatch(name):
        raise ValueError
    return name


def settings_key(config: Config, design: AnyDesign | None) -> str:
    """What tells configurations and architectures apart whose times differ."""
    values = [config.to_mapping(), design.to_mapping() if design else None]
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:DIGITS]


def lines(stages: Mapping[str, float], memory: Mapping[str, str]) -> list[str]:
    """A table of stages with time and memory; all folds are one line.

    Args:
        memory: in words, by the first word of a stage.
    """
    rows = [
        (name, duration(seconds), memory.get(name.split()[0].rstrip(","), "")) for name, seconds in _grouped(stages)
    ]
    rows += [("all", duration(sum(stages.values())), "")]
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    return [f"{name:<{widths[0]}}  {time:>{widths[1]}}  {needed}".rstrip() for name, time, needed in rows]


def _grouped(stages: Mapping[str, float]) -> Sequence[tuple[str, float]]:
    """Stages of several folds as one."""
    grouped: dict[str, list[float]] = {}
    for name, seconds in stages.items():
        kind, _, fold = name.partition(" fold ")
        grouped.setdefault(kind if fold else name, []).append(seconds)
    return [(name if len(each) == 1 else f"{name}, {_of_folds(each)}", sum(each)) for name, each in grouped.items()]


def _of_folds(seconds: Sequence[float]) -> str:
    """Their number, and what each takes if that is the same: a fold that was begun takes less."""
    alike = duration(min(seconds)) == duration(max(seconds))
    return f"{len(seconds)} folds" + (f" of {duration(seconds[0])}" if alike else "")
