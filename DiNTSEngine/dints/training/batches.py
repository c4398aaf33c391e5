"""What a training step works on: patches from the cache, randomly changed, on the device."""

from __future__ import annotations

import torch

from dints.config import AugmentationConfig
from dints.config.sides import Sides
from dints.data.sampling import Batch, PatchSampler
from dints.seeds import generator
from dints.training.augmentation import augment


class AugmentedBatches:
    """The batches of a stage, a function of the step alone; `prefetch` makes them in the background."""

    def __init__(
        self, sampler: PatchSampler, config: AugmentationConfig, device: torch.device, sides: Sides | None = None
    ) -> None:
        self.sampler, self.config, self.device, self.sides = sampler, config, device, sides

    def __call__(self, step: int) -> Batch:
        """(images float32 [B, C, *patch], labels uint8 [B, *patch]) of a step."""
        images, labels = self.sampler.batch(step)

        def generator_of(name: str) -> torch.Generator:
            return generator(self.sampler.seed, f"{self.sampler.stage}/augmentation/{name}", step)

        images, labels = images.to(self.device), labels.to(self.device)
        return augment(images, labels, self.config, generator_of, self.sampler.part, self.sides)
