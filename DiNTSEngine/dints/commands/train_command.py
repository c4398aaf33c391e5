"""Retrain an architecture from random weights, fold by fold; run the same command again to resume.

Several GPUs take a fold each. Started with torchrun, they share every fold instead.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from dints.commands.options import add_configuration, add_device, add_run, fold_list
from dints.commands.search_command import open_or_create
from dints.device import device_memory, devices_at_hand
from dints.errors import InputError
from dints.events import Reporter
from dints.process_group import is_main_process, main_process_first, process_group, world_size
from dints.run import Run, run_lock
from dints.service.fold_processes import train_on_devices
from dints.space.architecture import Architecture
from dints.stages import keep_architecture, train


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_run(parser)
    parser.add_argument("--data", type=Path, help="data set of a new run")
    add_configuration(parser)
    parser.add_argument("--architecture", type=Path, help="JSON or the reference's .pth, in place of a searched one")
    parser.add_argument("--folds", type=fold_list, help="for example 0,1 (default: all)")
    add_device(parser)


def run(arguments: argparse.Namespace, reporter: Reporter) -> None:
    # Other processes may train other folds of a run, unless this one changes what they read.
    others_welcome = (arguments.run_folder / "run.json").is_file() and not arguments.architecture
    with process_group(arguments.device) as device, run_lock(arguments.run_folder, shared=others_welcome):
        reporter = reporter if is_main_process() else Reporter()
        with main_process_first():
            run = open_or_create(arguments, device_memory(device), reporter)
            if arguments.architecture and is_main_process():
                take_architecture(run, Architecture.load(arguments.architecture), reporter)
        folds = list(range(run.config.training.folds)) if arguments.folds is None else arguments.folds
        devices = devices_at_hand(arguments.device)
        if len(folds) > 1 and len(devices) > 1 and world_size() == 1:
            train_on_devices(run, folds, devices, reporter)
        else:
            train(run, folds, device, reporter)


def take_architecture(run: Run, architecture: Architecture, reporter: Reporter) -> None:
    """Makes a given architecture that of the run; InputError if folds of another one were trained."""
    if run.trained_folds and run.architecture() != architecture:
        raise InputError(f"{run.folder}: has folds of another architecture; use a new run for this one")
    keep_architecture(run, architecture, reporter)
