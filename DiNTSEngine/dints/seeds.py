"""Stateless randomness: what is random in a step depends on the run's seed, the stage and the step alone.

So a resumed run draws the same patches and augmentations as one that was never interrupted, and nothing has to be
stored for it. Whatever draws has a stage of its own (the patches, and each augmentation by its name), so that something
new leaves the numbers of all others as they were.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import torch


def derived_seed(seed: int, stage: str, step: int = 0) -> int:
    """A 63-bit seed for one step of one stage."""
    digest = hashlib.blake2b(f"{seed}/{stage}/{step}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def generator(seed: int, stage: str, step: int = 0) -> torch.Generator:
    """A CPU generator for one step of one stage."""
    return torch.Generator().manual_seed(derived_seed(seed, stage, step))


def shuffled(names: Iterable[str], seed: int, stage: str) -> list[str]:
    """The names in an order that depends on nothing but them, the seed and the stage."""
    ordered = sorted(names)
    return [ordered[index] for index in torch.randperm(len(ordered), generator=generator(seed, stage)).tolist()]
