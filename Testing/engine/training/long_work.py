"""Work for a process of its own, which imports it from here."""

from __future__ import annotations

import time
from functools import partial

import torch

from dints.events import Reporter
from dints.training.step import UntrainableError
from dints.training.stopping import stoppable

STEPS = 200  # of 50 ms each


def work_for_long(device: torch.device, reporter: Reporter) -> int:
    """Counts until it is told to stop, and says how far it came."""
    with stoppable() as stop:
        for step in range(STEPS):
            reporter.progress("work", step, STEPS)
            time.sleep(0.05)
            stop.heed(partial(reporter.message, f"saved {step}"))
    return STEPS


def fail(_device: torch.device, reporter: Reporter) -> None:
    reporter.progress("failing", 0, 1)
    raise UntrainableError("the loss became nan")
