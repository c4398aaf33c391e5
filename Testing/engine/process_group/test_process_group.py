"""What two processes tell each other, and that one process alone needs nobody."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import torch

from dints import process_group as distributed
from dints.device import PRECISION_VARIABLE

from .conftest import Launch
from .member import whole_deep_loss, whole_loss

MEMBER = Path(__file__).with_name("member.py")


@pytest.fixture(scope="module")
def both(torchrun: Launch, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What each of two processes found."""
    folder = tmp_path_factory.mktemp("group")
    torchrun("--", str(MEMBER), str(folder))
    return [json.loads((folder / f"{rank}.json").read_text()) for rank in range(2)]


def test_loss_and_gradient_are_those_of_the_whole_batch(both, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PRECISION_VARIABLE, "full")
    alone = whole_loss(torch.device("cpu"))
    assert [found["processes"] for found in both] == [2, 2]
    for found in both:
        assert found["loss"]["value"] == pytest.approx(alone["value"], abs=1e-6)
        assert found["loss"]["weight"] == pytest.approx(alone["weight"], abs=1e-6)


def test_losses_at_coarser_levels_are_those_of_the_whole_batch(both, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PRECISION_VARIABLE, "full")
    alone = whole_deep_loss(torch.device("cpu"))
    for found in both:
        assert found["deep_loss"]["value"] == pytest.approx(alone["value"], abs=1e-6)
        assert found["deep_loss"]["weight"] == pytest.approx(alone["weight"], abs=1e-5)


def test_all_see_a_loss_that_is_not_finite_on_one(both) -> None:
    for found in both:
        assert "the loss became nan" in found["bad_loss"]


def test_shards_are_gathered_in_their_order(both) -> None:
    assert [found["gathered"] for found in both] == [[10, 20, 30, 40, 50]] * 2


def test_the_main_process_goes_first(both) -> None:
    assert [found["main_went_first"] for found in both] == [True, False]


def test_only_the_main_process_writes_checkpoints(both) -> None:
    assert [found["wrote"] for found in both] == [True, False]


def test_all_start_with_the_weights_of_the_first(both) -> None:
    assert [found["weights"] for found in both] == [5.0, 5.0]


def test_different_checkpoints_are_refused(both) -> None:
    for found in both:
        assert "different steps ([0, 1])" in found["steps"]


def test_a_batch_smaller_than_the_group_is_refused(both) -> None:
    for found in both:
        assert "batch_size 1: is shared by 2 processes" in found["small_batch"]


def test_no_thread_of_the_group_outlives_it(both) -> None:
    for found in both:
        assert not [name for name in found["threads"] if "gloo" in name]


def test_a_group_that_starts_again_does_not_listen_to_the_dead() -> None:
    store = torch.distributed.HashStore()
    store.set_timeout(timedelta(minutes=1))
    store.set("group", "old")
    store.set("old/1", "word of the dead")
    store.set("word of the dead", "old")
    with ThreadPoolExecutor() as threads:
        second = threads.submit(distributed.new_name, store, 1, 2)
        while store.get("old/1") == b"word of the dead" and not second.done():
            time.sleep(0.01)
        first = distributed.new_name(store, 0, 2)
    assert first == second.result() != "old"


def test_one_process_alone_has_all_of_everything() -> None:
    values = torch.ones(3)
    assert distributed.all_reduce_sum(values) is values
    assert distributed.batch_shard(4) == (slice(0, 4), 4)
    assert distributed.shard([1, 2]) == distributed.gather([1, 2]) == [1, 2]
    assert distributed.is_main_process()
    with distributed.process_group("cpu") as device:
        assert device == torch.device("cpu")
