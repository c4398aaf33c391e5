"""A loss that is not finite is caught at its step, which is left out; a few times, then the run stops."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

import dints.search.loop
import dints.training.deep_supervision
from dints.config import Config
from dints.data.cache import Cache
from dints.errors import RunError
from dints.run_layout import read_log
from dints.search.loop import Search
from dints.space.search_space import SearchSpace
from dints.space.supernet import Supernet
from dints.training.backoff import MOST_REDUCTIONS
from dints.training.checkpoint import load_checkpoint
from dints.training.losses import segmentation_loss
from dints.training.retrain import FoldTrainer

from .conftest import Warnings

CPU = torch.device("cpu")
ITERATIONS = 2 * MOST_REDUCTIONS + 2


@pytest.fixture
def config(tiny_config: Config) -> Config:
    """A constant learning rate, and a checkpoint after every second step."""
    constant = {"iterations": ITERATIONS, "schedule_iterations": ITERATIONS, "warmup": 0, "milestones": ()}
    return replace(
        tiny_config,
        search=replace(tiny_config.search, **constant, weights_only=0, checkpoint_every=2),
        training=replace(
            tiny_config.training, **constant, schedule="milestones", checkpoint_every=2, validate_every=ITERATIONS
        ),
    )


@pytest.fixture
def bad_at(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes losses infinite, by the number of their computation from 0 on; `watch` is called before each."""

    def make_bad(*numbers: int, watch: Callable[[], None] = lambda: None) -> None:
        calls = iter(range(10**6))

        def loss(logits: Tensor, labels: Tensor) -> Tensor:
            watch()
            return segmentation_loss(logits, labels) * (math.inf if next(calls) in numbers else 1.0)

        for module in (dints.training.deep_supervision, dints.search.loop):
            monkeypatch.setattr(module, "segmentation_loss", loss)

    return make_bad


def trainer(config: Config, cache: Cache, folder: Path, reporter: Warnings) -> FoldTrainer:
    """Of the smallest network, on two cases, validated with a third."""

    def build() -> torch.nn.Module:
        return Supernet(SearchSpace(2, 2), 1, len(config.task.labels), filters=2)

    names = sorted(cache.cases)
    return FoldTrainer(config, build, cache, (names[:2], names[2:3]), 0, folder, CPU, reporter)


def weights_of(path: Path) -> list[Tensor]:
    return list(load_checkpoint(path, CPU)["network"].values())


def test_the_step_is_left_out_and_the_run_goes_on_at_half_the_rate(
    config: Config, cache: Cache, tmp_path: Path, warnings: Warnings, bad_at: Callable
) -> None:
    states: list[list[Tensor]] = []
    trained = trainer(config, cache, tmp_path, warnings)
    bad_at(3, watch=lambda: states.append([parameter.detach().clone() for parameter in trained.network.parameters()]))
    trained.run()
    assert all(map(torch.equal, states[3], states[4]))
    assert not all(map(torch.equal, states[4], states[5]))
    rows = [row for row in read_log(tmp_path / "log.jsonl") if "loss" in row]
    assert [row["step"] for row in rows if row["loss"] is None] == [3]
    full = config.training.learning_rate
    assert [row["learning_rate"] for row in rows] == [full] * 4 + [full / 2] * (ITERATIONS - 4)
    assert warnings.texts == [
        "train fold 0: the loss became inf at step 3; the step is left out, and the learning rate halved from here on"
    ]


def test_a_loss_that_stays_bad_stops_the_run_and_the_last_checkpoint_is_kept(
    config: Config, cache: Cache, tmp_path: Path, warnings: Warnings, bad_at: Callable
) -> None:
    bad_at(*range(2, 10**3))
    with pytest.raises(RunError, match=rf"step {MOST_REDUCTIONS + 2}.*halved {MOST_REDUCTIONS} times.*dints check"):
        trainer(config, cache, tmp_path, warnings).run()
    assert len(warnings.texts) == MOST_REDUCTIONS
    assert all(weight.isfinite().all() for weight in weights_of(tmp_path / "last.pt"))


def test_a_run_that_resumes_keeps_its_reduced_rate_and_ends_in_the_same_bits(
    config: Config, cache: Cache, tmp_path: Path, warnings: Warnings, bad_at: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad_at(3)
    trainer(config, cache, tmp_path / "whole", warnings).run()
    bad_at(3)
    interrupted = trainer(config, cache, tmp_path / "resumed", warnings)

    def stop(stage: str, done: int, total: int, /, **metrics: float) -> None:
        if done == 5:
            raise KeyboardInterrupt

    monkeypatch.setattr(warnings, "progress", stop)
    with pytest.raises(KeyboardInterrupt):
        interrupted.run()
    monkeypatch.undo()
    trainer(config, cache, tmp_path / "resumed", warnings).run()
    whole, resumed = (weights_of(tmp_path / name / "last.pt") for name in ("whole", "resumed"))
    assert all(map(torch.equal, whole, resumed))
    logs = [(tmp_path / name / "log.jsonl").read_bytes() for name in ("whole", "resumed")]
    assert logs[0] == logs[1]


def test_a_search_leaves_out_steps_of_weights_and_of_the_architecture(
    config: Config, cache: Cache, tmp_path: Path, warnings: Warnings, bad_at: Callable
) -> None:
    bad_at(2, 5)  # the network's loss of step 1, the architecture's of step 2
    Search(config, cache, sorted(cache.cases), tmp_path, CPU, warnings).run()
    rows = read_log(tmp_path / "log.jsonl")
    assert [row["step"] for row in rows if row["loss"] is None] == [1]
    assert [row["step"] for row in rows if row["architecture_loss"] is None] == [2]
    assert rows[-1]["learning_rate"] == config.search.learning_rate / 4
    assert len(warnings.texts) == 2


def test_the_architecture_gradient_is_clipped_as_well(config: Config, cache: Cache, tmp_path: Path) -> None:
    searching = Search(config, cache, sorted(cache.cases), tmp_path, CPU, Warnings())
    limit = config.search.gradient_norm
    for step, weights in (
        (searching.weight_step, searching.weights),
        (searching.architecture_step, searching.architecture_weights),
    ):
        searching._train_only(weights)
        step(torch.zeros(1, 1, 16, 16, 16), lambda logits, own=weights: sum(1e6 * weight.sum() for weight in own))
        norm = torch.stack([weight.grad.norm() for weight in weights if weight.grad is not None]).norm()
        assert float(norm) == pytest.approx(limit, rel=1e-3)
