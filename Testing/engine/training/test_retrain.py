"""The training loop of a fold: what is kept, what is logged, what an interruption leaves."""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path

import pytest
import torch

from dints import Architecture, Config, InputError, SearchSpace, build_network
from dints.data.cache import Cache
from dints.events import Reporter
from dints.run_layout import RunLayout, read_log
from dints.training import retrain
from dints.training.average import WeightAverage
from dints.training.checkpoint import load_checkpoint, save_checkpoint
from dints.training.retrain import FoldResult, FoldTrainer

from ..interrupting import InterruptedWorkError, StopAt

CPU = torch.device("cpu")
ARCHITECTURE = Architecture.random(SearchSpace(2, 2), 0)


SUPERVISED = ("training.deep_supervision=true", "training.average=0.9")


@pytest.fixture(scope="module")
def trainer(cached_phantoms: Cache, tiny_config: Config):
    """Makes the trainer of a folder, with settings on top of the tiny ones."""
    names = sorted(cached_phantoms.cases)

    def make(folder: Path, *settings: str, reporter: Reporter | None = None) -> FoldTrainer:
        config = tiny_config.with_overrides(settings)
        classes = len(config.task.labels)
        split = (names[:3], names[3:])

        def build() -> torch.nn.Module:
            return build_network(ARCHITECTURE, 1, classes, 2)

        return FoldTrainer(config, build, cached_phantoms, split, 0, folder, CPU, reporter or Reporter())

    return make


@pytest.fixture(scope="module")
def whole(trainer, tmp_path_factory: pytest.TempPathFactory):
    """The result of a training with these settings that was not interrupted; its files stay as they are."""

    @cache
    def train(*settings: str) -> FoldResult:
        return trainer(tmp_path_factory.mktemp("whole"), *settings).run()

    return train


def scored(monkeypatch: pytest.MonkeyPatch, *dice: float) -> None:
    """Validations that find these values, one after the other."""
    values = iter(dice)
    monkeypatch.setattr(retrain, "validate", lambda *_: [next(values)])


def weights(path: Path) -> dict[str, torch.Tensor]:
    return load_checkpoint(path, CPU)["network"]


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(value, other[name]) for name, value in one.items())


@pytest.mark.parametrize("settings", [(), ("training.average=0.9",), ("training.schedule=polynomial",), SUPERVISED])
@pytest.mark.parametrize("step", [1, 2, 3, 5])
def test_an_interrupted_training_ends_in_the_same_bits(trainer, whole, tmp_path, step, settings):
    expected = whole(*settings)
    with pytest.raises(InterruptedWorkError):
        trainer(tmp_path, *settings, reporter=StopAt(step)).run()
    assert trainer(tmp_path, *settings).run().dice == expected.dice
    for name in ("best.pt", "last.pt"):
        assert same(weights(tmp_path / name), weights(expected.checkpoint.with_name(name)))
    assert read_log(tmp_path / "log.jsonl") == read_log(expected.checkpoint.with_name("log.jsonl"))


def test_the_heads_of_deep_supervision_go_on_where_they_were_and_are_not_kept(trainer, whole, tmp_path):
    with pytest.raises(InterruptedWorkError):
        trainer(tmp_path, *SUPERVISED, reporter=StopAt(4)).run()
    trainer(tmp_path, *SUPERVISED).run()
    expected = whole(*SUPERVISED).checkpoint
    cut, uncut = (load_checkpoint(path, CPU) for path in (tmp_path / "last.pt", expected.with_name("last.pt")))
    assert same(cut["heads"], uncut["heads"])
    assert len(uncut["heads"]) > 0
    names = set(build_network(ARCHITECTURE, 1, 3, 2).state_dict())
    assert set(weights(expected)) == set(uncut["network"]) == names


def test_a_checkpoint_without_heads_is_not_one_of_deep_supervision(trainer, tmp_path):
    trainer(tmp_path, "training.iterations=1").run()
    with pytest.raises(InputError, match=r"last\.pt: is not a checkpoint of this run"):
        trainer(tmp_path, *SUPERVISED).run()


