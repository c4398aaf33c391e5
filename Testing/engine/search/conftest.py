"""A search of seconds."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from dints import Config
from dints.data.cache import Cache
from dints.events import Reporter
from dints.search.loop import Search

STEPS = 8  # of the tiny configuration, of which the architecture rests for as many as in the paper


@pytest.fixture(scope="module")
def search(cached_phantoms: Cache, tiny_config: Config):
    """Makes the search of a folder, with settings on top of the tiny ones."""

    def make(folder: Path, *settings: str, reporter: Reporter | None = None) -> Search:
        config = tiny_config.with_overrides(settings)
        return Search(
            config, cached_phantoms, sorted(cached_phantoms.cases), folder, torch.device("cpu"), reporter or Reporter()
        )

    return make
