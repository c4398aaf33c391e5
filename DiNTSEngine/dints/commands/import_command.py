"""Make a model file from a checkpoint of the reference implementation."""

from __future__ import annotations

import argparse
from pathlib import Path

from dints.commands.options import add_configuration, configuration
from dints.data.outputs import refuse_replacing
from dints.errors import InputError
from dints.events import Reporter
from dints.model.manifest import Fold, Manifest
from dints.model.model import save_model
from dints.model.reference import read_reference


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("checkpoints", type=Path, nargs="+", help="weights of the reference's DiNTS, one file a fold")
    parser.add_argument("--architecture", type=Path, required=True, help="its architecture (.pth), or ours (.json)")
    parser.add_argument("--output", type=Path, required=True, help="model file (.zip) or folder to write")
    parser.add_argument("--notes", default="", help="where the model comes from, for whom it is")
    add_configuration(parser)


def run(arguments: argparse.Namespace, reporter: Reporter) -> None:
    config = configuration(arguments)
    if config is None:
        raise InputError("--config is missing: a checkpoint does not say how its input was prepared; name a preset")
    config = config.with_overrides(arguments.set)
    refuse_replacing([arguments.output], [*arguments.checkpoints, arguments.architecture])
    architecture, weights = read_reference(arguments.checkpoints, arguments.architecture, config)
    manifest = Manifest(config, architecture, tuple(Fold("", "") for _ in weights), arguments.notes)
    model = save_model(arguments.output, manifest, weights)
    reporter.result("model", path=str(model.path), name=manifest.name)
    reporter.message(f"{model.path}: {manifest.name}, {len(weights)} networks")
