"""The loop of the search: which weights learn from what, what is logged, what an interruption leaves."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import pytest
import torch

from dints import Architecture, InputError
from dints.run_layout import SearchFiles, read_log
from dints.search import loop
from dints.search.snapshots import moments
from dints.training.checkpoint import load_checkpoint, save_checkpoint
from dints.training.schedule import milestone_rate
from dints.training.step import NotFiniteError

from ..interrupting import InterruptedWorkError, StopAt
from .conftest import STEPS

CPU = torch.device("cpu")
FIRST = round(11000 * STEPS / 21000)


@pytest.fixture(scope="module")
def whole(search, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a search that was not interrupted; stays as it is."""
    folder = tmp_path_factory.mktemp("whole")
    search(folder).run()
    return folder


@pytest.fixture
def finished(whole: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(whole, tmp_path / "finished"))


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_checkpoint(SearchFiles(folder).checkpoint, CPU)["supernet"]


def copies(parameters) -> list[torch.Tensor]:
    return [parameter.detach().clone() for parameter in parameters]


def same(one: list[torch.Tensor], other: list[torch.Tensor]) -> bool:
    return all(torch.equal(value, expected) for value, expected in zip(one, other, strict=True))


@pytest.mark.parametrize("step", [1, 4, 7])
def test_an_interrupted_search_ends_in_the_same_bits(search, whole, tmp_path, step):
    with pytest.raises(InterruptedWorkError):
        search(tmp_path, reporter=StopAt(step)).run()
    assert search(tmp_path).run() == Architecture.load(SearchFiles(whole).current_architecture)
    one, other = weights(tmp_path), weights(whole)
    assert one.keys() == other.keys()
    assert same(list(one.values()), list(other.values()))
    assert read_log(SearchFiles(tmp_path).log) == read_log(SearchFiles(whole).log)


def test_a_finished_search_is_read_and_not_repeated(search, finished):
    before = SearchFiles(finished).checkpoint.read_bytes()
    found = search(finished, reporter=StopAt(STEPS)).run()
    assert found == Architecture.load(SearchFiles(finished).current_architecture)
    assert SearchFiles(finished).checkpoint.read_bytes() == before


def test_every_step_has_a_row_and_the_architecture_its_values_once_it_learns(finished):
    rows = read_log(SearchFiles(finished).log)
    assert [row["step"] for row in rows] == list(range(STEPS))
    assert all(math.isfinite(row["loss"]) for row in rows)
    learned = {"architecture_loss", "dice", "gap", "memory_fraction", "operation_entropy"}
    for row in rows:
        assert learned <= row.keys() if row["step"] >= FIRST else not learned & row.keys()


def test_each_step_changes_its_own_weights_alone(search, tmp_path):
    searching = search(tmp_path)
    batch = searching.batches[0](0)
    network, architecture = copies(searching.weights), copies(searching.architecture_weights)
    searching.learn_weights(0, *batch)
    assert not same(copies(searching.weights), network)
    assert same(copies(searching.architecture_weights), architecture)
    network = copies(searching.weights)
    searching.learn_architecture(FIRST, *batch)
    assert same(copies(searching.weights), network)
    assert not same(copies(searching.architecture_weights), architecture)


def test_the_architecture_rests_until_its_first_step(search, tmp_path):
    searching = search(tmp_path, reporter=StopAt(FIRST))
    before = copies(searching.architecture_weights)
    with pytest.raises(InterruptedWorkError):
        searching.run()
    assert same(copies(searching.architecture_weights), before)


RACING = ("race.enabled=true", "race.moments=2")


def test_earlier_moments_of_its_learning_are_kept_for_a_race_alone(search, whole, tmp_path):
    assert len(search(whole).snapshots()) == 1
    racing = search(tmp_path, *RACING)
    racing.run()
    end, *earlier = racing.snapshots()
    assert [end.step, *(one.step for one in earlier)] == [8, 7, 6]
    assert torch.equal(end.edges, racing.supernet.edge_probability().detach())
    assert not torch.equal(end.edges, earlier[0].edges)


@pytest.mark.parametrize("step", [5, 6, 7])
def test_an_interrupted_search_keeps_the_moments_that_have_passed(search, tmp_path, step):
    search(tmp_path / "whole", *RACING).run()
    with pytest.raises(InterruptedWorkError):
        search(tmp_path / "cut", *RACING, reporter=StopAt(step)).run()
    resumed = search(tmp_path / "cut", *RACING)
    resumed.run()
    finished = search(tmp_path / "whole", *RACING)
    finished.run()
    for one, other in zip(resumed.snapshots(), finished.snapshots(), strict=True):
        assert one.step == other.step
        assert torch.equal(one.edges, other.edges)
        assert torch.equal(one.operations, other.operations)


