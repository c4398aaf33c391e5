"""What a search or retraining does where a loss is not finite: leave the step out and go on more slowly."""

from __future__ import annotations

from collections.abc import Callable

from dints.events import Reporter
from dints.training.step import NotFiniteError, UntrainableError

FACTOR = 0.5  # of the learning rate
MOST_REDUCTIONS = 5  # a thirtieth of the rate; what still fails then does not fail for its sake


class LearningRateBackoff:
    """The factor on the learning rate, which falls with every step that was left out.

    Attributes:
        reductions: how often it fell; belongs into checkpoints.
    """

    def __init__(self, stage: str, reporter: Reporter) -> None:
        self.stage, self.reporter = stage, reporter
        self.reductions = 0

    @property
    def factor(self) -> float:
        """Of the learning rate."""
        return FACTOR**self.reductions

    def watch(self, step: int, make: Callable[[], float]) -> float | None:
        """The loss of the step that is made; None if it was left out.

        Raises:
            UntrainableError: too many were left out.
        """
        try:
            return make()
        except NotFiniteError as error:
            sentence = f"{self.stage}: {error} at step {step}"
            if self.reductions == MOST_REDUCTIONS:
                raise UntrainableError(
                    f"{sentence}, and the learning rate was halved {self.reductions} times before; the last checkpoint "
                    "is kept: check the data with `dints check`, or start a new run with a lower learning_rate"
                ) from error
        self.reductions += 1
        self.reporter.warning(f"{sentence}; the step is left out, and the learning rate halved from here on")
        return None
