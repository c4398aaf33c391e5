"""Races: candidates are ranked by real short trainings in successive halving (Jamieson and Talwalkar, 2016).

The supernet proposes; what it cannot tell apart is settled by training. All candidates train from random weights with
the same seeds and patches and under one schedule, that of the last heat; at the end of each heat the better part of
them goes on from where it is. So most of the time goes into the few that are hard to tell apart. What the first part of
a schedule says of its end is far more than a whole short training does (`studies/ranking`).

Nothing of the race is random, and each training keeps its own checkpoints: an interrupted race goes on where it was.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from dints.config import RaceConfig
from dints.errors import InputError, RunError
from dints.events import Reporter
from dints.files.storage import write_json
from dints.process_group import is_main_process
from dints.run_layout import RaceFiles
from dints.training.log import defined
from dints.zoo.catalogue import AnyDesign

STAGE, NEAR_STAGE = "race", "race of neighbours"


@dataclass(frozen=True)
class Candidate:
    """An architecture with the width that the budget allows, and where it comes from."""

    name: str  # of its folder
    origin: str
    design: AnyDesign


@dataclass(frozen=True)
class Training:
    """One candidate's training in one heat."""

    candidate: Candidate
    steps: int  # at the end of the heat, from the start of the training
    schedule: int  # steps of the whole schedule, that of the last heat
    folder: Path  # of all heats of the candidate


@dataclass(frozen=True)
class Standing:
    """How a candidate stood after the longest training that it took part in."""

    candidate: Candidate
    steps: int
    dice: float  # on cases that the training did not see; NaN if it failed


Train = Callable[[Sequence[Training]], Sequence[float]]


def race(
    candidates: Sequence[Candidate],
    settings: RaceConfig,
    folder: Path,
    train: Train,
    reporter: Reporter,
    holder: Candidate | None = None,
) -> list[Standing]:
    """The standings of all candidates, the winner first; `standings.json` has them as they are known, from the start.

    Args:
        holder: one of the candidates, in every heat wherever it stands, unless it fails: who is to replace it must beat
            it at the end.
        folder: of the trainings and standings.
        train: trains all of a heat and gives their Dice, in order; called once a heat.

    Raises:
        InputError: there is no candidate, or two of one name.
        RunError: no candidate has a Dice at the end of the first heat.
    """
    if not candidates:
        remedy = "raise race.memory or race.seconds, or choose fewer layers"
        raise InputError(f"the race has no candidate: nothing fits the budget; {remedy}")
    names = [candidate.name for candidate in candidates]
    if len(set(names)) < len(names):
        raise InputError(f"two candidates are called {max(names, key=names.count)}; give each a name of its own")
    heats = plan_heats(len(candidates), settings)
    schedule = heats[-1][1]
    files = RaceFiles(folder)
    standings: dict[str, Standing] = {}
    running = list(candidates)
    _write(files, [Standing(candidate, 0, math.nan) for candidate in candidates])
    for number, (size, steps) in enumerate(heats):
        running = _going_on(running, size, holder)
        trainings = [
            Training(candidate, steps, schedule, files.candidate(candidate.name).folder) for candidate in running
        ]
        for training, dice in zip(trainings, train(trainings), strict=True):
            standings[training.candidate.name] = Standing(training.candidate, steps, dice)
        ranked = ranking(list(standings.values()))
        running = [one.candidate for one in ranked if one.steps == steps and not math.isnan(one.dice)]
        _write(files, ranked)
        reporter.result("standings", heat=number + 1, heats=len(heats), rows=[_row(standing) for standing in ranked])
        if not running:
            break
    if math.isnan(ranked[0].dice):
        raise RunError(
            "no candidate of the race has a Dice: each failed, as warned of, or nothing is labelled in the cases that "
            "rank them; check the data with `dints check`, or start a new run with other settings"
        )
    return ranked


def _write(files: RaceFiles, standings: Sequence[Standing]) -> None:
    """Of several processes that train together, the first writes."""
    if is_main_process():
        write_json(files.standings, [_row(standing) for standing in standings])


def _going_on(ranked: list[Candidate], size: int, holder: Candidate | None) -> list[Candidate]:
    """The first `size`, the last of them in favour of the holder if that stands behind them."""
    going_on = ranked[:size]
    return going_on if holder is None or holder not in ranked[size:] else [*going_on[:-1], holder]


def plan_heats(candidates: int, settings: RaceConfig) -> list[tuple[int, int]]:
    """(number of candidates, steps of each) heat by heat, until one is left that is ahead of a last rival."""
    heats, size, steps = [], candidates, settings.steps
    while True:
        heats.append((size, steps))
        if size <= 2 or len(heats) == settings.heats:
            return heats
        size, steps = max(2, math.ceil(size / settings.growth)), round(steps * settings.growth)


def near_settings(settings: RaceConfig) -> RaceConfig:
    """Of the leader's race against its neighbours: two longer heats."""
    return replace(settings, steps=round(settings.steps * settings.growth), heats=2)


def steps_of(heats: Sequence[tuple[int, int]]) -> int:
    """Of all trainings of the heats, which go on from one heat to the next."""
    before, steps = 0, 0
    for size, until in heats:
        steps, before = steps + size * (until - before), until
    return steps


def ranking(standings: Sequence[Standing]) -> list[Standing]:
    """Longer trainings first, then higher Dice; whoever failed comes last, and names settle what is equal."""

    def key(one: Standing) -> tuple[bool, int, float, str]:
        failed = math.isnan(one.dice)
        return failed, -one.steps, 0.0 if failed else -one.dice, one.candidate.name

    return sorted(standings, key=key)


def _row(standing: Standing) -> dict[str, object]:
    design = standing.candidate.design
    return {
        "name": standing.candidate.name,
        "origin": standing.candidate.origin,
        "filters": design.filters,
        "steps": standing.steps,
        "dice": defined(standing.dice),
        "architecture": design.to_mapping(),
    }
