"""How often training keeps the weights of a network, by its settings."""

from __future__ import annotations

from dints.config import SearchConfig, TrainingConfig

WEIGHTS_AND_GRADIENTS = 2
ADAM_MOMENTS = 2

PAPER_COPIES = WEIGHTS_AND_GRADIENTS + 1  # with the momentum of SGD (4.1)
ARCHITECTURE_COPIES = WEIGHTS_AND_GRADIENTS + ADAM_MOMENTS  # of the architecture's own weights in a search (4.1)


def search_copies(settings: SearchConfig) -> int:
    """Of the supernet's weights in a search: themselves, their gradients, the momentum of SGD."""
    return WEIGHTS_AND_GRADIENTS + _momentum(settings.momentum)


def training_copies(settings: TrainingConfig) -> int:
    """Of the weights in a retraining: themselves, their gradients, what the optimizer keeps, their average."""
    state = {"sgd": _momentum(settings.momentum), "adamw": ADAM_MOMENTS}[settings.optimizer]
    return WEIGHTS_AND_GRADIENTS + state + (settings.average > 0)


def _momentum(factor: float) -> int:
    return int(factor != 0)
