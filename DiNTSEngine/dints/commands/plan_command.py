"""Predict how long each stage of a run takes on this computer, and the memory that it needs, before it starts."""

from __future__ import annotations

import argparse

from dints.commands.options import add_device, add_run
from dints.commands.planning import announce
from dints.device import select_device
from dints.events import Reporter
from dints.run import Run, run_lock


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_run(parser)
    add_device(parser)


def run(arguments: argparse.Namespace, reporter: Reporter) -> None:
    with run_lock(arguments.run_folder, shared=True):
        announce(Run(arguments.run_folder), select_device(arguments.device), reporter)
