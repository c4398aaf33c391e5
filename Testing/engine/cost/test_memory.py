"""The memory that a search and a retraining will need."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch

from dints.cli import main
from dints.config import Config
from dints.cost.complexity import measure
from dints.cost.memory import predict_memory
from dints.space.search_space import SearchSpace
from dints.space.supernet import build_supernet


@pytest.fixture
def four_layers(tiny_config: Config) -> Config:
    return replace(tiny_config, search=replace(tiny_config.search, layers=4))


def test_memory_of_a_deep_supernet_follows_from_two_shallow_ones(four_layers: Config) -> None:
    with torch.device("meta"):
        supernet = build_supernet(SearchSpace(4, 2), 1, 4, 2)
    second_moments = sum(parameter.nbytes for parameter in supernet.architecture_parameters())  # Adam's, not SGD's
    measured = measure(supernet, (2, 1, 16, 16, 16)).training_memory
    assert predict_memory(four_layers).search == measured + second_moments


def test_retraining_memory_grows_with_the_budget_and_the_batch(four_layers: Config) -> None:
    prediction = predict_memory(four_layers)
    larger = predict_memory(replace(four_layers, training=replace(four_layers.training, batch_size=4)))
    assert prediction.retraining(0.2) * 4 == pytest.approx(prediction.retraining(0.8))
    assert larger.retraining_full > prediction.retraining_full
    assert larger.search == prediction.search


def test_deep_supervision_needs_more_for_the_retraining_alone(four_layers: Config) -> None:
    supervised = replace(four_layers, training=replace(four_layers.training, deep_supervision=True))
    plain, deep = predict_memory(four_layers), predict_memory(supervised)
    assert deep.search == plain.search
    assert deep.retraining_full > plain.retraining_full


def test_the_command_line_predicts_memory(tiny_config_file: object, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["memory", "--config", str(tiny_config_file), "--device", "cpu", "--events"]) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[0])["values"]
    assert result["search"] > 0
    assert result["retraining_full"] > 0
    assert (result["device"], result["gpus"]) == ("CPU", torch.cuda.device_count())
