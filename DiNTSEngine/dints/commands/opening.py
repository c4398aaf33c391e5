"""The run that a command's arguments name: the one that exists, or a new one on checked data."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import torch

from dints.commands.planning import refuse_other_time, time_limit
from dints.config import Config
from dints.device import device_memory
from dints.errors import InputError
from dints.events import Reporter
from dints.run import Run
from dints.run_layout import RunLayout
from dints.stages import prepare


def open_or_create(
    arguments: argparse.Namespace,
    device: torch.device,
    reporter: Reporter,
    more: Sequence[str] = (),
    held_out: int | None = None,
) -> Run:
    """Takes what `add_run`, `add_data`, `add_configuration` and `add_hours` give.

    Args:
        device: where the run works: its memory and speed settle what is derived for a new run.
        more: changes of settings, SECTION.KEY=VALUE, beside those of --set.
        held_out: how many labelled cases neither search nor training may see; None is as it was, or none.

    Raises:
        InputError: a run that exists was started with other data, settings or held-out cases.
    """
    overrides = [*arguments.set, *more]
    if RunLayout(arguments.run_folder).is_run:
        return _existing(arguments, overrides, reporter, held_out)
    if arguments.data is None:
        raise InputError(f"{arguments.run_folder}: is no run yet; give its data set with --data")
    limit, memory = time_limit(arguments, device), device_memory(device)
    return prepare(
        arguments.run_folder, arguments.data, arguments.config, overrides, memory, reporter, held_out or 0, limit
    )


def _existing(arguments: argparse.Namespace, overrides: Sequence[str], reporter: Reporter, held_out: int | None) -> Run:
    run = Run(arguments.run_folder)
    if run.remote_file.is_file():
        remedy = f"`dints stop {run.folder} --remove` makes what is here a run of this computer"
        raise InputError(f"{run.folder}: is done on another computer; give --on, or {remedy}")
    wanted = Config.load(arguments.config, run.config) if arguments.config else run.config
    if wanted.with_overrides(overrides) != run.config:
        raise InputError(f"{run.folder}: was started with other settings; resume without changes or use a new folder")
    refuse_other_time(arguments, run)
    if arguments.data is not None and arguments.data.resolve() != run.data_folder:
        run.move_data(arguments.data)
    if held_out is not None and held_out != len(run.drawn_held_out):
        kept = f"{run.folder}: was started with {len(run.drawn_held_out)} held-out cases, not {held_out}"
        raise InputError(f"{kept}; resume without --held-out or use a new folder")
    if arguments.accept_changes and (accepted := run.accept_changes()):
        reporter.warning(f"{run.data_folder}: goes on with {accepted}")
    return run
