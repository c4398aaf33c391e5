"""Segment a folder of scans and sort them by how unsure the model is: which one to correct next."""

from __future__ import annotations

import argparse
from pathlib import Path

from dints.commands.options import add_device
from dints.events import Reporter
from dints.improvement.rank import TABLE, rank
from dints.model.installed import find_model
from dints.model.model import in_words, load_model


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", required=True, help="model file or folder, or the name of an installed model")
    parser.add_argument("--input", type=Path, required=True, help="folder of scans")
    parser.add_argument("--output", type=Path, required=True, help="folder for the table and the proposals")
    parser.add_argument("--mirror", action="store_true", help="segment mirrored images, too, and average")
    add_device(parser)


def run(arguments: argparse.Namespace, reporter: Reporter) -> None:
    model = load_model(find_model(arguments.model))
    options = {"mirror": True} if arguments.mirror else {}
    rows = rank(model, arguments.input, arguments.output, arguments.device, reporter, options)
    path = arguments.output / TABLE
    reporter.result("ranking", path=str(path), error=model.assessment(None)["error"], cases=rows)
    for row in rows:
        reporter.message(f"{row['case']}: {in_words(row)}")
    reporter.message(f"The case to correct first is at the top; table and proposals: {path}")
