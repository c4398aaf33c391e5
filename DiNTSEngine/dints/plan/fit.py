"""Settings that make a run fit the time that it is given, by the rules of docs/time.md; ours, not the paper's."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from dints.config import Config
from dints.cost.memory import retraining_cost
from dints.errors import InputError
from dints.events import SECONDS_AN_HOUR, duration
from dints.plan.extents import Extent
from dints.plan.ladder import FEW_FILTERS, LADDER, changed, on_rung, patch_steps
from dints.plan.passes import has_all_steps, largest_batch, useful_steps
from dints.plan.predict import CACHE, CHECK, evaluation_seconds, predict, race_seconds, search_seconds
from dints.plan.timings import Timings
from dints.plan.validations import seconds_for, steps_within, validations
from dints.plan.words import excess, left_out, long_search, reasons, spared
from dints.zoo.catalogue import U_SHAPE, AnyDesign, find_design, require_fit

FEWEST_STEPS = 1500  # of a fold, which a network on the ladder must get; 500 left Dice to gain (studies/recipe)
WIDE_STEPS = 5000  # of a fold, which a network of many filters must get; a judgement, with fewer they gained nothing
FEWER_STEPS = 500  # of a fold on the last rung, before there are fewer folds
LEAST_STEPS = 100  # of a fold on the last rung: with fewer nothing is learned
FOLDS = (5, 3, 2)
SEARCH_STEPS = 1000  # fewest of a supernet that is to propose anything
SEARCH_FILTERS = (16, 8, 4)
GROWTH_OF_WIDER = 2  # at least so much longer takes a supernet of twice the filters
SEARCH_SHARE = 1 / 3  # of the time, for search and race together
EVALUATION_SHARE = 0.15  # of the time; windows overlap less where it does not suffice
OVERLAPS = (0.625, 0.5, 0.25)
CHECKPOINTS = 20  # of a stage
SPARE_SHARE = 0.1  # of the time, which is mentioned if it is not needed
SAFETY = 0.95  # of the time is planned with
RACE_CASES = 8  # that rank candidates
MEBIBYTE = 2**20


class Measure(Protocol):
    """Seconds of the parts of a run, as `dints.plan.measure.Meter` gives them."""

    def __call__(self, config: Config, design: AnyDesign | None = None, searching: bool = True) -> Timings: ...

    def rough(self, config: Config, design: AnyDesign) -> Timings: ...


@dataclass(frozen=True)
class Fit:
    """Settings, what they are predicted to take, and why they are what they are."""

    config: Config
    timings: Timings
    chosen: tuple[str, ...]
    left_out: tuple[str, ...]


@dataclass(frozen=True)
class _Task:
    """What settings are to fit."""

    base: Config
    cases: Sequence[Extent]
    seconds: float
    measure: Measure
    fixed: Collection[str]
    architecture: str  # name or file of the one that is given; "" if there is none

    def design(self, config: Config) -> AnyDesign:
        """The network whose time is planned with: that which is given, else a U shape."""
        return find_design(self.architecture or U_SHAPE, config.search.space)

    @property
    def asks_for_search(self) -> bool:
        """Whether settings were given that mean nothing without a search."""
        search, race = self.base.search, self.base.race
        asking = {
            "search.architecture": not search.architecture,
            "search.iterations": True,
            "search.seconds": search.seconds > 0,
            "race.enabled": race.enabled,
        }
        return any(asks for key, asks in asking.items() if key in self.fixed)

    def enough(self, steps: int) -> int:
        """How many steps a fold must get: those that were given, or `steps`."""
        given = self.base.training.iterations
        return given if "training.iterations" in self.fixed else min(steps, given)

    def change(self, config: Config, **changes: object) -> Config:
        """Settings as section__key=value, but for those that are fixed."""
        return changed(config, {key.replace("__", "."): value for key, value in changes.items()}, self.fixed)


def fit(
    base: Config,
    cases: Sequence[Extent],
    hours: float,
    measure: Measure,
    fixed: Collection[str] = (),
    architecture: str = "",
) -> Fit:
    """Settings that fit `hours`: the paper's own if all of it fits, else the short recipe on a rung of the ladder.

    Args:
        base: settings derived from the data, all else as in the paper.
        cases: the labelled ones that search and training may see.
        fixed: settings, "section.key", that were given and stay as they are.
        architecture: name or file of one that is given, so that nothing is searched.

    Raises:
        InputError: even the smallest network learns nothing in that time.
    """
    architecture = architecture or base.search.architecture
    task, given = _Task(base, cases, hours * SECONDS_AN_HOUR * SAFETY, measure, fixed, architecture), bool(architecture)
    require_fit(task.design(base), base.sampling.patch)
    whole = _whole(task, given)
    if isinstance(whole, Fit):
        return whole
    config = None if given else _with_search(task)
    searching = config is not None
    if config is None:
        config = next(_rungs(task, 1.0))
        config = config if given else task.change(config, search__architecture=U_SHAPE)
    config, timings = _with_steps(task, config, searching)
    design = task.design(config)
    by_scans = config.training.filters >= FEW_FILTERS and has_all_steps(config, task.cases, timings)
    why = reasons(base, config, design, hours, whole, searching=searching, given=given, by_scans=by_scans)
    stages = predict(config, cases, timings, given=not searching)
    less = left_out(base, config, task.design(base), design)
    said = (*why, *long_search(stages, SEARCH_SHARE * task.seconds))
    said += _balance(task, config, timings, sum(stages.values()))
    return Fit(config, timings, said, less)


def _whole(task: _Task, given: bool) -> Fit | float:
    """All of the paper if it fits, else the seconds that it takes at least."""
    base = task.base
    design = task.design(base)
    least = sum(predict(base, task.cases, task.measure.rough(base, design), given=True).values())
    if least > task.seconds:
        return least
    timings = task.measure(base, design if given or base.race.enabled else None, searching=not given)
    seconds = sum(predict(base, task.cases, timings, given).values())
    if seconds > task.seconds:
        return seconds
    fits = f"All of the paper's settings fit: they take {duration(seconds)} here."
    return Fit(base, timings, (fits,), ())


def _rungs(task: _Task, share: float) -> Iterator[Config]:
    """From the first rung on which every fold gets enough steps in a share of the time; the last one if on none."""
    steps = patch_steps(task.base.search.space, task.design(task.base), task.base.sampling.patch)
    has_time, last = False, None
    for rung in LADDER:
        config = _overlapping(task, _batched(task, on_rung(task.base, rung, task.fixed, steps)))
        has_time = has_time or _has_enough_steps(task, config, share)
        if (has_time or rung is LADDER[-1]) and config != last:  # as all are where all settings were given
            last = config
            yield config


def _batched(task: _Task, config: Config) -> Config:
    """With smaller batches where the data are few."""
    most = largest_batch(config, task.cases, task.measure.rough(config, task.design(config)))
    training, search = min(most, config.training.batch_size), min(most, config.search.batch_size)
    return task.change(config, training__batch_size=training, search__batch_size=search)


def _has_enough_steps(task: _Task, config: Config, share: float) -> bool:
    """Whether a fold gets enough steps in a share of the time: of a wide network, many more and all that are of use."""
    steps = _steps(task, config, share)
    if config.training.filters <= FEW_FILTERS or "training.filters" in task.fixed:
        return steps >= task.enough(FEWEST_STEPS)
    useful = useful_steps(config, task.cases, task.measure.rough(config, task.design(config)))
    return steps >= task.enough(useful) >= task.enough(WIDE_STEPS)


def _steps(task: _Task, config: Config, share: float) -> float:
    """How many steps of a fold there is time for."""
    timings = task.measure.rough(config, task.design(config))
    stages = predict(config, task.cases, timings, given=True)
    before = stages[CHECK] + stages[CACHE] + evaluation_seconds(config, task.cases, timings)
    return steps_within(config, task.cases, timings, (task.seconds * share - before) / config.training.folds)


def _overlapping(task: _Task, config: Config) -> Config:
    """With less overlap of the windows where evaluation would take too much of the time."""
    timings = task.measure.rough(config, task.design(config))
    changed_config = config
    for overlap in OVERLAPS:
        if evaluation_seconds(changed_config, task.cases, timings) <= EVALUATION_SHARE * task.seconds:
            break
        if overlap < config.inference.overlap or config.inference.stride:
            changed_config = task.change(config, inference__overlap=overlap, inference__stride=None)
    return changed_config


def _with_search(task: _Task) -> Config | None:
    """With the widest supernet, and a race, that their share of the time allows beside the network of its rest.

    None if there is no time for it. Where a search is asked for, the network gives way instead, down to the last rung,
    and there the thinnest supernet takes the time that it takes.
    """
    thinnest = None
    for rung in _rungs(task, 1 - SEARCH_SHARE):
        thinnest = task.change(
            rung,
            search__filters=min(*SEARCH_FILTERS, task.base.search.filters),
            search__iterations=min(SEARCH_STEPS, task.base.search.iterations),
            race__enabled=not task.base.search.seconds,  # of which a race knows nothing
            race__neighbours=0,
            race__validation_cases=RACE_CASES,
        )
        found = _widened(task, thinnest)
        if found or not task.asks_for_search:
            return found
    return thinnest and _for_race(task, thinnest)


def _widened(task: _Task, config: Config) -> Config | None:
    """With a wider supernet and more steps, as their share of the time allows; None if that is too short as it is."""
    design, share = task.design(config), task.seconds * SEARCH_SHARE
    if _race(task, config, task.measure.rough(config, design)) > share:
        return None  # without measuring the supernet
    config, found = _for_race(task, config), None
    for filters in sorted(SEARCH_FILTERS):
        wider = task.change(config, search__filters=min(filters, task.base.search.filters))
        timings = task.measure(wider, design)
        left = share - _race(task, wider, timings)
        searching = search_seconds(wider, timings) * (wider.race.seeds if wider.race.enabled else 1)
        if searching > left:
            break
        steps = int(wider.search.iterations * left / searching)
        found = task.change(wider, search__iterations=min(steps, task.base.search.iterations))
        if searching > left / GROWTH_OF_WIDER:
            break
    return found


def _for_race(task: _Task, config: Config) -> Config:
    """With the memory of the network for which there is time."""
    memory = retraining_cost(task.design(config), config).training_memory / MEBIBYTE
    return task.change(config, race__memory=memory)


def _race(task: _Task, config: Config, timings: Timings) -> float:
    return sum(race_seconds(config, task.cases, timings).values()) if config.race.enabled else 0.0


def _with_steps(task: _Task, config: Config, searching: bool) -> tuple[Config, Timings]:
    """With as many steps as the rest of the time allows, and validations between them; measured as they are.

    InputError if they are too few to learn anything.
    """
    timings = task.measure(config, task.design(config), searching)
    stages = predict(config, task.cases, timings, given=not searching)
    others = sum(seconds for name, seconds in stages.items() if not name.startswith("train "))

    def steps_of(folds: int) -> int:
        return int(steps_within(config, task.cases, timings, (task.seconds - others) / folds))

    fewer = [folds for folds in FOLDS if folds <= config.training.folds]
    fitting = [folds for folds in fewer if steps_of(folds) >= task.enough(FEWER_STEPS)]
    config = task.change(config, training__folds=max(fitting, default=min(FOLDS)))
    folds = config.training.folds
    steps = steps_of(folds)
    if steps < LEAST_STEPS and "training.iterations" not in task.fixed:
        evaluation = evaluation_seconds(config, task.cases, timings)
        rest = others - evaluation + folds * seconds_for(config, task.cases, timings, LEAST_STEPS)
        needed = max(rest + evaluation, rest / (1 - EVALUATION_SHARE)) / SAFETY  # with more time windows overlap more
        reason = f"leave {max(0, steps)} steps for each of {folds} folds, too few to learn anything"
        remedy = f"give at least {duration(needed, math.ceil)}, or fewer cases"
        raise InputError(f"{duration(task.seconds / SAFETY)} {reason}; {remedy}")
    steps = min(steps, useful_steps(config, task.cases, timings), task.base.training.iterations)
    times, count = validations(config, task.cases, timings, (task.seconds - others) / folds)
    config = task.change(
        config,
        training__iterations=steps,
        training__validate_every=max(1, -(-steps // times)),
        training__validation_cases=0 if count >= len(task.cases) / folds else count,
        training__checkpoint_every=max(1, steps // CHECKPOINTS),
        search__checkpoint_every=max(1, config.search.iterations // CHECKPOINTS),
    )
    return config, timings


def _balance(task: _Task, config: Config, timings: Timings, seconds: float) -> tuple[str, ...]:
    """Says where all of it takes longer than the time, for what was given, or less, as more would be of no use."""
    if seconds > task.seconds / SAFETY:
        return excess(task.fixed, seconds)
    spare = task.seconds - seconds
    return spared(spare) if spare > SPARE_SHARE * task.seconds and has_all_steps(config, task.cases, timings) else ()
