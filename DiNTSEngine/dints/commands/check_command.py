"""Read every case of a data set and list all problems at once."""

from __future__ import annotations

import argparse
from pathlib import Path

from dints.commands.options import add_configuration, configuration
from dints.data.check import check
from dints.data.datalist import read_datalist
from dints.errors import InputError
from dints.events import Reporter
from dints.storage import write_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("data", type=Path, help="folder with dataset.json, or with images/ and labels/")
    add_configuration(parser)
    parser.add_argument("--folds", type=int, default=5, help="how many folds will be trained (default: 5)")
    parser.add_argument("--output", type=Path, help="write what was found as JSON")


def run(arguments: argparse.Namespace, reporter: Reporter) -> None:
    config = configuration(arguments)
    datalist = read_datalist(arguments.data, config.task if config else None)
    result = check(datalist, arguments.folds, reporter)
    if arguments.output:
        write_json(arguments.output, result.to_mapping())
    for problem in result.problems:
        reporter.message(f"{problem.severity}: {problem}")
    reporter.result("check", **result.to_mapping())
    errors = sum(problem.severity == "error" for problem in result.problems)
    if errors:
        raise InputError(f"{arguments.data}: {errors} problems must be solved before training (listed above)")
    reporter.message(f"{arguments.data}: {len(datalist.cases)} cases can be trained with")
