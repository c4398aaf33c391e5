"""How often the weights are kept: what is predicted is what lies in memory after real steps."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from dints import Config
from dints.config import TrainingConfig
from dints.config.setting import settings_of
from dints.cost.memory import predict_memory, retraining_cost
from dints.cost.table import architecture_numbers
from dints.cost.weights import ARCHITECTURE_COPIES, search_copies, training_copies
from dints.data.cache import build_cache
from dints.data.datalist import read_datalist
from dints.events import Reporter
from dints.search.loop import Search
from dints.space.architecture import Architecture
from dints.training.average import WeightAverage
from dints.training.retrain import build_optimizer

OPTIMIZERS = settings_of(TrainingConfig)["optimizer"].choices


def copies(parameters: Iterable[nn.Parameter], optimizer: Optimizer) -> float:
    """Bytes of the parameters, their gradients and what the optimizer keeps of them, in parts of the parameters'."""
    held: list[Tensor] = []
    parameters = list(parameters)
    for parameter in parameters:
        assert parameter.grad is not None
        state = [value for value in optimizer.state[parameter].values() if isinstance(value, Tensor)]
        held += [parameter, parameter.grad, *(value for value in state if value.shape == parameter.shape)]
    return sum(tensor.nbytes for tensor in held) / sum(parameter.nbytes for parameter in parameters)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("momentum", [0, 0.9])
@pytest.mark.parametrize("average", [0, 0.99])
def test_a_retraining_keeps_the_weights_as_often_as_is_said(optimizer, momentum, average):
    changes = [f"training.optimizer={optimizer}", f"training.momentum={momentum}", f"training.average={average}"]
    settings = Config().with_overrides(changes).training
    network = nn.Linear(30, 20)
    used = build_optimizer(list(network.parameters()), settings)
    for _ in range(2):
        network(torch.ones(1, 30)).sum().backward()
        used.step()
    averaged = WeightAverage(network, settings.average).network.parameters() if settings.average else ()
    extra = sum(parameter.nbytes for parameter in averaged) / sum(own.nbytes for own in network.parameters())
    assert copies(network.parameters(), used) + extra == training_copies(settings)


@pytest.mark.parametrize("momentum", [0, 0.9])
def test_a_search_keeps_both_kinds_of_weights_as_often_as_is_said(momentum, phantoms: Path, tiny_config, tmp_path):
    changes = [f"search.momentum={momentum}", "search.iterations=2", "search.weights_only=0", "search.warmup=0"]
    config = tiny_config.with_overrides(changes)
    datalist = read_datalist(phantoms, config.task)
    values = tuple(sorted(config.task.labels))
    cache = build_cache(datalist.cases, config.preprocessing, values, tmp_path / "cache", Reporter())
    search = Search(config, cache, list(cache.cases), tmp_path / "search", torch.device("cpu"), Reporter())
    search.run()
    assert copies(search.weights, search.weight_optimizer) == search_copies(config.search)
    assert copies(search.architecture_weights, search.architecture_optimizer) == ARCHITECTURE_COPIES


def test_predictions_follow_the_optimizer(tiny_config):
    def changed(*changes: str) -> Config:
        return tiny_config.with_overrides(["training.optimizer=sgd", *changes])

    paper = changed()
    design = Architecture.random(paper.search.space)
    cost = retraining_cost(design, paper)
    weights = 4 * cost.parameters
    adamw = changed("training.optimizer=adamw")
    for config, more in ((adamw, 1), (changed("training.momentum=0"), -1), (changed("training.average=0.9"), 1)):
        assert retraining_cost(design, config).training_memory == cost.training_memory + more * weights
    numbers = [architecture_numbers(design, config) for config in (paper, adamw)]
    for network in ("architecture", "unet"):
        parameters, memory = ([own[network][key] for own in numbers] for key in ("parameters", "training_memory"))
        assert memory[1] - memory[0] == 4 * parameters[0]
    predictions = [predict_memory(config) for config in (paper, adamw, changed("search.momentum=0"))]
    assert predictions[0].retraining_full < predictions[1].retraining_full
    assert predictions[0].retraining_full == predictions[2].retraining_full
    assert predictions[2].search < predictions[0].search == predictions[1].search
