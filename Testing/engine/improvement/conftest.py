"""A model to start from: two trained folds of a tiny network on phantoms."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from dints import Architecture, Config, SearchSpace
from dints.evaluation.cross_validation import cross_validate
from dints.events import Reporter
from dints.run import Run
from dints.stages import export, keep_architecture, train


class Listener(Reporter):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.results: list[tuple[str, dict]] = []

    def message(self, text: str) -> None:
        self.said.append(text)

    warning = message

    def result(self, name: str, /, **values) -> None:
        self.results.append((name, values))


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture(scope="session")
def first_run(phantoms: Path, tiny_config: Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained and cross-validated run with one held-out case; stays as it is."""
    run = Run.create(tmp_path_factory.mktemp("first") / "run", phantoms, tiny_config, ["phantom_000"])
    keep_architecture(run, Architecture.random(SearchSpace(layers=2, levels=2), 0), Reporter())
    train(run, [0, 1], torch.device("cpu"), Reporter())
    cross_validate(run, "cpu", Reporter())
    return run.folder


@pytest.fixture(scope="session")
def first_model(first_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its model."""
    return export(Run(first_run), Reporter(), path=str(tmp_path_factory.mktemp("exported") / "first.zip")).path