def test_a_training_that_pauses_is_validated_there_and_ends_in_the_same_bits(trainer, whole, tmp_path):
    trainer(tmp_path).run(until=2)
    rows = read_log(tmp_path / "log.jsonl")
    assert [row["step"] for row in rows if "mean_dice" in row] == [1]
    assert trainer(tmp_path).run().dice == whole().dice
    assert same(weights(tmp_path / "last.pt"), weights(whole().checkpoint.with_name("last.pt")))


def test_every_step_and_every_validation_has_a_row(whole):
    rows = read_log(whole().checkpoint.with_name("log.jsonl"))
    assert [row["step"] for row in rows if "loss" in row] == list(range(6))
    assert [row["step"] for row in rows if "mean_dice" in row] == [2, 5]
    assert all(math.isfinite(row["loss"]) for row in rows if "loss" in row)


@pytest.mark.parametrize(
    ("dice", "kept"),
    [
        ((0.4, 0.6, 0.5), 2),
        ((math.nan, 0.2, 0.1), 2),
        ((0.0, 0.0, 0.0), 3),
        ((math.nan, math.nan, math.nan), 3),
        ((0.3, math.nan, math.nan), 1),
        ((math.nan, 0.0, 0.3), 3),
        ((math.nan, 0.0, math.nan), 2),
    ],
)
def test_the_best_network_is_kept_and_the_last_where_nothing_was_found(trainer, tmp_path, monkeypatch, dice, kept):
    scored(monkeypatch, *dice)
    steps: list[dict[str, torch.Tensor]] = []

    class Keep(Reporter):
        def progress(self, stage: str, step: int, total: int, /, **metrics: float) -> None:
            if step % 2 == 0:
                steps.append({name: value.clone() for name, value in made.network.state_dict().items()})

    made = trainer(tmp_path, "training.validate_every=2", "training.checkpoint_every=1", reporter=Keep())
    result = made.run()
    assert same(weights(tmp_path / "best.pt"), steps[kept - 1])
    assert result.mean_dice == pytest.approx(dice[kept - 1], nan_ok=True)


def test_patience_ends_a_fold_that_gains_nothing_and_it_counts_as_trained(trainer, tmp_path, monkeypatch):
    run = RunLayout(tmp_path)
    settings = ("training.patience=2", "training.validate_every=1")
    scored(monkeypatch, 0.5, 0.4, 0.5, 0.9)
    result = trainer(run.fold(0).folder, *settings).run()
    assert result.dice == (0.5,)
    state = run.fold_state(0, 6)
    assert (state.step, state.finished, state.best_dice) == (3, True, 0.5)
    before = weights(run.fold(0).last)
    scored(monkeypatch)
    assert trainer(run.fold(0).folder, *settings).run().dice == (0.5,)
    assert same(weights(run.fold(0).last), before)
    assert run.fold_state(0, 6).finished


def test_nothing_is_left_of_a_fold_that_patience_ended(trainer, tmp_path, monkeypatch):
    told: list[tuple[str, int, int]] = []

    class Listener(Reporter):
        def progress(self, stage: str, step: int, total: int, /, **metrics: float) -> None:
            told.append((stage, step, total))

    scored(monkeypatch, 0.5, 0.4)
    trainer(tmp_path, "training.patience=1", "training.validate_every=1", reporter=Listener()).run()
    assert told[-2:] == [("train fold 0", 2, 6), ("train fold 0", 6, 6)]


def test_the_average_is_what_is_kept(trainer, tmp_path, monkeypatch):
    scored(monkeypatch, 0.1, 0.2)
    made = trainer(tmp_path, "training.average=0.5")
    made.run()
    assert made.average is not None
    assert same(weights(tmp_path / "best.pt"), made.average.network.state_dict())
    assert not same(made.network.state_dict(), made.average.network.state_dict())


def test_the_average_follows_the_weights_at_its_decay():
    network = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.zeros_(network.weight)
    average = WeightAverage(network, 0.5)
    expected = 0.0
    for step in range(20):
        torch.nn.init.constant_(network.weight, float(step))
        average.update(network)
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * step
    assert float(average.network.weight) == pytest.approx(expected)


