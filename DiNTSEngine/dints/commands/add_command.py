"""Add an image and its corrected segmentation to a data set, from which models can learn."""

from __future__ import annotations

import argparse
from pathlib import Path

from dints.data.corrections import Origin, add_case, declared_labels, merged_labels
from dints.data.images import read_channels
from dints.data.segments import found_labels, read_named_label, segments_of
from dints.errors import InputError
from dints.events import Reporter
from dints.model.archive import read_manifest
from dints.model.installed import find_model


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--to", type=Path, required=True, metavar="FOLDER", help="data set; made if there is none")
    parser.add_argument("--image", type=Path, nargs="+", required=True, help="the scan, one file a channel")
    parser.add_argument("--labels", type=Path, required=True, help="its segmentation: a label image or .seg.nrrd")
    parser.add_argument("--model", help="whose result was corrected: its labels and channels are those of a new folder")
    parser.add_argument("--by", default="", help="who corrected it (default: nobody is named)")


def run(arguments: argparse.Namespace, reporter: Reporter) -> None:
    manifest = read_manifest(find_model(arguments.model)) if arguments.model else None
    scans = read_channels(arguments.image, reporter.warning)
    known = manifest.config.task.labels if manifest else declared_labels(arguments.to)
    if segments_of(arguments.labels):
        known, _ = merged_labels(known or {0: "background"}, found_labels([arguments.labels]))
    elif not known:
        raise InputError(f"{arguments.labels}: does not name its labels; give --model, or a .seg.nrrd of 3D Slicer")
    label = read_named_label(arguments.labels, known, scans[0], reporter.warning)
    channels = manifest.config.task.channels if manifest else [f"channel {number}" for number in range(len(scans))]
    origin = Origin(arguments.by, manifest.reference if manifest else None)
    added = add_case(arguments.to, scans, label, known, channels, origin)
    values = {name: getattr(added, name) for name in ("case", "held_out", "replaced", "training", "held")}
    reporter.result("case", folder=str(added.folder), **values)
    fate = "held out, to compare versions on" if added.held_out else "to learn from"
    again = "again, " if added.replaced else ""
    counts = f"{added.training} to learn from, {added.held} held out"
    reporter.message(f"{added.folder}: case {added.case} {again}{fate}; {counts}")
