"""The columns of Table 1 for an architecture and the 3D U-Net, and a line of them in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from dints.config import Config
from dints.cost.complexity import unet_summary
from dints.cost.memory import retraining_cost
from dints.cost.weights import training_copies
from dints.space.network import Design


def architecture_numbers(architecture: Design[Any], config: Config) -> dict[str, dict[str, int]]:
    """Parameters, multiply-adds and training memory (bytes) of one patch, beside those of the 3D U-Net (Table 1)."""
    one_patch = replace(config, training=replace(config.training, batch_size=1))
    channels, classes, copies = len(config.task.channels), len(config.task.labels), training_copies(config.training)
    unet = unet_summary(config.sampling.patch, channels, classes, weight_copies=copies)
    return {"architecture": asdict(retraining_cost(architecture, one_patch)), "unet": asdict(unet)}


def describe_cost(numbers: Mapping[str, int]) -> str:
    """Parameters, multiply-adds and training memory in the units of Table 1."""
    return (
        f"{numbers['parameters'] / 1e6:.2f} M parameters, {numbers['macs'] / 1e9:.2f} G multiply-adds, "
        f"{numbers['training_memory'] / 2**20:.0f} MiB to train (predicted)"
    )