@pytest.mark.parametrize(
    ("first", "total", "count", "expected"),
    [(4, 8, 2, [6, 7]), (100, 200, 1, [150]), (0, 400, 3, [200, 300, 350]), (7, 8, 3, []), (4, 8, 9, [6, 7])],
)
def test_moments_halve_what_is_left_of_the_learning(first, total, count, expected):
    assert moments(first, total, count) == expected


def test_the_two_halves_share_no_case_and_leave_none_out(search, tmp_path, cached_phantoms):
    drawn = [search(tmp_path, f"search.seed={seed}").halves for seed in range(4)]
    for one, other in drawn:
        assert not set(one) & set(other)
        assert sorted([*one, *other]) == sorted(cached_phantoms.cases)
        assert abs(len(one) - len(other)) <= 1
    assert len({tuple(one) for one, _ in drawn}) > 1
    assert search(tmp_path).halves == drawn[0]
    for half, batches in zip(drawn[0], search(tmp_path).batches, strict=True):
        assert [case.name for case in batches.sampler.cases] == half


def test_the_architecture_so_far_can_be_read_at_any_checkpoint(search, tmp_path):
    searching = search(tmp_path, reporter=StopAt(6))
    with pytest.raises(InterruptedWorkError):
        searching.run()
    assert Architecture.load(SearchFiles(tmp_path).current_architecture) == searching.architecture()


def test_the_terms_of_the_architecture_come_in_with_the_progress(search, tmp_path, monkeypatch):
    """Eq. 11: their weight rises by the same amount from step to step, to 1 at the last."""
    searching = search(tmp_path)
    shares: list[float] = []

    class Record:
        """Takes the place of the step, and leaves the weights alone."""

        micro_batch = None

        def __call__(self, images: torch.Tensor, criterion) -> float:
            with torch.no_grad():
                shares.append(float(criterion(images) / searching._architecture_terms().weighted_sum))
            return 0.0

    monkeypatch.setattr(loop, "segmentation_loss", lambda logits, labels: torch.zeros(()))
    monkeypatch.setattr(loop, "batch_dice", lambda logits, labels: 0.5)
    monkeypatch.setattr(searching, "architecture_step", Record())
    batch = searching.batches[1](0)
    for step in range(FIRST, STEPS):
        searching.learn_architecture(step, *batch)
    learning = STEPS - FIRST
    assert shares == pytest.approx([step / learning for step in range(1, learning + 1)])


def test_a_loss_that_is_not_finite_costs_its_step_and_half_of_both_rates(search, tmp_path, monkeypatch):
    searching = search(tmp_path)
    batch, changed = searching.batches[0](0), copies(searching.weights)

    def fail(images, criterion):
        raise NotFiniteError("the loss became nan")

    monkeypatch.setattr(searching, "weight_step", fail)
    monkeypatch.setattr(fail, "micro_batch", None, raising=False)
    assert searching.learn_weights(0, *batch)["loss"] is None
    assert same(copies(searching.weights), changed)
    assert searching.learn_weights(1, *batch)["learning_rate"] == milestone_rate(1, searching.settings) / 2
    searching.learn_architecture(FIRST, *batch)
    rate = searching.settings.architecture_learning_rate / 4
    assert searching.architecture_optimizer.param_groups[0]["lr"] == rate


@pytest.mark.parametrize("damage", [{"step": STEPS + 1}, {"step": "2"}, {"supernet": {}}, {"weight_step": {}}])
def test_a_checkpoint_of_something_else_is_refused_by_name(search, finished, damage):
    path = SearchFiles(finished).checkpoint
    save_checkpoint(path, {**load_checkpoint(path, CPU), **damage})
    with pytest.raises(InputError, match=r"checkpoint\.pt: is not a checkpoint of this run .*; delete it to start"):
        search(finished).run()


def test_a_search_whose_architecture_would_never_learn_is_refused(search, tmp_path):
    with pytest.raises(InputError, match=r"search.weights_only=11000: the architecture would rest for all of 5"):
        search(tmp_path, "search.weights_only=11000", "search.iterations=5", "search.schedule_iterations=5").run()
    assert not SearchFiles(tmp_path).log.is_file()
