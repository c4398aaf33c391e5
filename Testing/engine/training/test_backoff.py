"""What becomes of the learning rate where losses are not finite."""

from __future__ import annotations

import pytest

from dints.errors import RunError
from dints.events import Reporter
from dints.training.backoff import FACTOR, MOST_REDUCTIONS, LearningRateBackoff
from dints.training.step import NotFiniteError


class Heard(Reporter):
    """Keeps the warnings."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def warning(self, text: str) -> None:
        self.texts.append(text)


def fail() -> float:
    raise NotFiniteError("the loss became nan")


def test_a_step_that_is_left_out_halves_the_rate_and_is_told():
    heard = Heard()
    backoff = LearningRateBackoff("search", heard)
    assert backoff.watch(3, lambda: 0.5) == 0.5
    assert backoff.factor == 1
    assert backoff.watch(4, fail) is None
    assert backoff.factor == FACTOR
    assert heard.texts == [
        "search: the loss became nan at step 4; the step is left out, and the learning rate halved from here on"
    ]


def test_after_as_many_as_help_the_training_ends_with_a_remedy():
    backoff = LearningRateBackoff("train fold 0", Heard())
    for step in range(MOST_REDUCTIONS):
        backoff.watch(step, fail)
    with pytest.raises(RunError, match=r"train fold 0: the loss became nan at step 9, .* lower learning_rate"):
        backoff.watch(9, fail)
    assert backoff.reductions == MOST_REDUCTIONS
