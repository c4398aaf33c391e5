"""A searched architecture: a small readable value from which the network is built."""

from __future__ import annotations

import os
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import dints
from dints.errors import InputError, brief
from dints.files.storage import read_json, write_json
from dints.geometry import Size
from dints.space.operations import OPERATIONS
from dints.space.search_space import SearchSpace

if TYPE_CHECKING:
    from dints.space.network import Network

MAX_FILTERS = 512  # sixteen times the paper's
FORMATS = (1, 2)  # versions of the JSON layout; the second also says what the finest level and the axes are
ARRAYS = (".pth", ".pt")  # suffixes of the reference's files, which do not say what the stems are
REFERENCE_KEYS = (("arch_code_a", "arch_code_c"), ("code_a", "code_c"))  # edges and operations in a reference's .pth


@dataclass(frozen=True, eq=False)
class Architecture:
    """The selected edges and the operation of each cell (4.2, Fig. 7). Feasible by construction.

    `edges` is bool [L, E], `operations` int64 [L, E] with indices into `OPERATIONS`; both become read-only copies. The
    operations of edges that are off have no effect and are kept. InputError for wrong shapes, values or topology.

    `filters` is the width at full resolution that was chosen with the topology; None leaves it to the settings.
    """

    space: SearchSpace
    edges: NDArray[np.bool_]
    operations: NDArray[np.int64]
    filters: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "edges", _binary(self.edges, self.space))
        object.__setattr__(self, "operations", _operation_indices(self.operations, self.space))
        check_filters(self.filters)
        if not self.space.is_feasible(self.edges):
            raise InputError(
                "the topology is infeasible: every layer needs an edge and must read exactly the nodes that the layer "
                "before it ends in; correct the edges or search again"
            )

    @cached_property
    def node_activation(self) -> NDArray[np.bool_]:
        """[L + 1, D] which feature nodes are active; row 0 is what layer 1 reads from the stems."""
        return self.space.node_activation(self.edges)

    def network(self, in_channels: int, classes: int, filters: int) -> Network:
        """Images [B, in_channels, X, Y, Z] to logits [B, classes, X, Y, Z]; `filters` as in `build_network`."""
        from dints.space.network import Network  # needs PyTorch, without which an architecture can be read and drawn

        operations = [
            [(OPERATIONS[operation],) if selected else () for selected, operation in zip(*layer, strict=True)]
            for layer in zip(self.edges, self.operations, strict=True)
        ]
        return Network(self.space, operations, in_channels, classes, filters)

    def fits(self, size: Sequence[int]) -> bool:
        """Whether images of this size (voxels) can pass; `size_rule` says which can."""
        return self.space.fits(size)

    @property
    def size_rule(self) -> str:
        """What `fits` asks for, in words."""
        return self.space.size_rule

    @staticmethod
    def random(space: SearchSpace, seed: int | np.random.Generator = 0, density: float = 0.5) -> Architecture:
        """A feasible architecture, drawn layer by layer; the higher `density` (between 0 and 1), the more edges.

        A pattern's chance is that of independent edges which are on with probability `density`, among the patterns that
        fit the layer before. Nodes that are not active leave fewer edges to choose from.
        """
        if not 0 < density < 1:
            raise InputError(f"density={density}: the share of edges that are on must lie between 0 and 1")
        generator = np.random.default_rng(seed)
        count = space.patterns.sum(axis=1)
        weight = density**count * (1 - density) ** (space.edges - count)
        allowed = np.ones(len(space.patterns), dtype=bool)
        chosen = []
        for _ in range(space.layers):
            candidates = np.flatnonzero(allowed)
            pattern = generator.choice(candidates, p=weight[candidates] / weight[candidates].sum())
            chosen.append(pattern)
            allowed = space.inputs_of_pattern == space.outputs_of_pattern[pattern]
        operations = generator.integers(len(OPERATIONS), size=(space.layers, space.edges))
        return Architecture(space, space.patterns[chosen], operations)

    @staticmethod
    def load(path: str | os.PathLike[str]) -> Architecture:
        """Reads JSON as `save` writes it, or a .pth or .pt file of the reference implementation (both key spellings).

        InputError names the file, what is wrong and what to do. A .pth file may hold arrays and tensors only: anything
        else that its pickle asks for is refused, not run.
        """
        path = Path(path)
        try:
            if path.suffix.lower() in ARRAYS:
                return _from_reference(_load_arrays(path))
            return _from_mapping(read_json(path))
        except InputError as error:
            reason = str(error)
            raise InputError(reason if reason.startswith(str(path)) else f"{path}: {reason}") from error

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes JSON, atomically: every layer's edges as "source->target": "operation"."""
        write_json(path, self.to_mapping())

    def to_mapping(self) -> dict[str, Any]:
        """The JSON layout as plain values."""
        space = self.space
        values: dict[str, Any] = {"format": FORMATS[0], "levels": space.levels}
        if space != SearchSpace(space.layers, space.levels):  # not as in the paper
            values |= {"format": FORMATS[1], "finest": space.finest, "delay": list(space.delay)}
        if self.filters is not None:
            values["filters"] = self.filters
        return values | {"layers": self._layer_mappings()}

    @staticmethod
    def from_mapping(values: Any) -> Architecture:
        """Architecture from the JSON layout; InputError if it is another. Edges that a layer does not name are off."""
        return _from_mapping(values)

    def summary(
        self, patch: tuple[int, int, int], filters: int, in_channels: int, classes: int, batch_size: int = 1
    ) -> Any:
        """`dints.summary`: parameters, multiply-adds at the patch size (voxels), predicted training memory (bytes)."""
        return dints.summary(self, patch, filters, in_channels, classes, batch_size)

    def at(self, finest: int = 2, delay: Size = (0, 0, 0)) -> Architecture:
        """The same edges and operations with a finest level and axes as `SearchSpace` describes them."""
        return replace(self, space=replace(self.space, finest=finest, delay=delay))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Architecture) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[Hashable, ...]:
        return self.space, self.filters, self.edges.tobytes(), self.operations.tobytes()

    def _layer_mappings(self) -> list[dict[str, dict[str, str]]]:
        names = _edge_names(self.space)
        return [
            {
                state: {
                    name: OPERATIONS[operation]
                    for name, edge_on, operation in zip(names, layer, operations, strict=True)
                    if edge_on == on
                }
                for state, on in (("active", True), ("inactive", False))
            }
            for layer, operations in zip(self.edges, self.operations, strict=True)
        ]


