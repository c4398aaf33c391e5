"""List all settings: default, meaning, unit, and what may be given with --set or in the file of --config."""

from __future__ import annotations

import argparse

from dints.config.listing import chosen, lines, markdown
from dints.events import Reporter


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="a section or a setting, e.g. search or training.folds"
    )
    parser.add_argument("--markdown", action="store_true", help="all of them as a page of the documentation")


def run(arguments: argparse.Namespace, reporter: Reporter) -> None:
    keys = chosen(arguments.names)
    for line in markdown().splitlines() if arguments.markdown else lines(keys):
        reporter.message(line)
