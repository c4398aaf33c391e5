"""Feasible architectures one change away from another: an edge more or less, or another operation on an edge."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from dints.space.architecture import Architecture
from dints.space.operations import OPERATIONS


def neighbours(architecture: Architecture) -> Iterator[Architecture]:
    """All of them, in a fixed order: edges switched layer by layer, then operations exchanged.

    An edge that alone would end in a node that nothing reads, or read one in which nothing ends, is switched together
    with one edge of the layer before or after it. The width is left open, as it follows from the memory.
    """
    found = {_code(architecture)}
    for changed in (*_other_edges(architecture), *_other_operations(architecture)):
        if _code(changed) not in found:
            found.add(_code(changed))
            yield changed


def _other_edges(architecture: Architecture) -> Iterator[Architecture]:
    space, edges = architecture.space, architecture.edges
    for layer, edge in np.ndindex(edges.shape):
        switched = edges.copy()
        switched[layer, edge] ^= True
        if space.is_feasible(switched):
            yield replace(architecture, edges=switched, filters=None)
            continue
        for other_layer in (layer - 1, layer + 1):
            if not 0 <= other_layer < space.layers:
                continue
            for other in range(space.edges):
                both = switched.copy()
                both[other_layer, other] ^= True
                if space.is_feasible(both):
                    yield replace(architecture, edges=both, filters=None)


def _other_operations(architecture: Architecture) -> Iterator[Architecture]:
    for layer, edge in np.argwhere(architecture.edges):
        for operation in range(len(OPERATIONS)):
            if operation != architecture.operations[layer, edge]:
                operations = architecture.operations.copy()
                operations[layer, edge] = operation
                yield replace(architecture, operations=operations, filters=None)


def _code(architecture: Architecture) -> bytes:
    """What the network is built from: operations of edges that are off do not count."""
    return np.where(architecture.edges, architecture.operations, -1).tobytes()
