"""Search an architecture on a data set; run the same command again to resume. Several GPUs: start it with torchrun."""

from __future__ import annotations

import argparse

from dints.commands.options import add_configuration, add_data, add_device, add_run
from dints.config import Config
from dints.config.listing import explanation
from dints.device import device_memory, devices_at_hand
from dints.errors import InputError
from dints.events import Reporter
from dints.process_group import is_main_process, main_process_first, process_group, world_size
from dints.run import Run, run_lock
from dints.run_layout import RunLayout
from dints.stages import prepare, search


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_run(parser)
    add_data(parser)
    add_configuration(parser)
    parser.add_argument("--memory-budget", type=float, metavar="SIGMA", help=explanation("search.memory_budget"))
    parser.add_argument("--no-topology-loss", action="store_true", help="leave out Eq. 7 (the ablation of 4.4.2)")
    add_device(parser)


def run(arguments: argparse.Namespace, reporter: Reporter) -> None:
    with process_group(arguments.device) as device:
        reporter = reporter if is_main_process() else Reporter()
        with run_lock(arguments.run_folder):
            with main_process_first():
                run = open_or_create(arguments, device_memory(device), reporter)
            search(run, device, reporter, devices_at_hand(arguments.device) if world_size() == 1 else None)


def open_or_create(arguments: argparse.Namespace, memory: int | None, reporter: Reporter, held_out: int = 0) -> Run:
    """The run of the arguments: the one that exists, or a new one on checked data."""
    overrides = list(arguments.set)
    if getattr(arguments, "memory_budget", None) is not None:
        overrides.append(f"search.memory_budget={arguments.memory_budget}")
    if getattr(arguments, "no_topology_loss", False):
        overrides.append("search.topology_loss=false")
    if RunLayout(arguments.run_folder).is_run:
        existing = Run(arguments.run_folder)
        wanted = Config.load(arguments.config, existing.config) if arguments.config else existing.config
        wanted = wanted.with_overrides(overrides)
        if wanted != existing.config:
            raise InputError(
                f"{arguments.run_folder}: was started with other settings; resume without changes or use a new folder"
            )
        if arguments.data is not None and arguments.data.resolve() != existing.data_folder:
            existing.move_data(arguments.data)
        if getattr(arguments, "accept_changes", False) and (accepted := existing.accept_changes()):
            reporter.warning(f"{existing.data_folder}: goes on with {accepted}")
        return existing
    if arguments.data is None:
        raise InputError(f"{arguments.run_folder}: is no run yet; give its data set with --data")
    return prepare(arguments.run_folder, arguments.data, arguments.config, overrides, memory, reporter, held_out)
