"""Make a model file from a checkpoint of the reference implementation."""

from __future__ import annotations

import argparse
from pathlib import Path

from dints.commands.options import add_configuration, configuration
from dints.errors import InputError
from dints.events import Reporter
from dints.model.manifest import Fold, Manifest
from dints.model.model import save_model
from dints.model.reference import load_reference_checkpoint, load_reference_weights
from dints.space.architecture import ARRAYS, Architecture
from dints.space.network import build_network


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
    architecture = Architecture.load(arguments.architecture)
    if arguments.architecture.suffix.lower() in ARRAYS:  # those say nothing of the stems
        architecture = architecture.at(config.search.finest, config.search.delay)
    weights = []
    for path in arguments.checkpoints:
        network = build_network(
            architecture, len(config.task.channels), len(config.task.labels), config.training.filters
        )
        load_reference_weights(network, load_reference_checkpoint(path))
        weights.append(network.state_dict())
    manifest = Manifest(config, architecture, tuple(Fold("", "") for _ in weights), arguments.notes)
    model = save_model(arguments.output, manifest, weights)
    reporter.result("model", path=str(model.path), name=manifest.name)
    reporter.message(f"{model.path}: {manifest.name}, {len(weights)} networks")
