"""Retraining a searched architecture from random weights on one fold (4.1)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import SGD, AdamW, Optimizer

from dints.config import Config, TrainingConfig
from dints.data.cache import Cache
from dints.data.sampling import prefetch
from dints.events import Reporter
from dints.process_group import is_main_process, start_together
from dints.run_layout import ANEW, TrainingFiles, read_log
from dints.seeds import derived_seed
from dints.training.average import WeightAverage
from dints.training.backoff import LearningRateBackoff
from dints.training.batches import AugmentedBatches
from dints.training.best import BestNetwork
from dints.training.checkpoint import restoring, save_checkpoint, whole_steps
from dints.training.deep_supervision import supervised_loss
from dints.training.log import TrainingLog, defined, only_numbers
from dints.training.schedule import RATES
from dints.training.step import OptimizerStep, set_learning_rate
from dints.training.stopping import StopRequest, stoppable
from dints.training.validation import mean_defined, validate
from dints.zoo.heads import DeepSupervision


@dataclass(frozen=True)
class FoldResult:
    """The best network of a fold: where its weights are and its validation Dice a foreground class."""

    fold: int
    checkpoint: Path
    dice: tuple[float, ...]
    mean_dice: float


class FoldTrainer:
    """Trains one fold. Its folder holds `last.pt` (to resume), `best.pt` (weights) and `log.jsonl`.

    A run that was interrupted goes on from `last.pt` and ends bit-identical to one that was not (on the CPU): the
    batches, augmentations and learning rates are functions of the step.
    """

    def __init__(
        self,
        config: Config,
        build: Callable[[], nn.Module],
        cache: Cache,
        split: tuple[Sequence[str], Sequence[str]],
        fold: int,
        folder: Path,
        device: torch.device,
        reporter: Reporter,
    ) -> None:
        """`build` makes the network, from the fold's seed; `split` holds names of training and validation cases."""
        self.config, self.settings, self.fold = config, config.training, fold
        self.files, self.device, self.reporter = TrainingFiles(folder), device, reporter
        self.stage = f"train fold {fold}"
        training_cases, validation_cases = ([cache.case(name) for name in names] for names in split)
        self.validation_cases = validation_cases[: self.settings.validation_cases or None]
        self.batches = AugmentedBatches(training_cases, config, self.settings, self.stage, device)
        torch.manual_seed(derived_seed(self.settings.seed, self.stage))
        # What follows changes with every step, and belongs into checkpoints.
        self.network = build().to(device)
        self.supervision: DeepSupervision | None = None
        if self.settings.deep_supervision:
            self.supervision = DeepSupervision(self.network, len(config.task.labels)).to(device)
        self.trained = self.supervision or self.network
        self.optimizer = build_optimizer(list(self.trained.parameters()), self.settings)
        self.optimizer_step = OptimizerStep(self.trained, self.optimizer, self.settings.gradient_norm, device, reporter)
        self.backoff = LearningRateBackoff(self.stage, reporter)
        self.average = WeightAverage(self.network, self.settings.average) if self.settings.average else None
        self.best = BestNetwork(self.files.best, self.settings.patience)
        self.validated = True  # else the validation after the last step is still to be made

    def run(self, until: int | None = None) -> FoldResult:
        """Trains to the end of the schedule, from the last checkpoint if there is one.

        `until` is a step of the schedule at which it pauses, validated and saved; another call goes on from there.
        """
        first, total = start_together(self._resume(), self.trained), self.settings.iterations
        end = total if until is None else min(until, total)
        log = TrainingLog(self.files.log, first, writes=is_main_process())
        with closing(prefetch(self.batches, first)) as batches, stoppable() as stop:
            if not self.validated:
                log.append(self._validate(first - 1, stop))
                self._save(first)
            for step in range(first, end):
                if self.best.is_final:
                    gain = f"no gain in {self.best.without_gain} validations"
                    self.reporter.message(f"{self.stage}: {gain}; stopped at {step}")
                    self.reporter.progress(self.stage, total, total)  # nothing of it is left
                    break
                row = self.train_step(step, *next(batches))
                log.append(row)
                done = step + 1
                if done % self.settings.validate_every == 0 or done == end:
                    log.append(self._validate(step, stop))
                if done % self.settings.checkpoint_every == 0 or done == end or self.best.is_final:
                    self._save(done)
                shown = only_numbers({"loss": row["loss"], "dice": self.best.mean_dice})
                self.reporter.progress(self.stage, done, total, **shown)
                stop.heed(partial(self._save, done))
        return FoldResult(self.fold, self.files.best, self.best.dice, self.best.mean_dice)

    def train_step(self, step: int, images: Tensor, labels: Tensor) -> dict[str, Any]:
        """Makes one step; the row for the log, whose loss is None if it was not finite."""
        rate = RATES[self.settings.schedule](step, self.settings) * self.backoff.factor
        set_learning_rate(self.optimizer, rate)
        make = partial(self.optimizer_step, images, lambda *logits: supervised_loss(logits, labels))
        loss = self.backoff.watch(step, make)
        if self.average:
            self.average.update(self.network)
        return {"step": step, "loss": loss, "learning_rate": rate, "micro_batch": self.optimizer_step.micro_batch}

    def _validate(self, step: int, stop: StopRequest) -> dict[str, Any]:
        """Scores the network, or the average of its weights, keeps the best one, and returns the row for the log.

        A validation that is stopped is made when the training goes on; the step before it is saved.
        """
        network = self.average.network if self.average else self.network
        self.validated = False
        try:
            dice = validate(network, self.validation_cases, self.config, self.device, self.reporter, stop)
        except KeyboardInterrupt:
            self._save(step + 1)
            raise
        self.validated = True
        row = {"step": step, "dice": [defined(value) for value in dice], "mean_dice": defined(mean_defined(dice))}
        row |= {ANEW: True} if self.best.is_anew else {}
        self.best.offer(network, dice)
        return row | {"stopped": True} if self.best.is_final else row

    def _save(self, step: int) -> None:
        state = {
            "step": step,
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "optimizer_step": self.optimizer_step.state(),
            "reductions": self.backoff.reductions,
            "best": list(self.best.dice),
            "without_gain": self.best.without_gain,
            "validated": self.validated,
        }
        if self.average:
            state["average"] = self.average.state()
        if self.supervision:
            state["heads"] = self.supervision.heads.state_dict()
        save_checkpoint(self.files.last, state)

    def _resume(self) -> int:
        """The step to go on from: 0 for a new run."""
        if not self.files.last.is_file():
            return 0
        with restoring(self.files.last, self.device) as state:
            self.network.load_state_dict(state["network"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.optimizer_step.load_state(state["optimizer_step"])
            self.backoff.reductions = int(state.get("reductions", 0))
            self.best.dice = tuple(map(float, state["best"]))
            self.best.without_gain = int(state.get("without_gain", 0))
            if self.average:
                self.average.load_state(state["average"])
            if self.supervision:
                self.supervision.heads.load_state_dict(state["heads"])
            step = whole_steps(state["step"], self.settings.iterations)
            self.validated = bool(state.get("validated", True)) and not self._end_was_lost(step)
        if self.best.was_lost:
            then = f"what is best from step {step} on takes its place; delete {self.files.folder} to train anew instead"
            self.reporter.warning(f"{self.files.best}: is gone, and with it the best network so far; {then}")
            self.best.restart()
        return step

    def _end_was_lost(self, step: int) -> bool:
        """Whether a finished training lacks its network, or its log the validation that says so: deleted, maybe."""
        if step < self.settings.iterations and not self.best.is_final:
            return False
        rows = read_log(self.files.log)
        return self.best.was_lost or not any(row["step"] == step - 1 and "mean_dice" in row for row in rows)


def build_optimizer(parameters: Sequence[nn.Parameter], settings: TrainingConfig) -> Optimizer:
    """SGD with momentum (4.1) or AdamW; the rate is set at every step.

    Fused, they go through the weights once: on the CPU AdamW takes a seventh of the time, SGD two thirds.
    """
    rate, decay = settings.learning_rate, settings.weight_decay
    if settings.optimizer == "adamw":
        return AdamW(parameters, lr=rate, weight_decay=decay, fused=True)
    return SGD(parameters, lr=rate, momentum=settings.momentum, weight_decay=decay, fused=True)
