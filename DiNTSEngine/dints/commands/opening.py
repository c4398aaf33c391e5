"""The run that a command's arguments name: the one that exists, or a new one on checked data."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import torch

from dints.commands.options import refuse_contradiction
from dints.commands.planning import refuse_other_time, time_limit
from dints.config import Config
from dints.device import device_memory
from dints.errors import InputError
from dints.events import Reporter
from dints.plan.forecast import kept_plan
from dints.process_group import is_main_process
from dints.run import Run
from dints.run_layout import RunLayout
from dints.search.selection import as_wide_as_allowed
from dints.stages import keep_architecture, prepare, warn_of_needless_search
from dints.zoo.catalogue import find_design


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
        InputError: a run that exists was started with other data, settings or held-out cases, or changes contradict
            one another.
    """
    overrides = [*arguments.set, *more]
    refuse_contradiction(arguments.set, more)
    if RunLayout(arguments.run_folder).is_run:
        return _existing(arguments, overrides, reporter, held_out)
    if arguments.data is None:
        raise InputError(f"{arguments.run_folder}: is no run yet; give its data set with --data")
    limit, memory = time_limit(arguments, device), device_memory(device)
    return prepare(
        arguments.run_folder, arguments.data, arguments.config, overrides, memory, reporter, held_out or 0, limit
    )


def take_architecture(run: Run, name: str, reporter: Reporter) -> None:
    """Makes an architecture that is there already that of the run.

    It gets the width that the memory budget allows; in a run that fits its time, that which was planned with.
    """
    warn_of_needless_search(run.config, reporter)
    design, plan = find_design(name, run.config.search.space), kept_plan(run.plan_file, reporter)
    if not (plan and plan.hours):
        design = as_wide_as_allowed(design, run.config)
    if not is_main_process():
        return
    keep_architecture(run, design, reporter)
    reporter.result("architecture", path=str(run.architecture_file))
    filters = design.filters or run.config.training.filters
    reporter.message(f"Architecture: {name} with {filters} filters; `dints train --run {run.folder}` trains it")


def refuse_away(run: RunLayout, first: str) -> None:
    """InputError for a run that is done on another computer; `first` is what to do, or wait for, before it is here."""
    if run.remote_file.is_file():
        here = f"`dints stop {run.folder} --remove`, or --forget if that is gone, makes it a run of this computer"
        raise InputError(f"{run.folder}: is done on another computer; {first}{here}")


def _existing(arguments: argparse.Namespace, overrides: Sequence[str], reporter: Reporter, held_out: int | None) -> Run:
    run = Run(arguments.run_folder)
    refuse_away(run, "give --on, or ")
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
