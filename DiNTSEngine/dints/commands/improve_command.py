"""Fine-tune a model on corrections and compare both versions; the new one is written if it is not worse.

The same command again goes on where it was stopped. The old model is only read.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from dints.commands.options import add_device
from dints.device import select_device
from dints.events import Reporter
from dints.improvement.improve import Improvement, improve
from dints.model.installed import find_model
from dints.run import run_lock


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", required=True, help="model file, or the name of an installed model")
    parser.add_argument("--data", type=Path, required=True, help="data set of corrections, see `dints add`")
    parser.add_argument("--out", type=Path, required=True, help="model file (.zip) or folder of the new version")
    parser.add_argument(
        "--old", type=Path, metavar="RUN", help="run that the model comes from: learn again from its cases, too"
    )
    parser.add_argument(
        "--run", type=Path, dest="run_folder", help="folder of the run (default: beside the new version)"
    )
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="change one setting")
    parser.add_argument("--compact", action="store_true", help="round kernels to 8 bits: a quarter of the size")
    add_device(parser)


def run(arguments: argparse.Namespace, reporter: Reporter) -> None:
    work = arguments.run_folder or arguments.out.with_name(f"{arguments.out.stem}-run")
    model = find_model(arguments.model)
    with run_lock(work):
        found = improve(
            model,
            arguments.data,
            arguments.out,
            work,
            select_device(arguments.device),
            reporter,
            arguments.set,
            arguments.old,
            arguments.compact,
        )
    reporter.result("improvement", **found.to_mapping())
    _say(found, reporter)


def _say(found: Improvement, reporter: Reporter) -> None:
    reporter.message(found.comparison.sentence)
    for row in found.comparison.labels:
        if row.difference is None:
            reporter.message(f"{row.label}: in no held-out case that both versions can be compared on")
            continue
        interval = f"95 % interval {row.low:+.3f} to {row.high:+.3f}"
        means = f"Dice {row.old:.3f} before, {row.new:.3f} now"
        reporter.message(f"{row.label}: {row.verdict} ({means}, {row.difference:+.3f}, {interval}, {row.cases} cases)")
    reporter.message(found.comparison.forgetting["sentence"])
    if found.path is None:
        reporter.warning(f"The new version is worse and was not written; its run is {found.run}")
    else:
        reporter.message(f"Version {found.version}: {found.path}")
