"""The memory of each operation on each edge, which the search's budget is counted in (3.5)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from dints.space.operations import TABLE
from dints.space.search_space import SearchSpace

BYTES_PER_VALUE = 4  # float32

# Tensors that training keeps, in units of an edge's output; `operation_costs` derives them.
REFERENCE_PATCH = (64, 64, 64)  # any, as all costs are proportional to its voxels
KEPT_BY_OUTPUT = 1
KEPT_BY_ENLARGING = 6
KEPT_BY_REDUCING = 3  # beside the ReLU of the source


def operation_costs(space: SearchSpace, filters: int, patch: Sequence[int]) -> Tensor:
    """[E, N] bytes of float32 that training keeps of an image for an edge with an operation; `patch` in voxels.

    In the paper the node at level d has filters * 2^(d+1) channels at 1/2^(d+1) of the patch's resolution. In units of
    an edge's output, the tensors that the backward pass needs are:

    - its output, scaled by the edge's weight and added to the node: 1;
    - the cell's operation: ReLU, convolution and normalisation, 3; P3D has two convolutions, 4; skip keeps nothing;
    - up (the source has twice the channels of the target): the upsampled source and its ReLU, 2 each, then the
      convolution and the normalisation, 1 each: 6;
    - down (the source has half the channels at eight times the voxels, fewer where an axis is not halved): its ReLU, 4,
      then two convolutions of half the output each, their concatenation and the normalisation: 7.

    Up to one constant this is the estimate of the reference implementation.
    """
    levels = range(space.levels)
    values = [space.width(level, filters) * math.prod(patch) / math.prod(space.shrink(level)) for level in levels]
    output = np.array(values)[space.targets]
    ends = zip(space.sources.tolist(), space.targets.tolist(), strict=True)
    resampling = np.array([_kept_by_resampling(space, source, target) for source, target in ends])
    operation = np.array([operation.kept for operation in TABLE])
    kept = KEPT_BY_OUTPUT + resampling[:, None] + operation
    return torch.from_numpy(BYTES_PER_VALUE * output[:, None] * kept).float()


def _kept_by_resampling(space: SearchSpace, source: int, target: int) -> float:
    if source == target:
        return 0
    return KEPT_BY_ENLARGING if source > target else KEPT_BY_REDUCING + math.prod(space.step(target)) / 2


def relative_memory(space: SearchSpace, other: SearchSpace) -> float:
    """How many times the memory of another space's supernet that of `space` takes, for the same patch and filters."""
    own, theirs = (float(operation_costs(one, 1, REFERENCE_PATCH).sum()) * one.layers for one in (space, other))
    return own / theirs
