"""Networks that need no training, images that they segment exactly, and a reporter that keeps what it is told."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
import torch
from torch import nn

from dints.config import Config
from dints.events import Reporter
from dints.inference.predictor import Predictor

PATCH = (16, 16, 16)
OBLIQUE = (0.8, -0.6, 0.0, 0.6, 0.8, 0.0, 0.0, 0.0, 1.0)
LPS = (1, 0, 0, 0, 1, 0, 0, 0, 1)
PERMUTED = (0, 0, 1, -1, 0, 0, 0, 1, 0)


def config(**inference) -> Config:
    """Two labels, 10 and 300, in volumes of 1 mm; patches of 16 voxels."""
    return Config.from_mapping(
        {
            "task": {"modality": "CT", "labels": {0: "background", 10: "grey", 300: "white"}},
            "preprocessing": {"spacing": [1, 1, 1], "intensity": "window", "window": [0, 100], "crop_foreground": True},
            "sampling": {"patch": list(PATCH)},
            "search": {"levels": 2},
            "inference": {"overlap": 0.5, **inference},
        }
    )


def threshold(windows: torch.Tensor) -> torch.Tensor:
    """Logits of three classes from intensities around 0, 0.5 and 1."""
    return torch.cat([-20 * (windows - centre) ** 2 for centre in (0.0, 0.5, 1.0)], 1)


def phantom(direction=LPS, spacing=(1.0, 1.0, 1.0), size=(24, 20, 28)) -> sitk.Image:
    """A grey box with a white box in it, in the air."""
    voxels = np.full(size[::-1], -50, np.int16)
    voxels[4:24, 3:16, 5:20] = 50
    voxels[8:16, 5:12, 8:15] = 100
    image = sitk.GetImageFromArray(voxels)
    image.SetDirection(direction)
    image.SetSpacing(spacing)
    image.SetOrigin((-11.5, 7.25, 100.0))
    return image


def expected_labels(image: sitk.Image) -> np.ndarray:
    voxels = sitk.GetArrayFromImage(image)
    return np.select([voxels == 50, voxels == 100], [10, 300], 0)


class Recorder(Reporter):
    def __init__(self) -> None:
        self.steps: list[tuple[str, int, int]] = []
        self.warnings: list[str] = []

    def progress(self, stage: str, step: int, total: int, **metrics: float) -> None:
        self.steps.append((stage, step, total))

    def warning(self, text: str) -> None:
        self.warnings.append(text)


def segment(image: sitk.Image, networks=(threshold,), reporter: Reporter | None = None, **options) -> np.ndarray:
    return sitk.GetArrayFromImage(Predictor(networks, config(), "cpu").segment([image], reporter, **options))


def conv_network() -> nn.Module:
    """Sees neighbours, and each axis and direction differently."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv3d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv3d(4, 3, 3, padding=1))


def noisy(image: sitk.Image) -> sitk.Image:
    voxels = np.random.default_rng(0).integers(1, 100, image.GetSize()[::-1]).astype(np.int16)
    filled = sitk.GetImageFromArray(voxels)
    filled.CopyInformation(image)
    return filled
