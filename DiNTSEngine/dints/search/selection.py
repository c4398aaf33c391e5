"""From the supernet to the architecture that is retrained, by a race: topology and filters are chosen together."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

from dints.config import Config, RaceConfig
from dints.cost.memory import predict_memory, retraining_cost
from dints.cost.operations import operation_costs
from dints.cost.seconds import WindowTimer
from dints.data.cache import Cache
from dints.errors import InputError
from dints.events import Named, Reporter, Summed
from dints.process_group import gather, main_process_first
from dints.run_layout import LogReader, RaceFiles, TrainingFiles, read_log
from dints.search.candidates import (
    Fitter,
    Proposal,
    from_zoo,
    near,
    plain,
    proposed_by_searches,
    random_ones,
    u_shapes,
)
from dints.search.priced import cheapest
from dints.search.race import (
    NEAR_STAGE,
    STAGE,
    Candidate,
    Standing,
    Training,
    near_settings,
    plan_heats,
    race,
    steps_of,
)
from dints.search.snapshots import Snapshot
from dints.search.timed_widths import TimedWidths
from dints.space.network import build_network
from dints.training.device_tasks import Task, run_on_devices
from dints.training.retrain import FoldTrainer
from dints.training.step import UntrainableError, blamed_on_network
from dints.zoo.catalogue import AnyDesign, require_fit
from dints.zoo.unet_design import NAME as UNET
from dints.zoo.unet_design import UNetDesign

RACE_FOLD = 0  # of the seeds; a race is not a part of the cross-validation
MEBIBYTE = 2**20

Split = tuple[Sequence[str], Sequence[str]]
TrainAll = Callable[[Reporter, Sequence[Training]], list[float]]


def choose(
    config: Config,
    cache: Cache,
    split: Split,
    searches: Sequence[Sequence[Snapshot]],
    folder: Path,
    devices: Sequence[torch.device],
    reporter: Reporter,
) -> list[Standing]:
    """The standings of two races, the winner first: among all proposals, and of the leader against its neighbours.

    Args:
        split: cases on which candidates train, and on which they are ranked. Both are halves of the search's (3.6), so
            that nothing that the cross-validation holds back has a part in the choice.
        searches: of each search its end and its earlier moments, which propose.
        folder: of the trainings; what is there goes on.
    """
    files = RaceFiles(folder)
    fit, train = _fitter(config, devices[0], files), partial(_train_all, config, cache, split, devices)
    candidates = list(fit(_proposals(config, searches)))
    standings = race(candidates, config.race, folder, _told(train, candidates, config.race, files, reporter), reporter)
    standings = _against_neighbours(standings, config, fit, files.near, train, reporter)
    if config.race.seconds:
        found = WindowTimer.of(config, devices[0]).whole(standings[0].candidate.design)
        wanted = f"at most {config.race.seconds:.3g} s were wanted"
        reporter.message(f"A window of the winner takes {found:.3g} s on this computer, {wanted}")
    return standings


def _fitter(config: Config, device: torch.device, files: RaceFiles) -> Fitter:
    if not config.race.seconds:
        return Fitter(config, _memory_allowed(config))
    narrow = TimedWidths(WindowTimer.of(config, device), config.race.seconds, files.widths)
    return Fitter(config, _memory_allowed(config), narrow)


def _memory_allowed(config: Config) -> float:
    """Bytes; any where the time of a window is given, and no memory beside it."""
    return math.inf if config.race.seconds and not config.race.memory else memory_budget(config)


def _told(
    train: TrainAll,
    candidates: Sequence[Candidate],
    settings: RaceConfig,
    files: RaceFiles,
    reporter: Reporter,
    stage: str = STAGE,
) -> Callable[[Sequence[Training]], list[float]]:
    """A training of heats whose progress is that of the whole race; what was trained before counts."""
    done = {}
    for candidate in candidates:
        log = LogReader(files.candidate(candidate.name).log)
        log.read_all()
        done[candidate.name] = log.steps
    return partial(train, Summed(reporter, stage, done, steps_of(plan_heats(len(candidates), settings))))


def memory_budget(config: Config) -> float:
    """Bytes that training the winner may need."""
    if config.race.memory:
        return config.race.memory * MEBIBYTE
    return predict_memory(config).retraining(config.search.memory_budget)


def require_candidate(config: Config, device: torch.device | None = None) -> None:
    """InputError, before a search is made for it, if nothing of its space can take part in the race.

    Args:
        device: on which windows are timed; None where they were.
    """
    space, budget = config.search.space, _memory_allowed(config)
    smallest = cheapest(space, operation_costs(space, 1, config.sampling.patch).double().numpy())
    if config.race.seconds and device:
        _require_time(config, WindowTimer.of(config, device).whole(replace(smallest, filters=1)))
    if next(Fitter(config, budget)([("smallest", "smallest", smallest), *_proposals(config, ())]), None):
        return
    needed = retraining_cost(replace(smallest, filters=1), config).training_memory
    steered = f"race.memory={config.race.memory:g}"
    if not config.race.memory:
        steered = f"search.memory_budget={config.search.memory_budget:g}"
    reason = f"training the smallest network with one filter takes {needed / MEBIBYTE:.3g} MiB"
    raise InputError(
        f"{steered}: nothing fits {budget / MEBIBYTE:.3g} MiB, as {reason}; raise it in a new run, or choose a smaller "
        "sampling.patch or training.batch_size"
    )


def _require_time(config: Config, needed: float) -> None:
    if needed > config.race.seconds:
        raise InputError(
            f"race.seconds={config.race.seconds:g}: nothing is as fast, as a window of the smallest network with one "
            f"filter takes {needed:.3g} s on this computer; raise it in a new run, or choose a smaller sampling.patch"
        )


def as_wide_as_allowed(design: AnyDesign, config: Config) -> AnyDesign:
    """A design that was not searched, with the width that a candidate of the race would get.

    Raises:
        InputError: it does not fit the patch, or not the budget with a single filter.
    """
    require_fit(design, config.sampling.patch)
    fitted = list(Fitter(config, memory_budget(config))([("given", "given", design)]))
    if not fitted:
        raise InputError("the architecture does not fit the budget; raise race.memory or search.memory_budget")
    return fitted[0].design


def _proposals(config: Config, searches: Sequence[Sequence[Snapshot]]) -> Iterable[Proposal]:
    """All of them; of several that are alike the first stands for all."""
    space, patch, race = config.search.space, config.sampling.patch, config.race
    yield from proposed_by_searches(space, searches, patch)
    yield from u_shapes(space)
    yield from random_ones(space, race.random, config.search.seed)
    if race.unet:
        yield UNET, "3D U-Net", UNetDesign.beside(space)
    if race.zoo:
        yield from from_zoo(patch)


def _against_neighbours(
    standings: list[Standing],
    config: Config,
    fit: Fitter,
    files: RaceFiles,
    train: TrainAll,
    reporter: Reporter,
) -> list[Standing]:
    """The leader, in every heat, and what is one change away from it; all other standings stay behind them."""
    leader, *others = standings
    changed = list(fit(near(leader.candidate, config.race.neighbours, config.search.seed)))
    known = {plain(standing.candidate.design) for standing in standings}
    rivals = [candidate for candidate in changed if plain(candidate.design) not in known]
    if not rivals:
        return standings
    field, settings = [leader.candidate, *rivals], near_settings(config.race)
    told = _told(train, field, settings, files, reporter, NEAR_STAGE)
    return [*race(field, settings, files.folder, told, reporter, holder=leader.candidate), *others]


def _train_all(
    config: Config,
    cache: Cache,
    split: Split,
    devices: Sequence[torch.device],
    reporter: Reporter,
    trainings: Sequence[Training],
) -> list[float]:
    """Mean Dice of each training on the cases that it did not see."""
    work = [partial(_train, config, cache, split, one) for one in trainings]
    tasks = [Task(one.candidate.name, task) for one, task in zip(trainings, work, strict=True)]
    return run_on_devices(tasks, devices, reporter)


def _train(
    config: Config, cache: Cache, split: Split, one: Training, device: torch.device, reporter: Reporter
) -> float:
    """Goes on to the end of the heat; the Dice there, also if the training is further already.

    NaN for a candidate that cannot be trained: the others go on. What lies in the computer, not in it, is raised.
    """
    candidate, folder = one.candidate, one.folder
    training = replace(
        config.training,
        iterations=one.schedule,
        validate_every=one.schedule,
        validation_cases=config.race.validation_cases,
        patience=0,
    )
    build = _Builder(candidate.design, len(config.task.channels), len(config.task.labels))
    named, files = Named(reporter, candidate.name), TrainingFiles(folder)
    config = replace(config, training=training)
    train = partial(FoldTrainer, config, build, cache, split, RACE_FOLD, folder, device, named)
    try:
        with blamed_on_network():
            train().run(until=one.steps)
            if not gather([_is_validated(one.steps, files)])[0]:  # gathered: of the process that writes, when it has
                reporter.warning(f"{files.log}: is damaged or gone; {candidate.name} trains anew, to the same end")
                with main_process_first():
                    files.last.unlink(missing_ok=True)
                train().run(until=one.steps)
    except UntrainableError as error:
        reporter.warning(f"{candidate.name}: is out of the race ({error})")
        return math.nan
    return gather([_dice_at(one.steps, files)])[0]


def _is_validated(steps: int, files: TrainingFiles) -> bool:
    """Whether the log has the validation after so many steps."""
    return any(row["step"] == steps - 1 and "mean_dice" in row for row in read_log(files.log))


def _dice_at(steps: int, files: TrainingFiles) -> float:
    """Of the validation after so many steps; NaN if nothing is labelled in its cases."""
    validations = {row["step"]: row["mean_dice"] for row in read_log(files.log) if "mean_dice" in row}
    dice = validations.get(steps - 1)
    return math.nan if dice is None else float(dice)


class _Builder:
    """Builds the network of a design; can be sent to another process."""

    def __init__(self, design: AnyDesign, in_channels: int, classes: int) -> None:
        self.design, self.in_channels, self.classes = design, in_channels, classes

    def __call__(self) -> torch.nn.Module:
        return build_network(self.design, self.in_channels, self.classes)
