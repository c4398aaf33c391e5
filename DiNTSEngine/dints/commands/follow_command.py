"""Show a run that is done on another computer, and bring its logs, checkpoints and results home."""

from __future__ import annotations

import argparse
from pathlib import Path

from dints.commands.away import stopping_there
from dints.events import Reporter
from dints.remote.runs.away import AwayRun
from dints.run import run_lock


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run_folder", type=Path, metavar="RUN", help="folder of the run")


def run(arguments: argparse.Namespace, reporter: Reporter) -> None:
    with AwayRun.open(arguments.run_folder) as away, run_lock(arguments.run_folder), stopping_there(away, reporter):
        away.follow(reporter)