def test_a_finished_fold_whose_log_is_gone_is_validated_again_and_counts_as_trained(trainer, tmp_path):
    run = RunLayout(tmp_path)
    whole = trainer(run.fold(0).folder).run()
    kept = weights(run.fold(0).best)
    run.fold(0).log.unlink()
    assert not run.fold_state(0, 6).finished
    assert trainer(run.fold(0).folder).run().dice == whole.dice
    assert run.fold_state(0, 6).finished
    assert same(weights(run.fold(0).best), kept)


def test_a_fold_that_patience_ended_is_validated_again_where_its_log_is_gone(trainer, tmp_path, monkeypatch):
    run = RunLayout(tmp_path)
    settings = ("training.patience=1", "training.validate_every=1")
    scored(monkeypatch, 0.5, 0.4, 0.4)
    trainer(run.fold(0).folder, *settings).run()
    run.fold(0).log.unlink()
    assert trainer(run.fold(0).folder, *settings).run().dice == (0.5,)
    assert run.fold_state(0, 6).finished


@pytest.mark.parametrize(("until", "found"), [(4, (0.3,)), (None, (0.1,))])
def test_where_the_best_network_is_gone_a_later_one_takes_its_place(trainer, tmp_path, monkeypatch, until, found):
    """The fold counted as begun, and the command that would finish it did nothing."""
    heard: list[str] = []

    class Listener(Reporter):
        def warning(self, text: str) -> None:
            heard.append(text)

    run, settings = RunLayout(tmp_path), ("training.validate_every=2",)
    scored(monkeypatch, 0.5, 0.2, 0.4)
    trainer(run.fold(0).folder, *settings).run(until)
    run.fold(0).best.unlink()
    scored(monkeypatch, *found)
    result = trainer(run.fold(0).folder, *settings, reporter=Listener()).run()
    assert (result.dice, run.fold_state(0, 6).best_dice) == (found, found[0])
    assert run.fold_state(0, 6).finished
    assert same(weights(run.fold(0).best), weights(run.fold(0).last))
    assert len(heard) == 1
    assert f"{run.fold(0).best}: is gone" in heard[0]
    assert f"delete {run.fold(0).folder} to train anew" in heard[0]


def test_checkpoints_of_before_patience_and_averages_go_on(trainer, whole, tmp_path):
    with pytest.raises(InterruptedWorkError):
        trainer(tmp_path, reporter=StopAt(4)).run()
    path = tmp_path / "last.pt"
    state = load_checkpoint(path, CPU)
    for name in ("without_gain", "validated", "reductions"):
        del state[name]
    state["optimizer_step"]["at_once"] = state["optimizer_step"].pop("micro_batch")
    save_checkpoint(path, state)
    assert trainer(tmp_path).run().dice == whole().dice
    assert same(weights(tmp_path / "best.pt"), weights(whole().checkpoint))


def test_what_is_reported_with_the_progress_are_numbers(trainer, tmp_path, monkeypatch):
    scored(monkeypatch, math.nan, 0.25)
    heard: list[dict[str, float]] = []

    class Listener(Reporter):
        def progress(self, stage: str, step: int, total: int, /, **metrics: float) -> None:
            heard.append(metrics)

    trainer(tmp_path, reporter=Listener()).run()
    assert [metrics.get("dice") for metrics in heard] == [None] * 5 + [0.25]
    assert all(math.isfinite(value) for metrics in heard for value in metrics.values())


@pytest.mark.parametrize("damage", [{"step": 7}, {"step": None}, {"network": {}}, {"best": ["a"]}, {"optimizer": {}}])
def test_a_checkpoint_of_something_else_is_refused_by_name(trainer, tmp_path, damage):
    trainer(tmp_path, "training.iterations=1").run()
    path = tmp_path / "last.pt"
    save_checkpoint(path, {**load_checkpoint(path, CPU), **damage})
    with pytest.raises(InputError, match=r"last\.pt: is not a checkpoint of this run .*; delete it to start over"):
        trainer(tmp_path).run()
