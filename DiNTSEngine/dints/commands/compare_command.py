"""Did the search pay? Trains other networks of the same memory on the folds, and compares them with the searched one.

A 3D U-Net, U shapes and random architectures, each as wide as the searched network's memory allows; differences are
paired by case, with intervals. Run the same command again to resume.
"""

from __future__ import annotations

import argparse

from dints.commands.opening import refuse_away
from dints.commands.options import add_device, add_run, count, fold_list
from dints.device import devices_at_hand
from dints.evaluation.compare import SEARCHED, compare, verdict
from dints.events import Reporter
from dints.run import Run, run_lock


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_run(parser)
    parser.add_argument("--folds", type=fold_list, help="for example 0,1 (default: all that are trained)")
    parser.add_argument("--random", type=count, default=2, help="how many random architectures (default: 2)")
    parser.add_argument(
        "--architecture",
        action="append",
        default=[],
        help="one more to compare with, found on other data for example: a file or a name of the zoo; may be repeated",
    )
    add_device(parser)


def run(arguments: argparse.Namespace, reporter: Reporter) -> None:
    run = Run(arguments.run_folder)
    refuse_away(run, "when it has ended there, ")
    with run_lock(run.folder):
        folds = run.require_trained_folds(reporter, arguments.folds)
        devices = devices_at_hand(arguments.device)
        lines = compare(run, folds, devices, arguments.random, reporter, arguments.architecture)
    for line in lines:
        name, cost = line.contestant.origin, line.cost
        if line.failure:
            reporter.message(f"{name}: is not compared ({line.failure})")
            continue
        text = f"{name}: Dice {line.dice:.4f}, {line.contestant.design.filters} filters"
        text += f", {cost.parameters / 1e6:.2f} M parameters, {cost.macs / 1e9:.2f} G multiply-adds"
        if line.contestant.name != SEARCHED and line.difference:
            own, found = lines[0].contestant.origin, line.difference
            text += f"; {own} minus this {found.mean:+.4f} ({found.low:+.4f} to {found.high:+.4f}): {found.verdict}"
        reporter.message(text)
    reporter.message(verdict(lines, folds))
