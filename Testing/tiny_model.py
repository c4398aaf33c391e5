"""Writes a model that segments within a second: two untrained networks of a few weights.

`python Testing/tiny_model.py MODEL.zip` for tests whose own process must not import PyTorch.
"""

from __future__ import annotations

import sys
from pathlib import Path

LABELS = {0: "background", 1: "liver", 2: "left kidney", 3: "tumour"}
SETTINGS = [
    "task.name=tiny",
    "task.modality=CT",
    "preprocessing.crop_foreground=false",
    "preprocessing.spacing=[1.0, 1.0, 1.0]",
    "preprocessing.intensity=window",
    "preprocessing.window=[0.0, 100.0]",
    "sampling.patch=[16, 16, 16]",
    "training.filters=2",
    "inference.stride=null",
    "inference.overlap=0.25",
]


def write_tiny_model(path: Path, networks: int = 2) -> Path:
    """Two layers, two levels, two filters; weights from fixed seeds."""
    from dataclasses import replace

    import torch

    from dints.architecture import Architecture
    from dints.config import Config
    from dints.model.manifest import Fold, Manifest
    from dints.model.model import save_model
    from dints.space.network import build_network
    from dints.space.search_space import SearchSpace

    config = Config.load("phantom").with_overrides(SETTINGS)
    config = replace(config, task=replace(config.task, channels=("CT",), labels=LABELS))
    architecture = Architecture.random(SearchSpace(layers=2, levels=2), seed=0, density=0.8)
    weights = []
    for seed in range(networks):
        torch.manual_seed(seed)
        weights.append(build_network(architecture, 1, len(LABELS), config.training.filters).state_dict())
    folds = tuple(Fold("", "", (0.9, 0.8, 0.7)) for _ in weights)
    save_model(path, Manifest(config, architecture, folds, "for tests"), weights)
    return path


if __name__ == "__main__":
    write_tiny_model(Path(sys.argv[1]))
