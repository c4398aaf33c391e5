"""The same seed gives the same architecture, however many threads read the data."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

import pytest
import torch

import dints.search.loop
from dints.config import Config
from dints.data.cache import Cache
from dints.data.sampling import prefetch
from dints.events import Reporter
from dints.search.loop import Search


def searched(config: Config, cache: Cache, folder: Path) -> tuple[dict, list[torch.Tensor]]:
    """The architecture, and all weights to the last bit."""
    searching = Search(config, cache, sorted(cache.cases), folder, torch.device("cpu"), Reporter())
    return searching.run().to_mapping(), [value.clone() for value in searching.supernet.state_dict().values()]


def test_a_search_repeats_itself_with_one_and_with_four_threads_of_loading(
    tiny_config: Config, cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, weights = searched(tiny_config, cache, tmp_path / "first")
    for threads in (1, 4):
        monkeypatch.setattr(dints.search.loop, "prefetch", partial(prefetch, threads=threads))
        again, other_weights = searched(tiny_config, cache, tmp_path / f"{threads} threads")
        assert again == first
        assert all(map(torch.equal, weights, other_weights))
    other_seed = tiny_config.with_overrides(["search.seed=1"])
    _, different = searched(other_seed, cache, tmp_path / "other seed")
    assert not all(map(torch.equal, weights, different))


@pytest.mark.parametrize("threads", [1, 4])
def test_batches_come_in_order_whoever_is_ready_first(threads: int) -> None:
    def batch(step: int) -> tuple[torch.Tensor, torch.Tensor]:
        time.sleep(0.02 if step % 2 else 0.0)
        return torch.tensor(step), torch.tensor(0)

    batches = prefetch(batch, 3, threads)
    assert [int(next(batches)[0]) for _ in range(8)] == list(range(3, 11))
    batches.close()
