"""What a training step works on: patches from the cache, randomly changed, on the device."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from dints.config import Config, SearchConfig, TrainingConfig
from dints.data.cache import CachedCase
from dints.data.sampling import Batch, PatchSampler
from dints.seeds import generator
from dints.training.augmentation import augment


class AugmentedBatches:
    """The batches of a stage, a function of the step alone; `prefetch` makes them in the background."""

    def __init__(
        self,
        cases: Sequence[CachedCase],
        config: Config,
        settings: SearchConfig | TrainingConfig,
        stage: str,
        device: torch.device,
    ) -> None:
        """`settings` are those of `config` that hold the batch size and the seed."""
        self.sampler = PatchSampler(cases, config.sampling, settings.batch_size, settings.seed, stage)
        self.config, self.device = config, device

    def __call__(self, step: int) -> Batch:
        """(images float32 [B, C, *patch], labels uint8 [B, *patch]) of a step."""
        images, labels = self.sampler.batch(step)

        def generator_of(name: str) -> torch.Generator:
            return generator(self.sampler.seed, f"{self.sampler.stage}/augmentation/{name}", step)

        images, labels = images.to(self.device), labels.to(self.device)
        augmentation, sides = self.config.augmentation, self.config.task.sides
        return augment(images, labels, augmentation, generator_of, self.sampler.part, sides)
