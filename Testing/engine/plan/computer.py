"""A computer that does not exist: it takes as long as a formula says."""

from __future__ import annotations

from dataclasses import replace

from dints.plan.timings import Timings

SUPERNET = 10  # times as long as a U shape


class Computer:
    """Times in proportion to voxels, layers and the square of the filters.

    Args:
        speed: voxels x layers x filters^2 of training steps a second.
    """

    def __init__(self, speed: float) -> None:
        self.speed = speed

    def __enter__(self) -> Computer:
        return self

    def __exit__(self, *_error: object) -> None:
        pass

    def __call__(self, config, design=None, searching=True) -> Timings:
        own = self._step(config, config.search.filters, config.search.batch_size) * SUPERNET if searching else 0.0
        return replace(self.rough(config, design), weights_step=own, architecture_step=own)

    def rough(self, config, design=None) -> Timings:
        step = self._step(config, config.training.filters, config.training.batch_size)
        window = step / config.training.batch_size / 3
        return Timings(0, 0, step, window, 1e-8, 1e-8, 1e-8, (1, 1, 1))

    def _step(self, config, filters: int, batch: int) -> float:
        x, y, z = config.sampling.patch
        return x * y * z * batch * config.search.layers * filters**2 / self.speed
