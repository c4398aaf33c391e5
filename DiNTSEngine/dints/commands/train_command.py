"""Retrain an architecture from random weights, or fine-tune a model, fold by fold; the same command again resumes.

Several GPUs take a fold each. Started with torchrun, they share every fold instead.
"""

from __future__ import annotations

import argparse
from contextlib import suppress
from pathlib import Path

import torch

from dints.commands.away import add_on, train_there
from dints.commands.opening import open_or_create
from dints.commands.options import add_configuration, add_data, add_device, add_run, configuration, fold_list
from dints.commands.planning import add_hours, announce
from dints.device import devices_at_hand
from dints.errors import InputError
from dints.events import Reporter
from dints.improvement.start import prepare_from, read_start
from dints.model.archive import read_manifest
from dints.model.installed import find_model
from dints.process_group import is_main_process, main_process_first, process_group, world_size
from dints.run import Run, run_lock
from dints.run_layout import RunLayout
from dints.service.fold_processes import train_on_devices
from dints.stages import check_folds, keep_architecture, train, warn_of_needless_search
from dints.zoo.catalogue import find_design


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_run(parser)
    add_data(parser)
    add_configuration(parser)
    add_hours(parser)
    parser.add_argument(
        "--architecture",
        help="in place of a searched one: JSON, the reference's .pth, or a name of `dints models --architectures`",
    )
    parser.add_argument(
        "--from",
        dest="start",
        metavar="MODEL",
        help="start from its weights: a model, a run, or a checkpoint of the reference (with its --architecture)",
    )
    parser.add_argument(
        "--old", type=Path, metavar="RUN", help="with --from: learn again from the cases of this run, too"
    )
    parser.add_argument("--folds", type=fold_list, help="for example 0,1 (default: all)")
    add_device(parser)
    add_on(parser)


def run(arguments: argparse.Namespace, reporter: Reporter) -> None:
    if arguments.on:
        train_there(arguments, reporter)
        return
    # Other processes may train other folds of a run, unless this one changes what they read.
    others_welcome = RunLayout(arguments.run_folder).is_run and not arguments.architecture
    with process_group(arguments.device) as device, run_lock(arguments.run_folder, shared=others_welcome):
        reporter = reporter if is_main_process() else Reporter()
        with main_process_first():
            run = _open(arguments, device, reporter)
            if not run.start and is_main_process():
                _take_named(run, arguments.architecture, reporter)
            folds = run.startable_folds if arguments.folds is None else arguments.folds
            check_folds(run, folds)
            announce(run, device, reporter, folds)
        devices = devices_at_hand(arguments.device)
        if len(folds) > 1 and len(devices) > 1 and world_size() == 1:
            train_on_devices(run, folds, devices, reporter)
        else:
            train(run, folds, device, reporter)


def _take_named(run: Run, architecture: str | None, reporter: Reporter) -> None:
    """Makes the architecture that was given, else that which the settings name, that of the run."""
    if not architecture and not run.architecture_file.is_file():
        architecture = run.config.search.architecture
    if architecture:
        warn_of_needless_search(run.config, reporter)
        keep_architecture(run, find_design(architecture, run.config.search.space), reporter)


def _open(arguments: argparse.Namespace, device: torch.device, reporter: Reporter) -> Run:
    if arguments.start is None:
        if arguments.old:
            raise InputError("--old: belongs to --from; name the model to start from")
        return open_or_create(arguments, device, reporter)
    if not RunLayout(arguments.run_folder).is_run:
        if arguments.data is None:
            raise InputError(f"{arguments.run_folder}: is no run yet; give its data set with --data")
        if arguments.hours is not None:
            raise InputError("--hours: belongs to runs without --from; give --set training.iterations=STEPS")
        config = configuration(arguments)
        start = read_start(arguments.start, config and config.with_overrides(arguments.set), arguments.architecture)
        return prepare_from(start, arguments.run_folder, arguments.data, arguments.set, reporter, old_run=arguments.old)
    run = Run(arguments.run_folder)
    if run.start is None:
        raise InputError(f"{run.folder}: was started without --from; use a new folder")
    if _id_of(arguments.start) not in (None, run.start.model.get("id")):
        raise InputError(
            f"{run.folder}: was started from another model, {run.start.model.get('name')} version "
            f"{run.start.model.get('version')}; give that one, or use a new folder"
        )
    if arguments.old is not None and str(arguments.old.resolve()) != run.start.old_run:
        began = f"--old {run.start.old_run}" if run.start.old_run else "no --old"
        raise InputError(f"{run.folder}: was started with {began}; resume without the option, or use a new folder")
    arguments.config = None  # of a checkpoint; the run has it
    return open_or_create(arguments, device, reporter)


def _id_of(model: str) -> str | None:
    """None where there is no such model: a run goes on without, as it has kept the weights."""
    with suppress(InputError):
        return read_manifest(find_model(model)).id
    return None
