"""End a run that is done on another computer. What it saved stays there, to go on with, and here."""

from __future__ import annotations

import argparse
from pathlib import Path

from dints.events import Reporter
from dints.remote.runs.away import AwayRun


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run_folder", type=Path, metavar="RUN", help="folder of the run")
    parser.add_argument("--remove", action="store_true", help="remove it there, with its data; what is here stays")


def run(arguments: argparse.Namespace, reporter: Reporter) -> None:
    with AwayRun.open(arguments.run_folder) as away:
        away.stop(arguments.remove, reporter)
        there = "nothing of it is left there" if arguments.remove else f"`dints follow {arguments.run_folder}` fetches"
        reporter.message(f"Stopped on {away.host.name}; {there}{'' if arguments.remove else ' what it saved'}")
