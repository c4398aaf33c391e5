"""Plans of data sets and runs: measured, made to fit a time, or taken from where they were kept."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from dints.config import Config, RaceConfig, stated_keys
from dints.config.settings import parts_of
from dints.data.cases import Case
from dints.data.check import CheckResult, check
from dints.data.datalist import DataList
from dints.device import device_name, speed_name
from dints.errors import InputError
from dints.evaluation.evaluate import read_scores
from dints.events import Reporter
from dints.files.storage import read_json, write_json
from dints.plan.extents import Extent, extents, stored_extents, typical
from dints.plan.fit import fit
from dints.plan.measure import Meter
from dints.plan.plan import Plan, settings_key
from dints.plan.predict import (
    CACHE,
    CHECK,
    RACE,
    RACE_OF_NEIGHBOURS,
    SEARCH,
    Stages,
    courses,
    evaluation_stage,
    predict,
    training_stage,
)
from dints.run import Run
from dints.run_layout import LogReader, RaceFiles
from dints.search.race import near_settings, plan_heats, steps_of
from dints.search.race_state import RaceReader
from dints.zoo.catalogue import U_SHAPE, AnyDesign, find_design


@dataclass(frozen=True)
class TimeLimit:
    """The time that a run is given, where it works, and the architecture that is there already, if one is."""

    hours: float
    device: torch.device
    architecture: str = ""  # a name of the zoo, or a file


def fixed_settings(config_source: str | None, overrides: Sequence[str]) -> set[str]:
    """Settings, "section.key", that a file or a command line names: no plan changes them."""
    named = {parts_of(override)[0] for override in overrides}
    return named | (stated_keys(config_source) if config_source else set())


def fit_data(
    datalist: DataList,
    result: CheckResult,
    config: Config,
    limit: TimeLimit,
    fixed: set[str],
    path: Path,
    reporter: Reporter,
) -> Config:
    """Settings with which a run on checked data fits its time; their plan is kept in a file, `path`.

    Args:
        fixed: settings, "section.key", that stay as they are in `config`.

    Raises:
        InputError: the time is too short for anything.
    """
    names = {case.name for case in datalist.cases} - set(datalist.held_out)
    sizes = extents(result.cases, names)
    with meter(datalist.cases, sizes, config, limit.device, reporter) as measure:
        found = fit(config, sizes, limit.hours, measure, fixed, limit.architecture)
    design = find_design(limit.architecture, found.config.search.space) if limit.architecture else None
    given = bool(design or found.config.search.architecture)
    plan = Plan(
        device=speed_name(limit.device),
        settings=_key(found.config, design),
        timings=found.timings,
        stages=predict(found.config, sizes, found.timings, given),
        hours=limit.hours,
        chosen=found.chosen,
        left_out=found.left_out,
    )
    plan.save(path)
    return found.config


def meter(
    cases: Sequence[Case], sizes: Sequence[Extent], config: Config, device: torch.device, reporter: Reporter
) -> Meter:
    """Measures on the case of typical size. InputError if there is none."""
    if not sizes:
        raise InputError("no labelled case is left to plan with; give cases with labels")
    reporter.message(f"Measuring how long this takes on {device_name(device)}, about a minute at most")
    chosen = typical(sizes)
    case = next(case for case in cases if case.name == chosen.name)
    return Meter(case, chosen, config, device)


def plan_run(run: Run, device: torch.device, reporter: Reporter) -> Plan:
    """The plan of a run with its present architecture: that which is kept in it, or a new one, which is kept then.

    Of a run that is done nothing is measured again.
    """
    design = run.architecture() if run.architecture_file.is_file() else None
    key, name = _key(run.config, design), speed_name(device)
    kept = kept_plan(run.plan_file, reporter)
    if kept and ((kept.settings, kept.device) == (key, name) or not rest_of(run, kept)):
        return kept
    plan = _measured(run, design, device, key, reporter)
    if kept:  # the same run further on, or on another device: what it began with stays
        plan = replace(plan, hours=kept.hours, chosen=kept.chosen, left_out=kept.left_out)
    plan.save(run.plan_file)
    return plan


def _key(config: Config, design: AnyDesign | None) -> str:
    """What a plan holds for; an architecture that the settings name is part of them."""
    return settings_key(config, None if config.search.architecture else design)


def kept_plan(path: Path, reporter: Reporter) -> Plan | None:
    """What was kept; None, with a warning, if it cannot be read."""
    if not path.is_file():
        return None
    try:
        return Plan.load(path)
    except InputError as error:
        reporter.warning(str(error))
        return None


def rest_of(run: Run, plan: Plan, folds: Sequence[int] | None = None) -> Stages:
    """What of the stages is still to be done; of training and scoring only that of `folds`, if they are given.

    Whatever has begun to learn has its cache.
    """
    states, evaluated = run.states, _evaluated(run)
    left = {name: seconds * (1 - done) for name, seconds in plan.stages.items() if (done := _done(run, plan, name)) < 1}
    for fold, state in enumerate(states):
        wanted = folds is None or fold in folds
        stage, evaluation = training_stage(fold), evaluation_stage(fold)
        if stage in left:
            left[stage] *= 0.0 if state.finished or not wanted else 1 - state.step / state.total
        if not wanted or (fold in evaluated and state.finished):
            left.pop(evaluation, None)
    if run.search_state(1).started or any(state.started or state.finished for state in states):
        left.pop(CACHE, None)
    return {name: seconds for name, seconds in left.items() if seconds}


def _done(run: Run, plan: Plan, stage: str) -> float:
    """Which share of the seconds of a stage before the training has passed; 0 of later ones."""
    kind, race = stage.split()[0], run.config.race
    if stage == CHECK or (kind in (SEARCH, RACE) and run.architecture_file.is_file()):
        return 1.0
    if course := courses(run.config, plan.timings).get(stage):
        number = int(stage.removeprefix(SEARCH) or 1)
        log = LogReader((run.search if number == 1 else run.further_search(number)).log)
        log.read_all()
        return course(min(1.0, log.steps / run.config.search.iterations))
    if stage == RACE:
        return _raced(run.race, race)
    return _raced(run.race.near, near_settings(race)) if stage == RACE_OF_NEIGHBOURS else 0.0


def _raced(files: RaceFiles, settings: RaceConfig) -> float:
    """Which share of the steps of a race is done; 0 of one that cannot be read, which begins anew."""
    with suppress(InputError):
        racers = RaceReader(files).racers()
        steps = steps_of(plan_heats(len(racers), settings))
        return min(1.0, sum(racer.steps for racer in racers) / steps) if racers else 0.0
    return 0.0


def _evaluated(run: Run) -> set[int | None]:
    """Folds whose scores can be read; those of later ones are yet to come."""
    with suppress(InputError):
        return {row.fold for row in read_scores(run.evaluation_folder).rows}
    return set()


def expected_design(config: Config) -> AnyDesign | None:
    """What a run will probably retrain, before that is known; None is what the search aims at."""
    name = config.search.architecture or (U_SHAPE if config.race.enabled else "")
    return find_design(name, config.search.space) if name else None


def _measured(run: Run, design: AnyDesign | None, device: torch.device, key: str, reporter: Reporter) -> Plan:
    cases, settings = run.cases, run.config.training
    if not run.check_file.is_file():
        write_json(run.check_file, check(run.datalist, settings.folds, reporter, settings.seed).to_mapping())
    sizes = stored_extents(read_json(run.check_file), cases.keys(), str(run.check_file))
    given = design is not None or bool(run.config.search.architecture)
    with meter(list(cases.values()), sizes, run.config, device, reporter) as measure:
        timings = measure(run.config, design or expected_design(run.config), searching=not given)
    return Plan(speed_name(device), key, timings, predict(run.config, sizes, timings, given))
