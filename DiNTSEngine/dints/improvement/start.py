"""A run that starts from a model: its architecture, spacing and scaling, its weights, and the labels of new data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from dints.config import Config
from dints.data.check import check
from dints.data.datalist import DataList, read_datalist
from dints.data.joined import joined
from dints.data.notes import notes
from dints.errors import InputError
from dints.events import Reporter
from dints.files.storage import write_json
from dints.improvement.matching import match_task
from dints.model.installed import find_model
from dints.model.model import load_model
from dints.model.reference import read_reference
from dints.model.transfer import Match, transferred
from dints.run import Run, load_fold
from dints.run_layout import RunLayout
from dints.seeds import derived_seed
from dints.space.network import build_network
from dints.stages import keep_architecture
from dints.training.checkpoint import save_checkpoint
from dints.training.start import StartRecord, finetuning
from dints.zoo.catalogue import AnyDesign

CHECKPOINTS = (".pt", ".pth")  # of the reference
FEWEST_CASES = 3  # two to learn from, one to validate on


@dataclass(frozen=True)
class Start:
    """Networks to start from, and all that they need of their input."""

    config: Config
    architecture: AnyDesign
    states: tuple[Mapping[str, Tensor], ...]
    folds: tuple[int, ...]  # of the run that each network comes from
    model: Mapping[str, Any]  # "id", "name", "version", "family", "lineage" and "range", as far as it has them
    was_finetuned: bool = False  # else its training began with random weights


def read_start(name: str, config: Config | None = None, architecture: str | None = None) -> Start:
    """From a model's file or name, a run's folder, or a checkpoint of the reference.

    Args:
        config, architecture: of a checkpoint, which says neither.

    Raises:
        InputError: there is nothing of that name, it is damaged, or config and architecture are missing or too many.
    """
    if Path(name).suffix.lower() in CHECKPOINTS:
        if config is None or architecture is None:
            raise InputError(
                f"{name}: is a checkpoint, which does not say how it is built; give --architecture, --config"
            )
        found, states = read_reference([name], Path(architecture), config)
        return Start(config, found, tuple(states), (0,), {"name": config.task.name})
    if config or architecture:
        raise InputError(f"{name}: has its own architecture and settings; leave out --architecture and --config")
    if RunLayout(name).is_run:
        run = Run(name)
        folds = run.require_trained_folds(Reporter())
        states = [load_fold(run, fold)[0].state_dict() for fold in folds]
        return Start(
            run.model_config(),
            run.architecture(),
            tuple(states),
            tuple(folds),
            {"name": run.config.task.name},
            run.start is not None,
        )
    model = load_model(find_model(name))
    manifest = model.manifest
    states = [network.state_dict() for network in model.networks]
    told = manifest.training.get("folds")
    known = isinstance(told, list) and len(told) == len(states) and all(type(fold) is int for fold in told)
    of_run = tuple(told or ()) if known else tuple(range(len(states)))
    inherited = {"family": manifest.family, "lineage": manifest.lineage.to_mapping()}
    of_model = manifest.reference | inherited | {"range": manifest.training.get("range")}
    again = manifest.lineage.version > 1
    return Start(manifest.config, manifest.architecture, tuple(states), of_run, of_model, again)


def prepare_from(
    start: Start,
    folder: Path,
    data: Path,
    overrides: Sequence[str],
    reporter: Reporter,
    old_run: Path | None = None,
) -> Run:
    """Checks a data set and starts a run on it whose networks begin with the weights of a model.

    Each network goes on in a fold of its own. The weights are kept in the run before it counts as one, so that it can
    be resumed without the model.

    Args:
        overrides: changes of settings, SECTION.KEY=VALUE, of those of a fine-tuning.
        old_run: the run that the model comes from; its cases keep their folds, and what it holds out stays so.

    Raises:
        InputError: the data set cannot be used, lacks a channel of the model, or asks for another number of filters.
    """
    old = Run(old_run) if old_run else None
    config, match = match_task(start.config, read_datalist(data), reporter)
    folds = old.config.training.folds if old else max(2, len(start.states))
    training = start.config.training if start.was_finetuned else finetuning(start.config.training)
    settings = replace(training, folds=folds)
    config = replace(config, training=settings).with_overrides(overrides)
    _refuse_other_shape(start, config, folds)
    datalist = read_datalist(data, config.task)
    if old:
        _refuse_other_task(old, config)
        given = len(datalist.cases)
        datalist = joined(datalist, old.known_cases, old.held_out)
        if again := given + len(old.known_cases) - len(datalist.cases):
            reporter.message(f"{data}: {again} of its cases are those of {old.folder}, and count once")
    checked = _check(datalist, config, reporter)
    kept = start.folds if old else tuple(range(len(start.states)))
    if old and (missing := [fold for fold in kept if fold >= folds]):
        raise InputError(
            f"{old.folder}: has no fold {missing[0]}, which the model has; give the run that it comes from"
        )
    for fold, state in zip(kept, start.states, strict=True):
        _write_start(RunLayout(folder).start_file(fold), state, start, config, match, fold)
    record = StartRecord(dict(start.model), kept, str(old.folder.resolve()) if old else "")
    run = Run.create(folder, data, config, datalist.held_out, record)
    if not old:
        reporter.message("Scores of this run hold for cases that the model before has not learned from")
    write_json(run.check_file, checked)
    keep_architecture(run, start.architecture, reporter)
    len(run.record.folds)  # kept from the first day on
    return run


def _check(datalist: DataList, config: Config, reporter: Reporter) -> dict[str, Any]:
    for sentence in notes(datalist):
        reporter.message(f"{datalist.folder}: {sentence}")
    free = len(datalist.cases) - len(datalist.held_out)
    if free < FEWEST_CASES:
        raise InputError(f"{datalist.folder}: has {free} cases to learn from; add cases until there are {FEWEST_CASES}")
    folds = free if free == FEWEST_CASES else min(config.training.folds, free)
    result = check(datalist, folds, reporter, config.training.seed)
    result.refuse_errors(f"`dints check {datalist.folder}` lists all")
    for problem in result.problems:
        reporter.warning(str(problem))
    return result.to_mapping()


def _refuse_other_shape(start: Start, config: Config, folds: int) -> None:
    filters, wanted = start.config.training.filters, config.training.filters
    if wanted != filters:
        raise InputError(
            f"training.filters={wanted}: the model has {filters} filters, and weights of another number cannot be "
            f"taken over; leave it at {filters}, or train from the start"
        )
    if config.training.folds != folds:
        raise InputError(f"training.folds={config.training.folds}: the model's networks go on in {folds}; leave it out")


def _refuse_other_task(old: Run, config: Config) -> None:
    before, now = old.config.task, config.task
    if before.labels != now.labels or len(before.channels) != len(now.channels):
        raise InputError(
            f"{old.folder}: its cases have other labels or channels than the new ones, so they would teach that what "
            "is new is not there; leave out --old, or label the old cases again"
        )


def _write_start(
    path: Path, state: Mapping[str, Tensor], start: Start, config: Config, match: Match, fold: int
) -> None:
    def build(channels: int, classes: int) -> torch.nn.Module:
        return build_network(start.architecture, channels, classes, start.config.training.filters)

    torch.manual_seed(derived_seed(config.training.seed, "new labels", fold))
    network = build(len(config.task.channels), len(config.task.labels))
    save_checkpoint(path, {"network": transferred(state, network, build, match)})
