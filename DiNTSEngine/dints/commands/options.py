"""Arguments that several commands share."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from dints.config import Config, preset_names
from dints.config.settings import parts_of
from dints.errors import InputError


def add_device(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N (default: auto)")


def add_host(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--on", metavar="NAME", help="compute on another computer, one of `dints hosts`")


def add_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--run", type=Path, required=True, dest="run_folder", metavar="RUN", help="folder of the run")


def add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, help="data set of a new run, or where the same data lie now")
    parser.add_argument(
        "--accept-changes",
        action="store_true",
        help="go on though the data set changed: new cases are left out, changed ones taken as they are",
    )


def add_configuration(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config", help=f"YAML file or preset ({', '.join(preset_names())}); default: derived from the data"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="SECTION.KEY=VALUE",
        help="change one setting, e.g. search.seed=1; `dints settings` lists all with what they may be",
    )


def refuse_contradiction(changes: Sequence[str], more: Sequence[str]) -> None:
    """InputError if options for single settings, `more`, say otherwise than `changes`; both are SECTION.KEY=VALUE."""
    known = dict(map(parts_of, changes))  # of the same option twice, the last one counts
    for key, value in map(parts_of, more):
        if known.get(key, value) != value:
            raise InputError(f"{key}: is given twice, as {known[key]} and as {value}; give it once")


def configuration(arguments: argparse.Namespace) -> Config | None:
    """The configuration that the arguments name, without their `--set`; None if they name none."""
    return Config.load(arguments.config) if arguments.config else None


def count(text: str) -> int:
    """A whole number from 0."""
    if not (text.isascii() and text.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r}: expected a whole number, 0 or more")
    return int(text)


def fold_list(text: str) -> list[int]:
    """ "0,1,2" as numbers."""
    try:
        return sorted({int(part) for part in text.split(",")})
    except ValueError:
        # argparse shows the sentence of this error alone; of a ValueError it keeps nothing.
        raise argparse.ArgumentTypeError(f"{text!r}: expected numbers separated by commas, for example 0,1,2") from None
