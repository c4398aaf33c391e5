"""Writes a tiny untrained model, for tests: `PythonSlicer tiny_model.py FILE [--modality CT] [--channels a,b] ...`.

Runs in a process of its own, because it needs PyTorch. What the model segments has no meaning; how long it takes does.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

import torch

from dints.config import Config
from dints.model.manifest import Fold, Manifest
from dints.model.model import save_model
from dints.space.architecture import Architecture
from dints.space.network import build_network
from dints.space.search_space import SearchSpace

SPACE = SearchSpace(layers=2, levels=2)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file")
    parser.add_argument("--name", default="Tiny")
    parser.add_argument("--modality", default="CT")
    parser.add_argument("--channels", default="image")
    parser.add_argument("--labels", default="liver,kidney")
    parser.add_argument("--folds", type=int, default=2)
    parser.add_argument("--patch", type=int, default=16, help="voxels")
    parser.add_argument("--spacing", type=float, default=6.0, help="mm; a coarse one is quick")
    options = parser.parse_args(arguments)
    config = tiny_config(options)
    architecture = Architecture.random(SPACE, seed=0)
    classes, channels = len(config.task.labels), len(config.task.channels)
    weights = []
    for fold in range(options.folds):
        torch.manual_seed(fold)
        weights.append(build_network(architecture, channels, classes, config.training.filters).state_dict())
    folds = tuple(Fold("", "", (0.9,) * (classes - 1)) for _fold in weights)
    save_model(options.file, Manifest(config, architecture, folds, notes="For tests: not trained."), weights)


def tiny_config(options: argparse.Namespace) -> Config:
    """Settings with which a body CT takes a second."""
    config = Config()
    names = ["background", *options.labels.split(",")]
    task = replace(
        config.task,
        name=options.name,
        description="Tiny test model",
        modality=options.modality,
        channels=tuple(options.channels.split(",")),
        labels=dict(enumerate(names)),
    )
    is_ct = options.modality == "CT"
    preprocessing = replace(
        config.preprocessing, spacing=(options.spacing,) * 3, intensity="window" if is_ct else "zscore"
    )
    return replace(
        config,
        task=task,
        preprocessing=preprocessing,
        sampling=replace(config.sampling, patch=(options.patch,) * 3),
        search=replace(config.search, layers=SPACE.layers, levels=SPACE.levels),
        training=replace(config.training, filters=2),
        inference=replace(config.inference, overlap=0.25),
    )


if __name__ == "__main__":
    main()
