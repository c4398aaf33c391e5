"""Retraining a searched architecture from random weights on one fold (4.1)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim import SGD, AdamW, Optimizer

from dints.config import Config, TrainingConfig
from dints.data.cache import Cache
from dints.data.sampling import PatchSampler, prefetch
from dints.events import Reporter
from dints.process_group import is_main_process, start_together
from dints.run_layout import is_better
from dints.seeds import derived_seed
from dints.training.average import WeightAverage
from dints.training.backoff import LearningRateBackoff
from dints.training.batches import AugmentedBatches
from dints.training.checkpoint import restoring, save_checkpoint, whole_steps
from dints.training.deep_supervision import DeepSupervision, supervised_loss
from dints.training.log import TrainingLog, defined
from dints.training.schedule import RATES
from dints.training.step import OptimizerStep, set_learning_rate
from dints.training.stopping import StopRequest, stoppable
from dints.training.validation import mean_defined, validate


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
        self.config, self.settings, self.fold, self.folder = config, config.training, fold, folder
        self.device, self.reporter = device, reporter
        self.stage = f"train fold {fold}"
        training_names, validation_names = split
        limit = self.settings.validation_cases or len(validation_names)
        self.validation_cases = [cache.case(name) for name in validation_names[:limit]]
        torch.manual_seed(derived_seed(self.settings.seed, self.stage))
        self.network = build().to(device)
        self.supervision: DeepSupervision | None = None
        if self.settings.deep_supervision:
            self.supervision = DeepSupervision(self.network, len(config.task.labels)).to(device)
        trained = self.supervision or self.network
        self.parameters = list(trained.parameters())
        self.optimizer = build_optimizer(self.parameters, self.settings)
        self.optimizer_step = OptimizerStep(trained, self.optimizer, self.settings.gradient_norm, device, reporter)
        self.backoff = LearningRateBackoff(self.stage, reporter)
        sampler = PatchSampler(
            [cache.case(name) for name in training_names],
            config.sampling,
            self.settings.batch_size,
            self.settings.seed,
            self.stage,
        )
        self.batches = AugmentedBatches(sampler, config.augmentation, device, config.task.sides)
        self.average = WeightAverage(self.network, self.settings.average) if self.settings.average else None
        self.best: tuple[float, ...] = ()
        self.without_gain = 0  # validations since the best one
        self.validated = True  # else the validation after the last step is still to be made

    @property
    def kept_network(self) -> nn.Module:
        """What is validated and kept: the average of the weights where there is one."""
        return self.average.network if self.average else self.network

    def run(self, until: int | None = None) -> FoldResult:
        """Trains to the end of the schedule, from the last checkpoint if there is one.

        `until` is a step of the schedule at which it pauses, validated and saved; another call goes on from there.
        """
        first = start_together(self._resume(), self.supervision or self.network)
        total = self.settings.iterations
        end = total if until is None else min(until, total)
        log = TrainingLog(self.folder / "log.jsonl", first, writes=is_main_process())
        with closing(prefetch(self.batches, first)) as batches, stoppable() as stop:
            if not self.validated:
                log.append(self._validate(first - 1, stop))
                self._save(first)
            for step in range(end if self._stops() else first, end):
                row = self._train_step(step, *next(batches))
                log.append(row)
                done = step + 1
                if done % self.settings.validate_every == 0 or done == end:
                    log.append(self._validate(step, stop))
                if done % self.settings.checkpoint_every == 0 or done == end or self._stops():
                    self._save(done)
                shown = {"loss": row["loss"], "dice": mean_defined(self.best) if self.best else None}
                self.reporter.progress(
                    self.stage, done, total, **{name: value for name, value in shown.items() if value is not None}
                )
                stop.heed(partial(self._save, done))
                if self._stops():
                    self.reporter.message(
                        f"{self.stage}: no gain in {self.without_gain} validations; stopped at {done}"
                    )
                    break
        return FoldResult(self.fold, self.folder / "best.pt", self.best, mean_defined(self.best))

    def _train_step(self, step: int, images: torch.Tensor, labels: torch.Tensor) -> dict[str, Any]:
        """The row for the log; its loss is None if it was not finite."""
        rate = self._learning_rate(step) * self.backoff.factor
        set_learning_rate(self.optimizer, rate)
        loss = self.backoff.watch(
            step, lambda: self.optimizer_step(images, lambda *logits: supervised_loss(logits, labels))
        )
        if self.average:
            self.average.update(self.network)
        return {"step": step, "loss": loss, "learning_rate": rate, "micro_batch": self.optimizer_step.micro_batch}

    def _learning_rate(self, step: int) -> float:
        return RATES[self.settings.schedule](step, self.settings)

    def _stops(self) -> bool:
        """Whether the patience is spent."""
        return 0 < self.settings.patience <= self.without_gain

    def _validate(self, step: int, stop: StopRequest) -> dict[str, Any]:
        """Scores the network, keeps it if it is the best so far, and returns the row for the log.

        A validation that is stopped is made when the training goes on; the step before it is saved.
        """
        self.validated = False
        try:
            dice = tuple(
                validate(self.kept_network, self.validation_cases, self.config, self.device, self.reporter, stop)
            )
        except KeyboardInterrupt:
            self._save(step + 1)
            raise
        self.validated = True
        self.without_gain += 1
        if is_better(mean_defined(dice), mean_defined(self.best) if self.best else math.nan):
            self.best, self.without_gain = dice, 0
            state = {"network": self.kept_network.state_dict(), "dice": [defined(value) for value in dice]}
            save_checkpoint(self.folder / "best.pt", state)
        row = {"step": step, "dice": [defined(value) for value in dice], "mean_dice": defined(mean_defined(dice))}
        return row | {"stopped": True} if self._stops() else row

    def _save(self, step: int) -> None:
        state = {
            "step": step,
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "optimizer_step": self.optimizer_step.state(),
            "reductions": self.backoff.reductions,
            "best": list(self.best),
            "without_gain": self.without_gain,
            "validated": self.validated,
        }
        if self.average:
            state["average"] = self.average.state()
        if self.supervision:
            state["heads"] = self.supervision.heads.state_dict()
        save_checkpoint(self.folder / "last.pt", state)

    def _resume(self) -> int:
        """The step to go on from: 0 for a new run."""
        path = self.folder / "last.pt"
        if not path.is_file():
            return 0
        with restoring(path, self.device) as state:
            self.network.load_state_dict(state["network"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.optimizer_step.load_state(state["optimizer_step"])
            self.backoff.reductions = int(state.get("reductions", 0))
            self.best = tuple(map(float, state["best"]))
            self.without_gain = int(state.get("without_gain", 0))
            self.validated = bool(state.get("validated", True))
            if self.average:
                self.average.load_state(state["average"])
            if self.supervision:
                self.supervision.heads.load_state_dict(state["heads"])
            return whole_steps(state["step"], self.settings.iterations)


def build_optimizer(parameters: Sequence[torch.nn.Parameter], settings: TrainingConfig) -> Optimizer:
    """SGD with momentum (4.1) or AdamW; the rate is set at every step.

    Fused, they go through the weights once: on the CPU AdamW takes a seventh of the time, SGD two thirds.
    """
    rate, decay = settings.learning_rate, settings.weight_decay
    if settings.optimizer == "adamw":
        return AdamW(parameters, lr=rate, weight_decay=decay, fused=True)
    return SGD(parameters, lr=rate, momentum=settings.momentum, weight_decay=decay, fused=True)
