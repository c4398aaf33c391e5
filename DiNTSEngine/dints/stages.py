"""The stages of a run: search, retraining, export. Each resumes what an interruption left.

Several processes may go through search and retraining together; the first of them prepares and writes.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from dints.config import Config, RaceConfig, TaskConfig
from dints.cost.table import architecture_numbers, describe_cost
from dints.data.cache import Cache
from dints.data.check import CheckResult, check
from dints.data.datalist import DataList, read_datalist
from dints.data.fingerprint import default_config, fingerprint, with_scaling
from dints.device import device_name
from dints.errors import InputError
from dints.evaluation.export import export as export  # the last of the stages
from dints.events import Named, Reporter
from dints.files.storage import write_json
from dints.plan.forecast import TimeLimit, fit_data, fixed_settings
from dints.process_group import is_main_process, main_process_first, world_size
from dints.run import Run, run_lock
from dints.run_layout import RunLayout
from dints.search.drawing import draw_architecture
from dints.search.loop import SEARCH_FOLD, Search
from dints.search.selection import choose, require_candidate
from dints.search.snapshots import Snapshot
from dints.seeds import shuffled
from dints.training.log import defined
from dints.training.retrain import FoldResult, FoldTrainer
from dints.zoo.catalogue import AnyDesign, find_design, require_fit


def prepare(
    folder: Path,
    data: Path,
    config_source: str | None,
    overrides: Sequence[str],
    memory: int | None,
    reporter: Reporter,
    held_out: int = 0,
    limit: TimeLimit | None = None,
    checked: CheckResult | None = None,
) -> Run:
    """Checks a data set and starts a run on it.

    Args:
        config_source: a preset or YAML file. Where it does not describe the task, the data does; where there is none,
            the whole configuration is derived from the data's fingerprint and the memory at hand (bytes).
        held_out: how many labelled cases neither search nor training may see.
        checked: what a check of the same data found, so that they are not read again.
        limit: the time that the run is to fit, by other settings than those that `config_source` and `overrides` name.

    Raises:
        InputError: the data set has problems that prevent training, the time is too short for anything, or the settings
            name an architecture and ask for a search.
    """
    given = Config.load(config_source) if config_source else Config()
    refuse_needless_search(given.with_overrides(overrides))
    task = given.task if given.task != TaskConfig() else None
    datalist = read_datalist(data, task)
    if datalist.folds:
        overrides = [*overrides, f"training.folds={_own_folds(datalist, given, overrides, reporter)}"]
    training = given.with_overrides(overrides).training
    datalist = replace(datalist, held_out=(*datalist.held_out, *_drawn(datalist, held_out, training.seed)))
    result = checked or check(datalist, training.folds, reporter, training.seed)
    result.refuse_errors(f"`dints check {data}` lists all")
    if task is None:
        derived = default_config(datalist, fingerprint(result, datalist), memory)
        given = Config.load(config_source, derived) if config_source else derived
    config = given.with_overrides(overrides)
    _warn_of_needless_budget(config, overrides, reporter)
    result = with_scaling(result, config.preprocessing, datalist)
    for problem in result.problems:
        reporter.warning(str(problem))
    for sentence in result.notes:
        reporter.message(f"{data}: {sentence}")
    if limit is not None:
        fixed, plan_file = fixed_settings(config_source, overrides), RunLayout(folder).plan_file
        config = fit_data(datalist, result, config, limit, fixed, plan_file, reporter)
    _warn_of_race_settings(config, fixed_settings(config_source, overrides), reporter)
    run = Run.create(folder, data, config, datalist.held_out)
    write_json(run.check_file, result.to_mapping())
    len(run.record.folds)  # kept from the first day on
    return run


def refuse_needless_search(config: Config) -> None:
    """InputError if settings ask for a search, and name an architecture that would be taken in its place."""
    if (name := config.search.architecture) and (asking := config.search_only):
        reason = f"search.architecture={name}: is taken in place of the search that {' and '.join(asking)} would steer"
        raise InputError(f"{reason}; leave out one or the other (search.architecture='' is none)")


def _warn_of_needless_budget(config: Config, overrides: Sequence[str], reporter: Reporter) -> None:
    """Says that a memory budget that was asked for has no effect beside one of seconds; a race falls back on it."""
    search, key = config.search, "search.memory_budget"
    if search.seconds and not config.race.enabled and key in fixed_settings(None, overrides):
        reason = f"is not used, as search.seconds={search.seconds:g} is the budget"
        reporter.warning(f"{key}={search.memory_budget:g}: {reason}")


def warn_of_needless_search(config: Config, reporter: Reporter) -> None:
    """Says which settings have no effect as an architecture is given."""
    for setting in config.search_only:
        reporter.warning(f"{setting}: is not used, as an architecture is given in place of a search")


def _warn_of_race_settings(config: Config, stated: Collection[str], reporter: Reporter) -> None:
    """Says which of the stated settings belong to a race where there is none."""
    for own in () if config.race.enabled else fields(RaceConfig):
        key, value = f"race.{own.name}", getattr(config.race, own.name)
        if key in stated and value != own.default:
            use = "is used for a given architecture alone" if own.name == "memory" else "is not used"
            reporter.warning(f"{key}={value}: {use}, as there is no race; race.enabled=true has one")


def _own_folds(datalist: DataList, given: Config, overrides: Sequence[str], reporter: Reporter) -> int:
    """Into how many folds a data set divides itself; says so if another number is asked for."""
    own, asked = len(datalist.folds), given.with_overrides(overrides).training.folds
    if "training.folds" in fixed_settings(None, overrides) and asked != own:
        reporter.warning(f"training.folds={asked}: is not used, as {datalist.folder} has a division into {own} folds")
    return own


def _drawn(datalist: DataList, count: int, seed: int) -> list[str]:
    """Names of labelled cases to hold out, beside those that the data set holds out itself."""
    free = [case.name for case in datalist.cases if case.name not in datalist.held_out]
    if not 0 <= count <= len(free):
        raise InputError(f"{count} cases cannot be held out of {len(free)}; give a number from 0 to {len(free)}")
    return shuffled(free, seed, "held out")[:count]


def search(
    run: Run, device: torch.device, reporter: Reporter, devices: Sequence[torch.device] | None = None
) -> AnyDesign:
    """Searches, races where the settings ask for it, and writes the architecture and its numbers into the run.

    Args:
        devices: on which trainings of the race run side by side; by default `device` alone.

    Raises:
        InputError: folds were trained, or begun, with an architecture that this search has not found.
    """
    if run.config.search.architecture:
        return _take_given(run, reporter)
    if _begun_folds(run) and not run.search_state(run.config.search.iterations).step == run.config.search.iterations:
        raise InputError(f"{run.folder}: has folds of a given architecture; search in a new run")
    _check_budget(run.config, reporter)
    if run.config.race.enabled:
        require_candidate(run.config, None if run.race.widths.is_file() else device)
    with main_process_first():
        cache = run.cache(reporter)
    names = run.splits[SEARCH_FOLD][0]
    reporter.message(f"Searching on {len(names)} cases, device {device_name(device)}")
    searching = Search(run.config, cache, names, run.search.folder, device, reporter)
    architecture: AnyDesign = searching.run()
    snapshots = [searching.snapshots(), *_further_searches(run, cache, names, device, reporter)]
    if run.config.race.enabled:
        work = devices or [device]
        standings = choose(run.config, cache, searching.halves, snapshots, run.race_folder, work, reporter)
        architecture = standings[0].candidate.design
    if not is_main_process():
        return architecture
    numbers: dict[str, Any] = {
        **architecture_numbers(architecture, run.config),
        "gap": searching.gap(),
        "memory_budget": run.config.search.memory_budget,
        "expected_memory": searching.expected_memory_share(),
    }
    keep_architecture(run, architecture, reporter)
    write_json(run.summary_file, numbers)
    reporter.result("architecture", path=str(run.architecture_file), **numbers)
    for name, key in (("Architecture", "architecture"), ("3D U-Net", "unet")):
        reporter.message(f"{name}: {describe_cost(numbers[key])}")
    return architecture


def _check_budget(config: Config, reporter: Reporter) -> None:
    """Says that seconds of a search do not decide its race; InputError where those of a race cannot be measured."""
    race = config.race
    if race.enabled and race.seconds and world_size() > 1:
        raise InputError("race.seconds: cannot be measured by several processes; search with one")
    if race.enabled and config.search.seconds:
        budget = "time of race.seconds" if race.seconds else "memory of race.memory"
        reporter.warning(f"search.seconds steers the search alone: the winner of the race has the {budget}")


def _further_searches(
    run: Run, cache: Cache, names: Sequence[str], device: torch.device, reporter: Reporter
) -> list[list[Snapshot]]:
    """What searches with other seeds would propose to the race, if there is one."""
    found = []
    for number in range(2, run.config.race.seeds + 1 if run.config.race.enabled else 2):
        seeded = replace(run.config.search, seed=run.config.search.seed + number - 1)
        config, folder = replace(run.config, search=seeded), run.further_search(number).folder
        further = Search(config, cache, names, folder, device, Named(reporter, f"search {number}"))
        further.run()
        found.append(further.snapshots())
    return found


def _take_given(run: Run, reporter: Reporter) -> AnyDesign:
    """The architecture that the settings name, in place of a search."""
    config = run.config
    warn_of_needless_search(config, reporter)
    with main_process_first():
        if not run.architecture_file.is_file():
            keep_architecture(run, find_design(config.search.architecture, config.search.space), reporter)
    reporter.result("architecture", path=str(run.architecture_file), **architecture_numbers(run.architecture(), config))
    return run.architecture()


def _begun_folds(run: Run) -> list[int]:
    return [fold for fold in range(run.config.training.folds) if run.fold(fold).begun]


def keep_architecture(run: Run, architecture: AnyDesign, reporter: Reporter) -> None:
    """Makes an architecture that of the run, with its pictures; one of them, a PNG, needs matplotlib.

    InputError if folds were trained, or begun, with another one, or the run's patches cannot pass through it.
    """
    require_fit(architecture, run.config.sampling.patch)
    if run.architecture_file.is_file() and run.architecture() != architecture:
        if _begun_folds(run):
            raise InputError(f"{run.folder}: has folds of another architecture; use a new run for this one")
        for of_the_one_before in (run.summary_file, run.compare_file):
            of_the_one_before.unlink(missing_ok=True)
    architecture.save(run.architecture_file)
    title = f"{run.config.task.name}, memory budget {run.config.search.memory_budget:g}"
    try:
        for suffix in ("svg", "png"):
            draw_architecture(architecture, run.architecture_picture(suffix), title)
    except InputError as error:
        reporter.warning(str(error))


def check_folds(run: Run, folds: Sequence[int]) -> None:
    """Raises InputError if one of the folds does not exist, or cannot be trained."""
    for fold in folds:
        if not 0 <= fold < len(run.splits):
            raise InputError(f"fold {fold}: does not exist; the run has folds 0 to {len(run.splits) - 1}")
        if fold not in run.startable_folds:
            raise InputError(f"fold {fold}: the model that the run starts from has no network for it; leave it out")


def train(run: Run, folds: Sequence[int], device: torch.device, reporter: Reporter) -> list[FoldResult]:
    """Retrains the run's architecture on the folds, one after the other.

    Raises:
        InputError: a fold does not exist, or another process trains it.
    """
    check_folds(run, folds)
    config = run.config
    run.architecture()  # that there is none is said before anything is read
    results = []
    with ExitStack() as locks:
        for fold in folds:
            locks.enter_context(run_lock(run.fold(fold).folder))
        with main_process_first():
            cache = run.cache(reporter)
        for fold in folds:
            begin, files = partial(run.begin, fold), run.fold(fold)
            trainer = FoldTrainer(config, begin, cache, run.splits[fold], fold, files.folder, device, reporter)
            result = trainer.run()
            results.append(result)
            dice = [defined(value) for value in result.dice]
            reporter.result("fold", fold=fold, dice=dice, path=str(result.checkpoint))
            found = "no validation Dice, as nothing is labelled in its cases"
            found = found if math.isnan(result.mean_dice) else f"validation Dice {result.mean_dice:.4f}"
            reporter.message(f"Fold {fold}: {found}")
    return results
