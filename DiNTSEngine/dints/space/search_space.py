"""The search space of sections 3.1 and 3.2: which edges and operations exist, and which of their choices are feasible.

L layers of D feature nodes (resolution levels, 0 the finest) are joined by E = 3D - 2 candidate edges a layer. An edge
keeps its level, or goes one level up or down. A connection pattern is a set of selected edges of one layer; the empty
one is excluded, which leaves M = 2^E - 1.

The paper's finest level has half of the images' resolution. Two choices are ours: a finest level at full resolution,
with which D = 5 holds the paper's space and the full resolution in one; and levels that do not halve the axis of thick
slices, as in nnU-Net.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dints.errors import InputError, brief
from dints.geometry import Size

# 6 levels have 65,535 patterns and features at 1/64 of the patch; 7 would have 524,287, for features of a voxel or two.
MAX_LEVELS = 6
MAX_LAYERS = 100  # eight times the paper's
FINEST = (1, 2)  # by how often the stems halve the images


@dataclass(frozen=True)
class SearchSpace:
    """L layers and D levels, with the constant tables that follow from D. The tables are read-only arrays.

    Rows of `patterns` and `activations` count in binary, the first edge or node being the highest bit.
    """

    layers: int = 12
    levels: int = 4
    finest: int = 2  # voxels of the images along a voxel of level 0: 2 as in the paper, or 1
    delay: Size = (0, 0, 0)  # halvings that an axis (x, y, z) leaves out before it takes part

    def __post_init__(self) -> None:
        for name, value, most in (("layers", self.layers, MAX_LAYERS), ("levels", self.levels, MAX_LEVELS)):
            if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
                raise InputError(f"{name}={brief(value)}: a search space needs a whole number of {name}, at least 1")
            if value > most:
                raise InputError(f"{name}={brief(value)}: is more than memory can hold; use at most {most} {name}")
        if self.finest not in FINEST:
            raise InputError(f"finest={brief(self.finest)}: the finest level has 1 or 2 voxels of the images a side")
        object.__setattr__(self, "delay", _checked_delay(self.delay, self.levels))

    def shrink(self, level: int) -> Size:
        """Voxels of the images along a voxel of a level, on each axis: 2^(d+1) in the paper."""
        x, y, z = (2 ** max(0, level + self.stem_halvings - own) for own in self.delay)
        return x, y, z

    def step(self, level: int) -> Size:
        """Voxels of the next finer level along a voxel of this one, on each axis; of level 0, of the images."""
        if level == 0:
            return self.shrink(0)
        x, y, z = (own // finer for own, finer in zip(self.shrink(level), self.shrink(level - 1), strict=True))
        return x, y, z

    def width(self, level: int, filters: int) -> int:
        """Channels of a level; `filters` is the width at full resolution, and each halving doubles it (Figure 2)."""
        return filters << (level + self.stem_halvings)

    @property
    def stem_halvings(self) -> int:
        """How often the stems halve the images before level 0."""
        return FINEST.index(self.finest)

    @property
    def patch_step(self) -> Size:
        """Images must be multiples of this on each axis, and at least twice as large: one voxel has no deviation."""
        return self.shrink(self.levels - 1)

    def fits(self, size: Sequence[int]) -> bool:
        """Whether images of this size (voxels) can pass through a network of this space."""
        return all(n % step == 0 and n >= 2 * step for n, step in zip(size, self.patch_step, strict=True))

    @property
    def size_rule(self) -> str:
        """What `fits` asks for, in words: multiples of 16, at least 32; axis by axis where they differ."""
        steps = self.patch_step
        shown = steps[:1] if len(set(steps)) == 1 else steps
        multiple, least = ("x".join(str(factor * step) for step in shown) for factor in (1, 2))
        return f"multiples of {multiple}, at least {least}"

    @property
    def edges(self) -> int:
        """E, candidate edges a layer."""
        return 3 * self.levels - 2

    @cached_property
    def sources(self) -> NDArray[np.int64]:
        """[E] level that an edge reads. Edges are ordered by target, then by source."""
        return _constant([s for t in range(self.levels) for s in self._neighbours(t)], np.int64)

    @cached_property
    def targets(self) -> NDArray[np.int64]:
        """[E] level of the node that an edge ends in."""
        return _constant([t for t in range(self.levels) for _ in self._neighbours(t)], np.int64)

    @cached_property
    def patterns(self) -> NDArray[np.bool_]:
        """[M, E] the connection patterns cp_j of 3.3.2."""
        return _nonempty_subsets(self.edges)

    @cached_property
    def activations(self) -> NDArray[np.bool_]:
        """[2^D - 1, D] the node activation patterns A of 3.4."""
        return _nonempty_subsets(self.levels)

    @cached_property
    def inputs_of_pattern(self) -> NDArray[np.int64]:
        """[M] row in `activations` of the nodes that a pattern reads: pattern j is in F_out of this one (3.4)."""
        return self._activation_index(self.sources)

    @cached_property
    def outputs_of_pattern(self) -> NDArray[np.int64]:
        """[M] row in `activations` of the nodes that a pattern ends in: pattern j is in F_in of this one (3.4)."""
        return self._activation_index(self.targets)

    def node_activation(self, edges: ArrayLike) -> NDArray[np.bool_]:
        """[L + 1, D] the active nodes: row 0 what layer 1 reads from the stems, row i what the edges of layer i end in.

        `edges` is bool [L, E]; InputError if it has another shape.
        """
        selected = self._selected(edges)
        reads = selected[:1].astype(np.int64) @ self._incidence(self.sources)
        ends = selected.astype(np.int64) @ self._incidence(self.targets)
        return np.concatenate([reads, ends]) > 0

    def is_feasible(self, edges: ArrayLike) -> bool:
        """Whether every layer of `edges` (bool [L, E]) has an edge and reads exactly the active nodes before it.

        That is 3.3.3's feasibility; the stems can feed any node, and any node of the last layer can feed the head.
        """
        selected = self._selected(edges)
        reads = (selected.astype(np.int64) @ self._incidence(self.sources)) > 0
        active = self.node_activation(selected)
        return bool(selected.any(axis=1).all() and (reads == active[:-1]).all())

    def _neighbours(self, level: int) -> range:
        return range(max(level - 1, 0), min(level + 2, self.levels))

    def _incidence(self, nodes: NDArray[np.int64]) -> NDArray[np.int64]:
        """[E, D] 1 where an edge touches a node."""
        touches: NDArray[np.bool_] = nodes[:, None] == np.arange(self.levels)
        return touches.astype(np.int64)

    def _activation_index(self, nodes: NDArray[np.int64]) -> NDArray[np.int64]:
        touched = (self.patterns.astype(np.int64) @ self._incidence(nodes)) > 0
        return _constant(touched @ (1 << np.arange(self.levels)[::-1]) - 1, np.int64)

    def _selected(self, edges: ArrayLike) -> NDArray[np.bool_]:
        selected = np.asarray(edges)
        if selected.shape != (self.layers, self.edges):
            expected = f"[{self.layers}, {self.edges}] for {self.layers} layers and {self.levels} levels"
            raise InputError(f"edges of shape {list(selected.shape)} do not fit: give {expected}")
        return selected.astype(bool)


def _checked_delay(delay: object, levels: int) -> Size:
    """Three whole numbers from 0 to the number of levels."""
    if isinstance(delay, tuple | list) and len(delay) == 3 and all(type(n) is int and 0 <= n <= levels for n in delay):
        x, y, z = delay
        return x, y, z
    raise InputError(f"delay={brief(delay)}: give three whole numbers from 0 to {levels}, for the axes x, y and z")


def _nonempty_subsets(count: int) -> NDArray[np.bool_]:
    """[2^count - 1, count] all subsets but the empty one, counting in binary."""
    return _constant((np.arange(1, 2**count)[:, None] >> np.arange(count)[::-1]) & 1, np.bool_)


def _constant(values: ArrayLike, dtype: type) -> NDArray[Any]:
    table: NDArray[Any] = np.array(values, dtype=dtype)
    table.flags.writeable = False
    return table
