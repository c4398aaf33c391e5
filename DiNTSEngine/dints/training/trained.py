"""The networks that retraining left in a run."""

from __future__ import annotations

import torch

from dints.run import Run
from dints.space.network import Network, build_network
from dints.training.checkpoint import restoring


def load_fold(run: Run, fold: int) -> tuple[Network, tuple[float | None, ...]]:
    """The best network of a fold, on the CPU and ready for inference, and its validation Dice a foreground class."""
    config = run.config
    network = build_network(
        run.architecture(), len(config.task.channels), len(config.task.labels), config.training.filters
    )
    with restoring(run.fold_folder(fold) / "best.pt", torch.device("cpu")) as state:
        network.load_state_dict(state["network"])
        dice = tuple(None if value is None else float(value) for value in state["dice"])
    network.eval().requires_grad_(False)
    return network, dice
