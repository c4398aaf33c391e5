"""Predict how long each stage takes on this computer, and the memory that it needs: of a run, or of one to be started.

With --data nothing is started or kept: it says what `dints search` with the same options would begin with.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from dints.commands.opening import take_architecture
from dints.commands.options import add_configuration, add_device
from dints.commands.planning import add_hours, announce, recall, time_limit
from dints.data.check import CheckResult
from dints.device import device_memory, select_device
from dints.errors import InputError
from dints.events import Reporter
from dints.files.lock import lock_owner
from dints.files.passing import passing_folder
from dints.files.storage import read_json
from dints.plan.measure import PREFIX
from dints.run import Run, run_lock
from dints.stages import prepare, warn_of_needless_search


def add_arguments(parser: argparse.ArgumentParser) -> None:
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--run", type=Path, dest="run_folder", metavar="RUN", help="folder of a run: what is left of it"
    )
    source.add_argument("--data", type=Path, help="data set of a run that is not started yet")
    parser.add_argument("--check", type=Path, help="what `dints check --output` wrote: the data are not read again")
    add_configuration(parser)
    add_hours(parser)
    parser.add_argument("--architecture", help="of the run: `dints search --architecture`")
    add_device(parser)


def run(arguments: argparse.Namespace, reporter: Reporter) -> None:
    if arguments.run_folder is None:
        _plan_data(arguments, reporter)
        return
    own = arguments.check, arguments.config, arguments.set, arguments.architecture
    if any(own) or arguments.hours is not None:
        raise InputError("--check, --config, --set, --hours and --architecture: belong to --data; a run has its own")
    _plan_run(Run(arguments.run_folder), arguments.device, reporter)


def _plan_run(run: Run, device: str, reporter: Reporter) -> None:
    """Measured, unless the run is elsewhere, or so busy that it would measure itself."""
    if run.remote_file.is_file():
        recall(run, "is done on another computer", reporter)
    elif owner := lock_owner(run.folder):
        recall(run, f"is in use by process {owner}", reporter)
    else:
        with run_lock(run.folder, shared=True):
            announce(run, select_device(device), reporter)


def _plan_data(arguments: argparse.Namespace, reporter: Reporter) -> None:
    """Prepares the run in a folder that is removed again."""
    device = select_device(arguments.device)
    checked = CheckResult.from_mapping(read_json(arguments.check), str(arguments.check)) if arguments.check else None
    with passing_folder(PREFIX) as folder:
        run = prepare(
            folder,
            arguments.data,
            arguments.config,
            arguments.set,
            device_memory(device),
            reporter,
            limit=time_limit(arguments, device),
            checked=checked,
        )
        if arguments.architecture:
            warn_of_needless_search(run.config, reporter)
            take_architecture(run, arguments.architecture, Reporter())
        announce(run, device, reporter)
