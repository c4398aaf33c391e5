"""Write a self-contained HTML report of a run."""

from __future__ import annotations

import argparse

from dints.commands.options import add_run
from dints.events import Reporter
from dints.report.write import write_report


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_run(parser)


def run(arguments: argparse.Namespace, reporter: Reporter) -> None:
    path = write_report(arguments.run_folder)
    reporter.result("report", path=str(path))
    reporter.message(f"Report: {path}")
