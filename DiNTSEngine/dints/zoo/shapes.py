"""U shapes of the search space, drawn by hand: what every search must at least reach."""

from __future__ import annotations

import numpy as np

from dints.errors import InputError
from dints.space.architecture import Architecture
from dints.space.operations import OPERATIONS
from dints.space.search_space import SearchSpace

ACROSS = "skip"  # of the levels that wait


def u_shape(space: SearchSpace, operation: str = "conv_3x3x3", deepest: int | None = None) -> Architecture:
    """A path from the finest level down and up again, with the levels that it passed kept until it comes back.

    Args:
        operation: of the path, and of the level beside it that it leaves or comes back to.
        deepest: level at which it turns; by default the deepest that the layers allow.

    Raises:
        InputError: the layers do not suffice to come back from `deepest`.
    """
    reachable = min(space.levels - 1, space.layers // 2)
    deepest = reachable if deepest is None else deepest
    if not 0 <= deepest <= reachable:
        raise InputError(f"deepest={deepest}: {space.layers} layers reach levels 0 to {reachable} and come back")
    flat = space.layers - 2 * deepest  # layers in which the path stays at its deepest level
    path = [*range(deepest), *[deepest] * (flat + 1), *reversed(range(deepest))]
    edge_of = {ends: edge for edge, ends in enumerate(zip(space.sources.tolist(), space.targets.tolist(), strict=True))}
    edges = np.zeros((space.layers, space.edges), dtype=bool)
    operations = np.full(edges.shape, OPERATIONS.index(ACROSS), dtype=np.int64)
    for layer in range(space.layers):
        source, target = path[layer], path[layer + 1]
        beside = min(source, target)
        for level in range(beside):
            edges[layer, edge_of[level, level]] = True
        for ends in ((source, target), (beside, beside)):
            edges[layer, edge_of[ends]] = True
            operations[layer, edge_of[ends]] = OPERATIONS.index(operation)
    return Architecture(space, edges, operations)
