"""Discretization with topology constraints (3.3.3): the most probable feasible architecture, exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Union

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dints.errors import InputError
from dints.space.architecture import Architecture
from dints.space.operations import OPERATIONS
from dints.space.search_space import SearchSpace

if TYPE_CHECKING:
    from torch import Tensor

Values = Union[ArrayLike, "Tensor"]
SMALLEST = np.finfo(np.float64).tiny  # probability; keeps what has none in order, as the costliest


def decode(
    space: SearchSpace, edge_probability: Values, operation_probability: Values, prices: Values | None = None
) -> Architecture:
    """The feasible architecture that minimises Eq. 4, with the most probable operation on every edge.

    `edge_probability` is [L, E], `operation_probability` [L, E, N]; tensors on any device or arrays. Values of 0 and 1
    are allowed: the result is feasible always. InputError for wrong shapes or values that are no probabilities.

    `prices` [E, N], ours and not the paper's, are added to the cost of each operation on a selected edge: the higher
    they are, the fewer and cheaper edges are left. One search so gives architectures of every size, each the exact
    optimum of its prices.
    """
    shape = (space.layers, space.edges, len(OPERATIONS))
    alpha = _probabilities(operation_probability, shape, "operation_probability")
    operation_cost = -np.log(np.maximum(alpha, SMALLEST))
    free = operation_cost.min(-1)
    if prices is not None:
        operation_cost = operation_cost + np.asarray(prices, dtype=np.float64)
    operations = operation_cost.argmin(-1)
    surcharge = operation_cost.min(-1) - free  # [L, E] of a selected edge
    cost = _pattern_costs(space, edge_probability) + surcharge @ space.patterns.T
    return Architecture(space, space.patterns[_cheapest_feasible(space, cost)], operations)


def discretization_gap(space: SearchSpace, edge_probability: Values) -> int:
    """G of 4.4.2: edges in which the most probable pattern of each layer differs from the decoded, feasible one."""
    cost = _pattern_costs(space, edge_probability)
    most_probable = space.patterns[cost.argmin(-1)]
    feasible = space.patterns[_cheapest_feasible(space, cost)]
    return int((most_probable != feasible).sum())


def _cheapest_feasible(space: SearchSpace, cost: NDArray[np.float64]) -> NDArray[np.int64]:
    """[L] patterns of the cheapest feasible path through `cost` [L, M]: Eq. 4 by dynamic programming.

    Two layers meet only in which nodes are active between them. So it is enough to know, layer after layer, the
    cheapest way to activate each of the A = 2^D - 1 sets of nodes: O(L M log M), where Dijkstra's algorithm has L M
    vertices.
    """
    reached = np.zeros(len(space.activations))  # the stems can activate any nodes for nothing
    best = []  # per layer [A]: the last pattern on the cheapest way to an activation
    for layer_cost in cost:
        path_cost = reached[space.inputs_of_pattern] + layer_cost
        cheapest_first = np.argsort(path_cost, kind="stable")
        # `unique` finds the first pattern of each activation; all of them occur, so row a is activation a.
        _, first = np.unique(space.outputs_of_pattern[cheapest_first], return_index=True)
        best.append(cheapest_first[first])
        reached = path_cost[best[-1]]
    activation = reached.argmin()
    chosen = []
    for patterns in reversed(best):
        chosen.append(patterns[activation])
        activation = space.inputs_of_pattern[chosen[-1]]
    return np.array(chosen[::-1])


def _pattern_costs(space: SearchSpace, edge_probability: Values) -> NDArray[np.float64]:
    """[L, M] -log of Eq. 2 without its normaliser, which is the same for all patterns of a layer."""
    p = _probabilities(edge_probability, (space.layers, space.edges), "edge_probability")
    on, off = -np.log(np.maximum(p, SMALLEST)), -np.log(np.maximum(1 - p, SMALLEST))
    costs: NDArray[np.float64] = on @ space.patterns.T + off @ ~space.patterns.T
    return costs


def _probabilities(values: Values, shape: tuple[int, ...], name: str) -> NDArray[np.float64]:
    if hasattr(values, "detach"):
        values = values.detach().cpu().double().numpy()
    array = np.asarray(values, dtype=np.float64)
    if array.shape != shape:
        raise InputError(f"{name} has shape {list(array.shape)}; the search space needs {list(shape)}")
    if not ((array >= 0) & (array <= 1)).all():
        raise InputError(f"{name} holds values outside 0..1 or not numbers; give sigmoid or softmax of the logits")
    return array
