"""A case, networks for it, and a device of limited memory."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from dints.config import Config
from dints.events import Reporter
from dints.inference.predictor import Predictor

PATCH, SIZE = (16, 16, 16), (24, 20, 28)  # voxels: two windows along each axis
FOLDS, BATCH = 3, 4
GPU = torch.device("cpu", 0)  # computes like the CPU but is another device to the engine: it plays the GPU
NETWORK_BYTES = 2**20


class SmallGpu(TorchFunctionMode):
    """Counts what is made on the device or moved to it as long as it lives; beyond a limit raises PyTorch's error."""

    def __init__(self, capacity: float) -> None:
        super().__init__()
        self.capacity, self.peak = capacity, 0
        self._held: dict[int, int] = {}

    def __torch_function__(self, function: Any, types: Any, arguments: Any = (), options: Any = None) -> Any:
        result = function(*arguments, **(options or {}))
        devices = [*arguments[1:], (options or {}).get("device")]
        if isinstance(result, torch.Tensor) and GPU in [each for each in devices if isinstance(each, torch.device)]:
            result = result.clone()  # on this device moving would not copy
            self.hold(id(result), result.nbytes)
            weakref.finalize(result, self.release, id(result))
        return result

    def hold(self, owner: int, size: int) -> None:
        if sum(self._held.values()) + size > self.capacity:
            raise torch.OutOfMemoryError(f"CUDA out of memory. Tried to allocate {size} bytes.")
        self._held[owner] = size
        self.peak = max(self.peak, sum(self._held.values()))

    def release(self, owner: int) -> None:
        self._held.pop(owner, None)


class Fold(nn.Module):
    """Logits of three classes from intensities around 0, 0.5 and 1, a little different in each fold."""

    def __init__(self, shift: float) -> None:
        super().__init__()
        self.shift, self.gpu = shift, None

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        return torch.cat([-20 * (windows - self.shift - centre) ** 2 for centre in (0.0, 0.5, 1.0)], 1)

    def to(self, *arguments: Any, **options: Any) -> Fold:
        if self.gpu is not None and arguments:
            self.gpu.release(id(self))
            if torch.device(arguments[0]) == GPU:
                self.gpu.hold(id(self), NETWORK_BYTES)
        return self


class Warnings(Reporter):
    """The sentences that a user would read."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def warning(self, text: str) -> None:
        self.texts.append(text)


@pytest.fixture
def warnings() -> Warnings:
    return Warnings()


@pytest.fixture
def small_gpu() -> type[SmallGpu]:
    return SmallGpu


@pytest.fixture
def scan() -> sitk.Image:
    """A box in a box, with noise on which the folds disagree."""
    voxels = np.random.default_rng(0).normal(0, 12, SIZE[::-1])
    voxels[4:24, 3:16, 5:20] += 50
    voxels[8:16, 5:12, 8:15] += 50
    return sitk.GetImageFromArray(voxels.astype(np.float32))


@pytest.fixture
def predictor() -> Callable[..., Predictor]:
    """Function that makes a predictor of three folds on a device."""
    config = Config.from_mapping(
        {
            "task": {"modality": "CT", "labels": {0: "background", 1: "grey", 2: "white"}},
            "preprocessing": {"spacing": [1, 1, 1], "intensity": "window", "window": [0, 100]},
            "sampling": {"patch": list(PATCH)},
            "search": {"levels": 2},
            "inference": {"overlap": 0.5, "batch_size": BATCH, "largest_component": [1, 2]},
        }
    )

    def make(device: torch.device, gpu: SmallGpu | None = None) -> Predictor:
        folds = [Fold(0.05 * fold) for fold in range(FOLDS)]
        for fold in folds:
            fold.gpu = gpu
        return Predictor(folds, config, str(device))

    return make


@pytest.fixture
def expected(predictor: Any, scan: sitk.Image) -> np.ndarray:
    """The labels where memory is no matter."""
    labels = sitk.GetArrayFromImage(predictor(torch.device("cpu")).segment([scan]))
    assert set(np.unique(labels)) == {0, 1, 2}
    return labels