def check_filters(filters: Any) -> None:
    """InputError unless it is a number of filters, or None."""
    if filters is not None and (type(filters) is not int or not 1 <= filters <= MAX_FILTERS):
        raise InputError(f"filters={brief(filters)}: give a whole number from 1 to {MAX_FILTERS}")


def _edge_names(space: SearchSpace) -> list[str]:
    return [f"{source}->{target}" for source, target in zip(space.sources, space.targets, strict=True)]


def _binary(edges: Any, space: SearchSpace) -> NDArray[np.bool_]:
    """A read-only bool [L, E] from bools or from numbers that are all 0 or 1."""
    values = _array(edges, "edges", space)
    if not np.isin(values, (0, 1)).all():
        raise InputError("edges must be 0 or 1; correct them or search again")
    selected = values.astype(np.bool_)
    selected.flags.writeable = False
    return selected


def _operation_indices(operations: Any, space: SearchSpace) -> NDArray[np.int64]:
    values = _array(operations, "operations", space)
    if not np.isin(values, np.arange(len(OPERATIONS))).all():
        raise InputError(f"operations must be whole numbers from 0 to {len(OPERATIONS) - 1}; correct them")
    indices = values.astype(np.int64)
    indices.flags.writeable = False
    return indices


def _array(values: Any, name: str, space: SearchSpace) -> NDArray[Any]:
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise InputError(f"{name} have rows of different lengths; give [{space.layers}, {space.edges}]") from error
    if array.dtype.kind not in "biuf" or array.shape != (space.layers, space.edges):
        raise InputError(
            f"{name} must be numbers of shape [{space.layers}, {space.edges}] for {space.layers} layers and "
            f"{space.levels} levels, not {array.dtype} {list(array.shape)}; correct them"
        )
    return array


