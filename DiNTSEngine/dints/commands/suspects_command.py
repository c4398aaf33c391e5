"""List the cases of a cross-validated run whose labels may be wrong, why, and where they differ most."""

from __future__ import annotations

import argparse

from dints.commands.options import add_run, count
from dints.events import Reporter
from dints.improvement.suspects import find_suspects
from dints.run import Run


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_run(parser)
    parser.add_argument("--most", type=count, default=20, help="so many at most (default: 20)")


def run(arguments: argparse.Namespace, reporter: Reporter) -> None:
    found = Run(arguments.run_folder)
    suspects = find_suspects(found, reporter, arguments.most)
    reporter.result("suspects", path=str(found.suspects_file), suspects=[one.to_mapping() for one in suspects])
    for suspect in suspects:
        place = ", ".join(map(str, suspect.voxel))
        reporter.message(f"{suspect.sentence}; look at voxel {place}")
    if not suspects:
        reporter.message("No case differs more from its prediction than is usual for its size")
