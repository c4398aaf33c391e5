"""Search an architecture on a data set; run the same command again to resume. Several GPUs: start it with torchrun."""

from __future__ import annotations

import argparse

from dints.commands.away import add_on, search_there
from dints.commands.opening import open_or_create, take_architecture
from dints.commands.options import add_configuration, add_data, add_device, add_run
from dints.commands.planning import add_hours, announce
from dints.config.listing import explanation
from dints.device import devices_at_hand
from dints.errors import InputError
from dints.events import Reporter
from dints.process_group import is_main_process, main_process_first, process_group, world_size
from dints.run import run_lock
from dints.stages import search


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_run(parser)
    add_data(parser)
    add_configuration(parser)
    add_hours(parser)
    parser.add_argument("--memory-budget", type=float, metavar="SIGMA", help=explanation("search.memory_budget"))
    parser.add_argument("--no-topology-loss", action="store_true", help="leave out Eq. 7 (the ablation of 4.4.2)")
    parser.add_argument(
        "--architecture",
        help="take this one and do not search: a file, or a name of `dints models --architectures`; as wide as the "
        "memory budget, or the time that is given, allows",
    )
    add_device(parser)
    add_on(parser)
    parser.add_argument("--train", action="store_true", help="with --on: then train all folds and evaluate them there")


def run(arguments: argparse.Namespace, reporter: Reporter) -> None:
    if arguments.train and not arguments.on:
        raise InputError(
            f"--train: belongs to --on; here `dints train --run {arguments.run_folder}` follows the search"
        )
    if arguments.on:
        search_there(arguments, reporter)
        return
    with process_group(arguments.device) as device:
        reporter = reporter if is_main_process() else Reporter()
        with run_lock(arguments.run_folder):
            with main_process_first():
                run = open_or_create(arguments, device, reporter, _changes(arguments))
                if arguments.architecture:
                    take_architecture(run, arguments.architecture, reporter)
                announce(run, device, reporter)
            if not arguments.architecture:
                search(run, device, reporter, devices_at_hand(arguments.device) if world_size() == 1 else None)


def _changes(arguments: argparse.Namespace) -> list[str]:
    """What the options for single settings stand for."""
    changes = []
    if arguments.memory_budget is not None:
        changes.append(f"search.memory_budget={arguments.memory_budget}")
    if arguments.no_topology_loss:
        changes.append("search.topology_loss=false")
    return changes