def _from_mapping(values: Any) -> Architecture:
    """Architecture from the JSON layout; edges that a layer does not mention are off."""
    if not isinstance(values, Mapping) or values.get("format") not in FORMATS:
        known = " or ".join(map(str, FORMATS))
        raise InputError(f'is not an architecture of format {known} ("format" is missing or newer); search again')
    layers, levels = values.get("layers"), values.get("levels")
    if not isinstance(layers, list) or not isinstance(levels, int):
        raise InputError('"layers" must be a list and "levels" a whole number; correct the file')
    space = SearchSpace(len(layers), levels, values.get("finest", 2), values.get("delay", (0, 0, 0)))
    edges = np.zeros((space.layers, space.edges), dtype=bool)
    operations = np.zeros((space.layers, space.edges), dtype=np.int64)
    index = {name: edge for edge, name in enumerate(_edge_names(space))}
    for row, layer in enumerate(layers):
        for state, name, operation in _listed_edges(layer, row + 1):
            if name not in index or operation not in OPERATIONS:
                known = f"edges {', '.join(index)} and operations {', '.join(OPERATIONS)}"
                raise InputError(f"layer {row + 1}: {brief(name)}: {brief(operation)} is unknown; use {known}")
            edges[row, index[name]] = state == "active"
            operations[row, index[name]] = OPERATIONS.index(operation)
    return Architecture(space, edges, operations, values.get("filters"))


def _listed_edges(layer: Any, number: int) -> list[tuple[str, str, Any]]:
    """State, name and operation of the edges that a layer of the JSON layout lists, each once."""
    active, inactive = (
        layer.get(state, {}) if isinstance(layer, Mapping) else None for state in ("active", "inactive")
    )
    if not isinstance(active, Mapping) or not isinstance(inactive, Mapping):
        raise InputError(f'layer {number} must hold "active" and "inactive" edges; correct the file')
    if both := active.keys() & inactive.keys():
        raise InputError(f"layer {number}: {brief(min(both))} is both active and inactive; remove one of them")
    return [("active", *cell) for cell in active.items()] + [("inactive", *cell) for cell in inactive.items()]


def _from_reference(values: Any) -> Architecture:
    """Architecture from the reference implementation's dict of arrays: binary [L, E] and operation indices [L, E]."""
    if not isinstance(values, Mapping):
        raise InputError("holds no dict of arrays; give an architecture file of the reference implementation")
    for edge_key, operation_key in REFERENCE_KEYS:
        if edge_key in values and operation_key in values:
            edges, operations = np.asarray(values[edge_key]), np.asarray(values[operation_key])
            if edges.ndim != 2 or (edges.shape[1] + 2) % 3:
                raise InputError(f"{edge_key} has shape {list(edges.shape)}, not [layers, 3 x levels - 2]; correct it")
            return Architecture(SearchSpace(len(edges), (edges.shape[1] + 2) // 3), edges, operations)
    keys = " or ".join(f"{edge} and {operation}" for edge, operation in REFERENCE_KEYS)
    raise InputError(f"has no arrays {keys}; give an architecture file of the reference implementation")


def _load_arrays(path: Path) -> Any:
    """Arrays and tensors in plain containers; InputError if the file holds or asks for anything else."""
    from dints.files.untrusted.tensors import load_tensors  # needs PyTorch

    return load_tensors(path, remedy="get the architecture from its authors again or as JSON", arrays=True)
