"""Retrain an architecture from random weights, fold by fold; run the same command again to resume."""

from __future__ import annotations

import argparse
from pathlib import Path

from dints.architecture import Architecture
from dints.commands.options import add_configuration, add_device, add_run, fold_list
from dints.commands.search_command import open_or_create
from dints.device import device_memory, select_device
from dints.errors import InputError
from dints.events import Reporter
from dints.stages import keep_architecture, train


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_run(parser)
    parser.add_argument("--data", type=Path, help="data set of a new run")
    add_configuration(parser)
    parser.add_argument("--architecture", type=Path, help="JSON or the reference's .pth, in place of a searched one")
    parser.add_argument("--folds", type=fold_list, help="for example 0,1 (default: all)")
    add_device(parser)


def run(arguments: argparse.Namespace, reporter: Reporter) -> None:
    device = select_device(arguments.device)
    run = open_or_create(arguments, device_memory(device), reporter)
    if arguments.architecture:
        architecture = Architecture.load(arguments.architecture)
        if run.trained_folds and run.architecture() != architecture:
            raise InputError(f"{run.folder}: has folds of another architecture; use a new run for this one")
        keep_architecture(run, architecture, reporter)
    folds = list(range(run.config.training.folds)) if arguments.folds is None else arguments.folds
    train(run, folds, device, reporter)
