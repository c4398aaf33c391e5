"""What a training starts from when not from random weights, and the settings of a fine-tuning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from dints.config import TrainingConfig
from dints.errors import InputError, brief

# A fine-tuning takes a tenth of the steps and of the rate that the training took: enough to learn what is new, and too
# little to leave the neighbourhood of what was learned.
SHARE = 0.1
FEWEST_ITERATIONS = 100
WARM_UP_SHARE = 0.05
VALIDATIONS = 10
PATIENCE = 3


@dataclass(frozen=True)
class StartRecord:
    """Kept in a run: the model that its networks start from, and the run whose cases they learn from, too.

    Attributes:
        model: its "id", "name", "version", "family", "lineage" and "range"; of a run or a checkpoint, its name alone.
        folds: that have weights to start from.
        old_run: folder of the run that the model comes from; "" learns from the new cases alone.
    """

    model: Mapping[str, Any]
    folds: tuple[int, ...]
    old_run: str = ""

    def to_mapping(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self) | {"model": dict(self.model), "folds": list(self.folds)}

    @staticmethod
    def from_mapping(values: Any, source: str) -> StartRecord | None:
        """None of None; InputError if it is something else than `to_mapping` gives."""
        if values is None:
            return None
        try:
            model, folds, old_run = dict(values["model"]), tuple(values["folds"]), values["old_run"]
            if not isinstance(old_run, str) or not folds or any(type(fold) is not int for fold in folds):
                raise TypeError("its folds or its old run are none")
            return StartRecord(model, folds, old_run)
        except (LookupError, TypeError, ValueError) as error:
            reason = brief(error)
            raise InputError(f"{source}: does not say what it started from ({reason}); start a new run") from error


def finetuning(training: TrainingConfig) -> TrainingConfig:
    """The settings with which a network that was trained with `training` learns from more cases."""
    iterations = min(training.iterations, max(FEWEST_ITERATIONS, round(training.iterations * SHARE)))
    rate = training.learning_rate * SHARE
    every = max(1, iterations // VALIDATIONS)
    return replace(
        training,
        iterations=iterations,
        schedule_iterations=iterations,
        schedule="polynomial",
        warmup=round(iterations * WARM_UP_SHARE),
        learning_rate_start=rate * SHARE,
        learning_rate=rate,
        validate_every=every,
        checkpoint_every=every,
        patience=PATIENCE,
    )
