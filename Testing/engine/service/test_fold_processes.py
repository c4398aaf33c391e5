"""Folds trained side by side, by a process each: two processors stand in for two GPUs."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from dints.config import Config
from dints.errors import InputError, RunError
from dints.events import Reporter
from dints.run import Run
from dints.service.fold_processes import train_on_devices
from dints.space.architecture import Architecture
from dints.space.search_space import SearchSpace
from dints.stages import train

PROCESSOR, MISSING_GPU = torch.device("cpu"), torch.device("cuda", 99)


class Recorder(Reporter):
    """Keeps the stages that made progress and the folds that were finished."""

    def __init__(self) -> None:
        self.stages: set[str] = set()
        self.folds: list[int] = []

    def progress(self, stage: str, step: int, total: int, /, **metrics: float) -> None:
        self.stages.add(stage)

    def result(self, name: str, /, **values) -> None:
        self.folds.append(values["fold"])


@pytest.fixture
def run(phantoms: Path, tiny_config: Config, tmp_path: Path) -> Run:
    run = Run.create(tmp_path / "run", phantoms, tiny_config)
    Architecture.random(SearchSpace(layers=2, levels=2), 0).save(run.architecture_file)
    return run


def finished(run: Run, folds: Sequence[int], devices: Sequence[torch.device]) -> tuple[Recorder, Exception | None]:
    """What was reported, and the error in the end."""
    recorder, failure = Recorder(), None
    try:
        train_on_devices(run, folds, devices, recorder)
    except (InputError, RunError) as error:
        failure = error
    return recorder, failure


def test_folds_side_by_side_are_those_one_after_the_other(run: Run, tmp_path: Path) -> None:
    recorder, failure = finished(run, [0, 1], [PROCESSOR, PROCESSOR])
    assert failure is None
    assert sorted(recorder.folds) == [0, 1]
    assert recorder.stages == {"preprocess", "train fold 0", "train fold 1"}
    beside = Run(shutil.copytree(run.folder, tmp_path / "again", ignore=shutil.ignore_patterns("train")))
    train(beside, [0, 1], PROCESSOR, Reporter())
    for fold in range(2):
        first, second = (torch.load(one.fold(fold).last, weights_only=True)["network"] for one in (run, beside))
        assert all(torch.equal(value, second[name]) for name, value in first.items())


def test_a_fold_that_fails_is_reported_after_the_others_were_trained(run: Run) -> None:
    recorder, failure = finished(run, [1, 0], [MISSING_GPU, PROCESSOR])
    assert isinstance(failure, RunError)
    assert str(failure).startswith("fold 1: its process ended with code 1")
    assert recorder.folds == [0]


def test_bad_input_is_said_as_in_one_process(run: Run) -> None:
    _, failure = finished(run, [7], [PROCESSOR])
    assert isinstance(failure, InputError)
    assert "fold 7" in str(failure)
