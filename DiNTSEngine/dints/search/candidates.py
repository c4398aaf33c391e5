"""Candidates for a race: what supernets propose at every price, U shapes, the zoo, and what is near the leader.

Each gets the largest width that fits into the budget of memory, or time: topology and filters are chosen together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from dints.config import Config
from dints.cost.operations import operation_costs
from dints.cost.width import widest
from dints.errors import InputError
from dints.search.decode import decode
from dints.search.neighbours import neighbours
from dints.search.race import Candidate
from dints.search.snapshots import Snapshot
from dints.seeds import shuffled
from dints.space.architecture import Architecture
from dints.space.search_space import SearchSpace
from dints.zoo.catalogue import AnyDesign, found_entries
from dints.zoo.shapes import u_shape

# Nats for an edge and operation of mean memory: from what changes nothing to what leaves a single path.
PRICES = (0.0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2)

Proposal = tuple[str, str, AnyDesign]  # name, origin and design without a width
Narrow = Callable[[str, AnyDesign, int], int]
"""Of a name, a design and a number of filters, the largest number up to that which is allowed; 0 if none is."""


@dataclass(frozen=True)
class Fitter:
    """Gives designs the largest width that fits into a budget."""

    config: Config
    memory: float  # bytes of a training step
    narrow: Narrow | None = None  # where more than memory counts

    def __call__(self, proposals: Iterable[Proposal]) -> Iterator[Candidate]:
        """Candidates from (name, origin, design); the first of several that build the same network stands for all.

        What does not fit with one filter is left out.
        """
        seen: set[AnyDesign] = set()
        for name, origin, design in proposals:
            if plain(design) in seen:
                continue
            seen.add(plain(design))
            found = widest(replace(design, filters=None), self.memory, self.config)
            filters = found[0] if found else 0
            if filters and self.narrow:
                filters = self.narrow(name, design, filters)
            if filters:
                yield Candidate(name, origin, replace(design, filters=filters))


def proposed_by_supernet(
    space: SearchSpace, snapshot: Snapshot, patch: Sequence[int], name: str, origin: str
) -> Iterator[Proposal]:
    """One architecture a price: the exact optimum of Eq. 4 and what its edges and operations cost (`decode`)."""
    costs = operation_costs(space, 1, patch).double().numpy()
    for price in PRICES:
        found = decode(space, snapshot.edges, snapshot.operations, price * costs / costs.mean())
        yield f"{name}_price_{price:g}", f"{origin} at price {price:g}", plain(found)


def proposed_by_searches(
    space: SearchSpace, searches: Sequence[Sequence[Snapshot]], patch: Sequence[int]
) -> Iterator[Proposal]:
    """Of each search its end, then its earlier moments; the ends of all searches come first."""
    ends = [(number, snapshots[0], "", "") for number, snapshots in enumerate(searches)]
    earlier = [
        (number, snapshot, f"_step_{snapshot.step}", f" after {snapshot.step} steps")
        for number, snapshots in enumerate(searches)
        for snapshot in snapshots[1:]
    ]
    for number, snapshot, step, moment in (*ends, *earlier):
        name = f"search_{number + 1}" if number else "search"
        yield from proposed_by_supernet(space, snapshot, patch, name + step, name.replace("_", " ") + moment)


def from_zoo(patch: Sequence[int]) -> Iterator[Proposal]:
    """Architectures that were found on other data, as far as patches of this size can pass through them."""
    for entry in found_entries():
        if entry.design.fits(patch):
            yield f"zoo_{entry.name}", f"zoo: {entry.caption}", entry.design


def u_shapes(space: SearchSpace) -> Iterator[Proposal]:
    """U shapes of the search space that turn at each level."""
    for deepest in range(1, space.levels):
        try:
            shape = u_shape(space, deepest=deepest)
        except InputError:  # too few layers to come back from there
            return
        yield f"u_shape_{deepest + 1}_levels", f"U shape of {deepest + 1} levels", shape


def near(leader: Candidate, count: int, seed: int) -> Iterator[Proposal]:
    """`count` architectures one change away from the leader, drawn by the seed; none of a U-Net."""
    if not isinstance(leader.design, Architecture):
        return
    changed = {f"{leader.name}_near_{index}": one for index, one in enumerate(neighbours(leader.design))}
    for name in shuffled(changed, seed, "neighbours")[:count]:
        yield name, f"near {leader.name}", changed[name]


def random_ones(space: SearchSpace, count: int, seed: int) -> Iterator[Proposal]:
    """Feasible random architectures, from sparse to dense: what a search must be better than."""
    for index in range(count):
        density = 0.15 + 0.35 * index / max(1, count - 1)
        yield f"random_{index}", "random", Architecture.random(space, np.random.default_rng((seed, index)), density)


def plain(design: AnyDesign) -> AnyDesign:
    """Without width, and with the first operation on edges that are off: equal for what builds the same network."""
    if not isinstance(design, Architecture):
        return replace(design, filters=None)
    return replace(design, operations=np.where(design.edges, design.operations, 0), filters=None)
