"""Random training patches, a pure function of seed, stage and step: a resumed run sees the same ones."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import torch

from dints.config import SamplingConfig
from dints.data.cache import CachedCase, announce
from dints.data.padding import pad_to_patch
from dints.errors import InputError
from dints.process_group import batch_shard
from dints.seeds import generator

LOADING_THREADS = 1  # reading from memory-mapped files is much faster than a training step

Batch = tuple[torch.Tensor, torch.Tensor]


class PatchSampler:
    """Draws batches of patches from cached cases, each case with the same probability.

    Of a batch, `config.foreground_fraction` of the patches (a fractional rest by chance) is centred, as far as the
    volume reaches, on a voxel of a label; the label is drawn evenly from those present in the case. With
    `config.rare_labels` the label is drawn first, evenly from those present in any case, and then one of its cases.
    """

    def __init__(
        self, cases: Sequence[CachedCase], config: SamplingConfig, batch_size: int, seed: int, stage: str
    ) -> None:
        if not cases:
            raise InputError(f"{stage}: there is no case to draw patches from; add cases or use fewer folds")
        self.cases = tuple(cases)
        present = sorted({label for case in self.cases for label in case.samples})
        self.cases_of = {label: [case for case in self.cases if label in case.samples] for label in present}
        self.config = config
        self.batch_size = batch_size
        self.part = batch_shard(batch_size)
        self.seed = seed
        self.stage = stage

    def batch(self, step: int) -> Batch:
        """(images float32 [B, C, *patch], labels uint8 [B, *patch]) of a step; reads only these voxels.

        Where several processes share the batch, only the part of this one: B is smaller, the patches are the same.
        """
        source = generator(self.seed, f"{self.stage}/patches", step)
        # A row a patch: case, label, voxel, start along x, y, z; the last row decides on the fractional rest.
        draws = torch.rand((self.batch_size + 1, 6), generator=source, dtype=torch.float64).numpy()
        centred = int(self.batch_size * self.config.foreground_fraction + draws[-1, 0])
        patches = [self._patch(draws[index], index < centred) for index in range(self.batch_size)[self.part.rows]]
        images, labels = zip(*patches, strict=True)
        return torch.from_numpy(np.stack(images)), torch.from_numpy(np.stack(labels))

    def _patch(self, draw: np.ndarray, centred: bool) -> tuple[np.ndarray, np.ndarray]:
        """The patch that six numbers of 0..1 select: image [C, *patch], label [*patch]."""
        rare = centred and self.config.rare_labels and bool(self.cases_of)
        sought = list(self.cases_of)[_pick(draw[1], len(self.cases_of))] if rare else None
        cases = self.cases if sought is None else self.cases_of[sought]
        case = cases[_pick(draw[0], len(cases))]
        patch = np.array(self.config.patch)
        last_start = np.maximum(np.array(case.grid.working_shape) - patch, 0)
        if centred and case.samples:
            drawn = list(case.samples)[_pick(draw[1], len(case.samples))] if sought is None else sought
            voxels = case.foreground[drawn]
            start = np.clip(voxels[_pick(draw[2], len(voxels))] - patch // 2, 0, last_start)
        else:
            start = (draw[3:] * (last_start + 1)).astype(np.int64)
        x, y, z = (slice(first, first + size) for first, size in zip(start.tolist(), self.config.patch, strict=True))
        volumes = case.image, case.label
        for volume in volumes:
            announce(volume, (x, y, z))
        image, label = (pad_to_patch(volume[..., x, y, z], self.config.patch)[0] for volume in volumes)
        return image, label


def prefetch(
    batch_of: Callable[[int], Batch], first_step: int, threads: int = LOADING_THREADS
) -> Generator[Batch, None, None]:
    """Batches of `first_step` and on, without end, made by background threads; close the iterator to stop them.

    One batch is ready while each thread makes one.
    """
    with ThreadPoolExecutor(threads, thread_name_prefix="patches") as executor:
        waiting: deque[Future[Batch]] = deque()
        step = first_step
        try:
            while True:
                while len(waiting) < threads + 1:
                    waiting.append(executor.submit(batch_of, step))
                    step += 1
                yield waiting.popleft().result()
        finally:
            executor.shutdown(cancel_futures=True)


def _pick(draw: float, count: int) -> int:
    """Index below `count` from a number in 0..1, the end excluded."""
    return int(draw * count)
