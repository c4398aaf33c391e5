"""Retrain an architecture from random weights, fold by fold; run the same command again to resume.

Several GPUs take a fold each. Started with torchrun, they share every fold instead.
"""

from __future__ import annotations

import argparse

from dints.commands.opening import open_or_create
from dints.commands.options import add_configuration, add_data, add_device, add_run, fold_list
from dints.device import device_memory, devices_at_hand
from dints.events import Reporter
from dints.process_group import is_main_process, main_process_first, process_group, world_size
from dints.run import run_lock
from dints.run_layout import RunLayout
from dints.service.fold_processes import train_on_devices
from dints.stages import keep_architecture, train
from dints.zoo.catalogue import find_design


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_run(parser)
    add_data(parser)
    add_configuration(parser)
    parser.add_argument(
        "--architecture",
        help="in place of a searched one: JSON, the reference's .pth, or a name of `dints models --architectures`",
    )
    parser.add_argument("--folds", type=fold_list, help="for example 0,1 (default: all)")
    add_device(parser)


def run(arguments: argparse.Namespace, reporter: Reporter) -> None:
    # Other processes may train other folds of a run, unless this one changes what they read.
    others_welcome = RunLayout(arguments.run_folder).is_run and not arguments.architecture
    with process_group(arguments.device) as device, run_lock(arguments.run_folder, shared=others_welcome):
        reporter = reporter if is_main_process() else Reporter()
        with main_process_first():
            run = open_or_create(arguments, device_memory(device), reporter)
            if arguments.architecture and is_main_process():
                keep_architecture(run, find_design(arguments.architecture, run.config.search.space), reporter)
        folds = list(range(run.config.training.folds)) if arguments.folds is None else arguments.folds
        devices = devices_at_hand(arguments.device)
        if len(folds) > 1 and len(devices) > 1 and world_size() == 1:
            train_on_devices(run, folds, devices, reporter)
        else:
            train(run, folds, device, reporter)
