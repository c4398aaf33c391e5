"""The architecture search (3.6, 4.1): network weights on one half of the data, architecture weights on the other."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.optim import SGD, Adam

from dints.config import Config
from dints.cost.operations import operation_costs
from dints.cost.seconds import WindowTimer
from dints.data.cache import Cache
from dints.data.sampling import prefetch
from dints.errors import InputError
from dints.events import Reporter
from dints.process_group import is_main_process, start_together, world_size
from dints.run_layout import SearchFiles
from dints.search.decode import discretization_gap
from dints.search.losses import ArchitectureLoss, architecture_loss
from dints.search.priced import FREE, Prices, cheapest, dearest, decode_at, prices_for
from dints.search.snapshots import Snapshot, moments
from dints.seeds import derived_seed, shuffled
from dints.space.architecture import Architecture
from dints.space.supernet import build_supernet
from dints.training.backoff import LearningRateBackoff
from dints.training.batches import AugmentedBatches
from dints.training.checkpoint import restoring, save_checkpoint, whole_steps
from dints.training.log import TrainingLog, defined, only_numbers
from dints.training.losses import batch_dice, segmentation_loss
from dints.training.schedule import milestone_rate, scaled
from dints.training.step import OptimizerStep, set_learning_rate
from dints.training.stopping import stoppable

STAGE = "search"
SEARCH_FOLD = 0  # the search sees the training cases of this fold (4.1: four of five parts)
SECONDS_TOLERANCE = 0.1  # of `search.seconds`, by which what is found may miss it without a warning
SHOWN = ("loss", "dice", "gap", "memory_fraction")  # of the log, with the progress


class Search:
    """A search in a folder that holds `checkpoint.pt` (to resume) and `log.jsonl`.

    Like a retraining it ends bit-identical (on the CPU) whether or not it was interrupted.
    """

    def __init__(
        self,
        config: Config,
        cache: Cache,
        names: Sequence[str],
        folder: Path,
        device: torch.device,
        reporter: Reporter,
    ) -> None:
        """`names` are the training cases of one fold; they are split into train1 and train2 here."""
        self.config, self.settings, self.space = config, config.search, config.search.space
        self.files, self.device, self.reporter = SearchFiles(folder), device, reporter
        torch.manual_seed(derived_seed(self.settings.seed, STAGE))
        self.supernet = build_supernet(
            self.space, len(config.task.channels), len(config.task.labels), self.settings.filters
        ).to(device)
        self.weights = list(self.supernet.weight_parameters())
        self.architecture_weights = list(self.supernet.architecture_parameters())
        self.weight_optimizer = SGD(
            self.weights,
            lr=self.settings.learning_rate_start,
            momentum=self.settings.momentum,
            weight_decay=self.settings.weight_decay,
            fused=True,
        )
        self.architecture_optimizer = Adam(self.architecture_weights, lr=self.settings.architecture_learning_rate)
        self.costs, self.target = self._costs()
        self.prices = FREE  # of what is found, so that it takes the seconds of the budget; measured at the end
        self.weight_step, self.architecture_step = (
            OptimizerStep(self.supernet, optimizer, self.settings.gradient_norm, device, reporter)
            for optimizer in (self.weight_optimizer, self.architecture_optimizer)
        )
        self.backoff = LearningRateBackoff(STAGE, reporter)
        self.halves = halves(names, self.settings.seed)
        self.batches = [
            AugmentedBatches([cache.case(name) for name in half], config, self.settings, f"{STAGE} {part}", device)
            for part, half in zip(("train1", "train2"), self.halves, strict=True)
        ]
        self.first_architecture_step = round(scaled(self.settings.weights_only, self.settings))
        self.earlier: list[Snapshot] = []  # of the moments that have passed

    @property
    def moments(self) -> list[int]:
        """After which steps a snapshot is kept for the race, before the end."""
        count = self.config.race.moments if self.config.race.enabled else 0
        return moments(self.first_architecture_step, self.settings.iterations, count)

    def run(self) -> Architecture:
        """Searches to the end of the schedule and returns the discrete architecture (3.3.3).

        InputError if the architecture would never learn: what is found would be random.
        """
        if self.first_architecture_step >= self.settings.iterations:
            rest = f"the architecture would rest for all of {self.settings.iterations} iterations"
            raise InputError(f"search.weights_only={self.settings.weights_only}: {rest}; lower it")
        first, total = start_together(self._resume(), self.supernet), self.settings.iterations
        log = TrainingLog(self.files.log, first, writes=is_main_process())
        first_train2 = max(first, self.first_architecture_step)
        with (
            closing(prefetch(self.batches[0], first)) as train1,
            closing(prefetch(self.batches[1], first_train2)) as train2,
            stoppable() as stop,
        ):
            for step in range(first, total):
                row = self.learn_weights(step, *next(train1))
                if step >= self.first_architecture_step:
                    row |= self.learn_architecture(step, *next(train2))
                log.append(row)
                done = step + 1
                if done in self.moments:
                    self.earlier.append(Snapshot.of(self.supernet, done))
                if done == total and self.target is not None and not self.config.race.enabled:
                    self.prices = self._prices()
                if done % self.settings.checkpoint_every == 0 or done == total:
                    self._save(done)
                self.reporter.progress(STAGE, done, total, **only_numbers({key: row.get(key) for key in SHOWN}))
                stop.heed(partial(self._save, done))
        return self.architecture()

    def learn_weights(self, step: int, images: Tensor, labels: Tensor) -> dict[str, Any]:
        """Network weights on train1."""
        rate = milestone_rate(step, self.settings) * self.backoff.factor
        set_learning_rate(self.weight_optimizer, rate)
        self._train_only(self.weights)
        criterion = partial(segmentation_loss, labels=labels)
        loss = self.backoff.watch(step, partial(self.weight_step, images, criterion))
        return {"step": step, "loss": loss, "learning_rate": rate, "micro_batch": self.weight_step.micro_batch}

    def learn_architecture(self, step: int, images: Tensor, labels: Tensor) -> dict[str, Any]:
        """Architecture weights on train2 (Eq. 11). The network has not learned from train2: its Dice is held out."""
        progress = (step - self.first_architecture_step + 1) / (self.settings.iterations - self.first_architecture_step)
        set_learning_rate(self.architecture_optimizer, self.settings.architecture_learning_rate * self.backoff.factor)
        self._train_only(self.architecture_weights)
        row: dict[str, Any] = {}

        def criterion(logits: Tensor) -> Tensor:
            terms = self._architecture_terms()
            row.update(terms.values(), dice=defined(batch_dice(logits, labels)))
            return segmentation_loss(logits, labels) + progress * terms.weighted_sum

        loss = self.backoff.watch(step, partial(self.architecture_step, images, criterion))
        return row | {
            "architecture_loss": loss,
            "architecture_micro_batch": self.architecture_step.micro_batch,
            "gap": self.gap(),
        }

    def _train_only(self, trained: Sequence[torch.nn.Parameter]) -> None:
        """Leaves out the gradients that the step does not use."""
        for parameter in (*self.weights, *self.architecture_weights):
            parameter.requires_grad_(False)
        for parameter in trained:
            parameter.requires_grad_(True)

    @torch.no_grad()
    def architecture(self) -> Architecture:
        """The most probable feasible architecture of the present weights (Eq. 4), at the prices of its seconds."""
        return decode_at(self.space, *self._probabilities(), self.costs.double().cpu().numpy(), self.prices)

    @torch.no_grad()
    def gap(self) -> int:
        """The discretization gap G of the present weights (4.4.2)."""
        return discretization_gap(self.space, self.supernet.edge_probability())

    @torch.no_grad()
    def expected_memory_share(self) -> float:
        """M_e / M_a of the present weights (Eq. 8 and 9)."""
        return float(self._architecture_terms().memory_fraction)

    def snapshots(self) -> list[Snapshot]:
        """Of the finished search, then of its earlier moments, the latest first."""
        return [Snapshot.of(self.supernet, self.settings.iterations), *reversed(self.earlier)]

    def _architecture_terms(self) -> ArchitectureLoss:
        """The parenthesis of Eq. 11 for the present weights."""
        return architecture_loss(
            self.space,
            *self._probabilities(),
            self.costs,
            self.settings.memory_budget,
            self.settings.topology_weight if self.settings.topology_loss else 0.0,
            self.target,
        )

    def _costs(self) -> tuple[Tensor, float | None]:
        """What edges cost [E, N], and the budget in that unit where it is one of seconds; else sigma is the budget.

        Seconds are measured once: checkpoints keep them.
        """
        if not self.settings.seconds or self.files.checkpoint.is_file():
            return operation_costs(self.space, self.settings.filters, self.config.sampling.patch).to(self.device), None
        if world_size() > 1:
            raise InputError("search.seconds: cannot be measured by several processes; search with one")
        wanted, timer = self.settings.seconds, WindowTimer.of(self.config, self.device)
        times = timer.parts(self.space)
        costs = times.edges.double().numpy()
        least, most = (timer.whole(extreme(self.space, costs)) for extreme in (cheapest, dearest))
        if least > (1 + SECONDS_TOLERANCE) * wanted:
            reason = f"the fastest network takes {least:.3g} s for a window on this computer"
            raise InputError(f"search.seconds must be larger, not {wanted:g}: {reason}")
        if most < (1 - SECONDS_TOLERANCE) * wanted:
            reason = f"the slowest network takes {most:.3g} s for a window on this computer"
            raise InputError(f"search.seconds must be smaller, not {wanted:g}: {reason}")
        return times.edges.to(self.device), max(0.0, wanted - times.fixed)

    def _probabilities(self) -> tuple[Tensor, Tensor]:
        return self.supernet.edge_probability(), self.supernet.operation_probability()

    @torch.no_grad()
    def _prices(self) -> Prices:
        """At which the measured time of what is found is nearest to `search.seconds`; says which that is."""
        wanted, costs = self.settings.seconds, self.costs.double().cpu().numpy()
        timer = WindowTimer.of(self.config, self.device)
        prices, found = prices_for(wanted, self.space, *self._probabilities(), costs, timer.whole)
        near = abs(found - wanted) <= SECONDS_TOLERANCE * wanted
        say = self.reporter.message if near else self.reporter.warning
        say(f"A window of the found network takes {found:.3g} s on this computer, {wanted:.3g} s were wanted")
        return prices

    def _save(self, step: int) -> None:
        state = {
            "step": step,
            "supernet": self.supernet.state_dict(),
            "weight_optimizer": self.weight_optimizer.state_dict(),
            "architecture_optimizer": self.architecture_optimizer.state_dict(),
            "weight_step": self.weight_step.state(),
            "architecture_step": self.architecture_step.state(),
            "reductions": self.backoff.reductions,
            "earlier": [snapshot.to_state() for snapshot in self.earlier],
        }
        if self.target is not None:
            state |= {"costs": self.costs, "target": self.target, "prices": list(self.prices)}
        save_checkpoint(self.files.checkpoint, state)
        if is_main_process():
            self.architecture().save(self.files.current_architecture)

    def _resume(self) -> int:
        """The step to go on from: 0 for a new search."""
        if not self.files.checkpoint.is_file():
            return 0
        with restoring(self.files.checkpoint, self.device) as state:
            self.supernet.load_state_dict(state["supernet"])
            self.weight_optimizer.load_state_dict(state["weight_optimizer"])
            self.architecture_optimizer.load_state_dict(state["architecture_optimizer"])
            self.weight_step.load_state(state["weight_step"])
            self.architecture_step.load_state(state["architecture_step"])
            self.backoff.reductions = int(state.get("reductions", 0))
            if self.settings.seconds:
                self.costs, self.target = state["costs"].to(self.device), float(state["target"])
                of_edges, of_operations = state.get("prices", FREE)
                self.prices = float(of_edges), float(of_operations)
            self.earlier = [Snapshot.from_state(own) for own in state.get("earlier", ())]
            return whole_steps(state["step"], self.settings.iterations)


def halves(names: Sequence[str], seed: int) -> tuple[list[str], list[str]]:
    """train1 and train2 (3.6), drawn once a seed."""
    order = shuffled(names, seed, f"{STAGE} halves")
    middle = (len(order) + 1) // 2
    return order[:middle], order[middle:]
