"""Memory that runs out in a training step: the batch goes through in micro-batches, with the same gradient."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from dints.config import Config
from dints.data.cache import Cache
from dints.errors import RunError
from dints.events import Reporter
from dints.run_layout import read_log
from dints.search.loop import Search
from dints.space.supernet import Supernet
from dints.training.losses import segmentation_loss
from dints.training.step import OptimizerStep
from dints.training.stopping import StopRequest
from dints.training.validation import validate

from .conftest import Warnings

CPU = torch.device("cpu")
CLASSES = 3
ERRORS: dict[str, Callable[[], Exception]] = {
    "GPU": lambda: torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    "CPU": lambda: RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: not enough memory"),
    "Python": MemoryError,
}


class Limited:
    """A network on a device that has memory for the graph of so many patches, and without a graph for any number."""

    def __init__(self, network: nn.Module, patches: int, error: Callable[[], Exception]) -> None:
        self.network, self.patches, self.error = network, patches, error
        self.sizes: list[int] = []

    def __call__(self, images: Tensor) -> Tensor:
        if torch.is_grad_enabled():
            self.sizes.append(len(images))
            if len(images) > self.patches:
                raise self.error()
        return self.network(images)


@pytest.fixture(scope="module")
def network() -> nn.Module:
    """In double precision, so that what differs is not rounding."""
    from dints.space.search_space import SearchSpace

    torch.manual_seed(0)
    space = SearchSpace(2, 2)
    return Supernet(space, 1, CLASSES, filters=2).double()


@pytest.fixture(scope="module")
def batch() -> tuple[Tensor, Tensor]:
    """Five patches and their labels; of the first, half is one label, so that Dice of the batch is no mean of Dice."""
    random = torch.Generator().manual_seed(1)
    labels = torch.randint(CLASSES, (5, 8, 8, 8), generator=random)
    labels[0, :4] = 2
    labels[3:] = 0
    return torch.randn((5, 1, 8, 8, 8), generator=random, dtype=torch.float64), labels


def gradients_of(
    network: nn.Module, batch: tuple[Tensor, Tensor], limited: Callable, reporter: Reporter
) -> list[Tensor]:
    """What one step leaves as gradients, terms of the loss that do not go through the network among them."""
    images, labels = batch
    optimizer = torch.optim.SGD(network.parameters(), lr=0.0)
    step = OptimizerStep(limited, optimizer, 1e9, CPU, reporter)
    step(images, lambda logits: segmentation_loss(logits, labels) + network.edge_logits.square().sum())
    return [parameter.grad.clone() for parameter in network.parameters()]


@pytest.mark.parametrize(("kind", "patches"), [("GPU", 3), ("CPU", 2), ("Python", 1)])
def test_micro_batches_have_the_gradient_of_the_whole_batch(
    kind: str, patches: int, network: nn.Module, batch: tuple[Tensor, Tensor]
) -> None:
    reporter = Warnings()
    whole = gradients_of(network, batch, network, reporter)
    assert not reporter.texts
    limited = Limited(network, patches, ERRORS[kind])
    parts = gradients_of(network, batch, limited, reporter)
    for expected, found in zip(whole, parts, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-9)
    assert max(gradient.abs().max() for gradient in whole) > 1e-2
    assert f"going on with {patches}," in reporter.texts[-1]
    assert limited.sizes[-1] <= patches


def test_a_step_stays_with_what_fitted(network: nn.Module, batch: tuple[Tensor, Tensor]) -> None:
    images, labels = batch
    limited, reporter = Limited(network, 3, ERRORS["GPU"]), Warnings()
    step = OptimizerStep(limited, torch.optim.SGD(network.parameters(), lr=0.0), 1e9, CPU, reporter)
    for _ in range(2):
        step(images, lambda logits: segmentation_loss(logits, labels))
    assert limited.sizes == [5, 3, 2, 3, 2]
    assert len(reporter.texts) == 1


def test_one_patch_that_does_not_fit_ends_the_run_with_a_remedy(
    network: nn.Module, batch: tuple[Tensor, Tensor]
) -> None:
    limited = Limited(network, 0, ERRORS["GPU"])
    with pytest.raises(RunError, match=r"one patch at a time \(CUDA out of memory.*use a smaller sampling.patch"):
        gradients_of(network, batch, limited, Reporter())


def test_other_errors_are_not_taken_for_lack_of_memory(network: nn.Module, batch: tuple[Tensor, Tensor]) -> None:
    limited = Limited(network, 3, lambda: RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    with pytest.raises(RuntimeError, match="shapes"):
        gradients_of(network, batch, limited, Reporter())


def test_a_search_goes_on_and_its_log_says_so(
    cache: Cache, tiny_config: Config, tmp_path: Path, warnings: Warnings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forward(supernet: Supernet, images: Tensor) -> Tensor:
        if len(images) > 1 and torch.is_grad_enabled():
            raise ERRORS["GPU"]()
        return whole(supernet, images)

    whole = Supernet.forward
    monkeypatch.setattr(Supernet, "forward", forward)
    Search(tiny_config, cache, sorted(cache.cases), tmp_path, CPU, warnings).run()
    rows = read_log(tmp_path / "log.jsonl")
    assert len(rows) == tiny_config.search.iterations
    assert (rows[-1]["micro_batch"], rows[-1]["architecture_micro_batch"]) == (1, 1)
    assert ["memory ran out with 2 patches at once" in text for text in warnings.texts] == [True, True]
    resumed = Search(tiny_config, cache, sorted(cache.cases), tmp_path, CPU, warnings)
    resumed.run()
    assert (resumed.weight_step.micro_batch, resumed.architecture_step.micro_batch) == (1, 1)


class FailsOnce(nn.Module):
    """A network whose first window does not fit."""

    def __init__(self, failures: int) -> None:
        super().__init__()
        self.failures = failures

    def forward(self, windows: Tensor) -> Tensor:
        if self.failures:
            self.failures -= 1
            raise ERRORS["GPU"]()
        return torch.cat([-((windows - centre) ** 2) for centre in range(CLASSES)], dim=1)


def test_validation_goes_on_with_less_memory_and_the_same_scores(
    cache: Cache, tiny_config: Config, warnings: Warnings
) -> None:
    cases = list(cache.cases.values())[:2]
    expected = validate(FailsOnce(0), cases, tiny_config, CPU, warnings, StopRequest())
    assert not warnings.texts
    network = FailsOnce(1)
    assert validate(network, cases, tiny_config, CPU, warnings, StopRequest()) == pytest.approx(expected, nan_ok=True)
    assert ["memory ran out" in text for text in warnings.texts] == [True]
    assert network.training
