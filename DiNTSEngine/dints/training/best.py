"""The best network of a training so far: on disk, with its Dice, and how long nothing was better."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from torch import nn

from dints.run_layout import is_better
from dints.training.checkpoint import save_checkpoint
from dints.training.log import defined
from dints.training.validation import mean_defined


class BestNetwork:
    """Keeps the network of the best validation in a file.

    Attributes:
        dice: of that validation, a foreground class each; empty before the first one.
        without_gain: how many validations were made since.
    """

    def __init__(self, path: Path, patience: int) -> None:
        """After `patience` validations without a gain nothing better is expected; 0 is without end."""
        self.path, self.patience = path, patience
        self.dice: tuple[float, ...] = ()
        self.without_gain = 0
        self.is_anew = False  # until the next validation

    @property
    def mean_dice(self) -> float:
        """Over the classes; NaN before the first validation, or if no class counts."""
        return mean_defined(self.dice)

    @property
    def is_final(self) -> bool:
        """Whether the patience is spent."""
        return 0 < self.patience <= self.without_gain

    @property
    def was_lost(self) -> bool:
        """Whether there is a best validation, but no longer its network."""
        return bool(self.dice) and not self.path.is_file()

    def restart(self) -> None:
        """Forgets the validations so far: the next network is the best one."""
        self.dice, self.without_gain, self.is_anew = (), 0, True

    def offer(self, network: nn.Module, dice: Sequence[float]) -> None:
        """Keeps a network that was just validated if it is the best one."""
        self.without_gain, self.is_anew = self.without_gain + 1, False
        if is_better(mean_defined(dice), self.mean_dice):
            self.dice, self.without_gain = tuple(dice), 0
            state = {"network": network.state_dict(), "dice": [defined(value) for value in dice]}
            save_checkpoint(self.path, state)
