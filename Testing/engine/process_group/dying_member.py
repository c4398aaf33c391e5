"""The command line in a process that torchrun started; the second one is killed in its fourth step, once."""

from __future__ import annotations

import os
import signal

from dints.cli import main
from dints.training.retrain import FoldTrainer

STEPS = 3  # done before it dies; the last checkpoint is of the second


def die_after_some_steps() -> None:
    train_step, done = FoldTrainer.train_step, []

    def step(trainer: FoldTrainer, *arguments):
        if len(done) == STEPS:
            os.kill(os.getpid(), signal.SIGKILL)
        done.append(train_step(trainer, *arguments))
        return done[-1]

    FoldTrainer.train_step = step


if __name__ == "__main__":
    if os.environ["RANK"] == "1" and os.environ["TORCHELASTIC_RESTART_COUNT"] == "0":
        die_after_some_steps()
    raise SystemExit(main())
