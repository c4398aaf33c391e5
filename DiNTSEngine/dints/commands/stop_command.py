"""End a run that is done on another computer. What it saved stays there, to go on with, and here."""

from __future__ import annotations

import argparse
from pathlib import Path

from dints.events import Reporter
from dints.remote.runs.away import AwayRun, forget
from dints.run import run_lock


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run_folder", type=Path, metavar="RUN", help="folder of the run")
    rest = parser.add_mutually_exclusive_group()
    rest.add_argument("--remove", action="store_true", help="remove it there, with its data; what is here stays")
    rest.add_argument(
        "--forget",
        action="store_true",
        help="only make what is here a run of this computer, without asking the other one, which may be gone for good",
    )


def run(arguments: argparse.Namespace, reporter: Reporter) -> None:
    folder = arguments.run_folder
    if arguments.forget:
        with run_lock(folder):  # whoever follows it keeps the record
            reporter.message(forget(folder))
        return
    with AwayRun.open(folder) as away:
        was_done = away.stop(arguments.remove, reporter)
        if arguments.remove:
            reporter.message(f"Stopped on {away.host.name}; nothing of it is left there")
        elif was_done:
            reporter.message(f"Was done on {away.host.name} already; `dints follow {folder}` fetches the results")
        else:
            reporter.message(f"Stopped on {away.host.name}; `dints follow {folder}` fetches what it saved")
