"""Preprocessed phantoms, and a reporter that keeps what the user is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from dints.config import Config
from dints.data.cache import Cache, build_cache
from dints.data.datalist import read_datalist
from dints.events import Reporter


class Warnings(Reporter):
    """Keeps the warnings."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def warning(self, text: str) -> None:
        self.texts.append(text)


@pytest.fixture
def warnings() -> Warnings:
    return Warnings()


@pytest.fixture(scope="session")
def cache(phantoms: Path, tiny_config: Config, tmp_path_factory: pytest.TempPathFactory) -> Cache:
    """All labelled phantoms."""
    datalist, labels = read_datalist(phantoms, tiny_config.task), tuple(tiny_config.task.labels)
    return build_cache(datalist.cases, tiny_config.preprocessing, labels, tmp_path_factory.mktemp("cache"), Reporter())
