"""How long exact discretization and the architecture's losses take: the paper's search space (12 layers, 4 levels).

    python Testing/benchmarks/decode.py
    python Testing/benchmarks/decode.py --levels 5    # with full resolution and 1/16: 13 edges, 8,191 patterns

Works on random probabilities, and writes median and maximum of the processor time to results/decode.json, or to
decode_5_levels.json. `load` says how many other programs were running: caches and memory are shared with them.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from machine import machine

import dints
from dints.cost.operations import operation_costs
from dints.files.storage import write_json
from dints.search.losses import architecture_loss
from dints.space.search_space import SearchSpace

RESULTS = Path(__file__).parent / "results"
PAPER_LEVELS = 4
REPETITIONS = {"decode": 200, "losses": 50}
SIGMA, LAMBDA = 0.2, 0.001  # of the memory and the topology loss


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--levels", type=int, default=PAPER_LEVELS, help="resolution levels (default: the paper's)")
    levels = parser.parse_args().levels
    torch.set_num_threads(1)
    space = SearchSpace(layers=12, levels=levels, finest=2 if levels == PAPER_LEVELS else 1)
    works = {"decode": decoding(space), "losses": losses(space)}
    figures = {
        "layers": space.layers,
        "levels": space.levels,
        "edges": space.edges,
        "patterns": len(space.patterns),
        "load": round(os.getloadavg()[0], 1),
        **{name: milliseconds(work, REPETITIONS[name]) for name, work in works.items()},
        "machine": machine(),
    }
    name = "decode.json" if levels == PAPER_LEVELS else f"decode_{levels}_levels.json"
    write_json(RESULTS / name, figures)
    print(json.dumps(figures, indent=1))


def decoding(space: SearchSpace) -> Callable[[], None]:
    """Decodes other probabilities at each call."""
    generator = torch.Generator().manual_seed(0)

    def work() -> None:
        edges = torch.rand((space.layers, space.edges), generator=generator)
        operations = torch.rand((space.layers, space.edges, 5), generator=generator).softmax(-1)
        if not space.is_feasible(dints.decode(space, edges, operations).edges):
            raise SystemExit("an infeasible topology was decoded")

    return work


def losses(space: SearchSpace) -> Callable[[], None]:
    """Forward and backward of all terms of Eq. 11."""
    generator = torch.Generator().manual_seed(0)
    edges = torch.randn((space.layers, space.edges), generator=generator, requires_grad=True)
    operations = torch.randn((space.layers, space.edges, 5), generator=generator, requires_grad=True)
    costs = operation_costs(space, 16, (96, 96, 96))

    def work() -> None:
        terms = architecture_loss(space, edges.sigmoid(), operations.softmax(-1), costs, SIGMA, LAMBDA)
        terms.weighted_sum.backward()

    return work


def milliseconds(work: Callable[[], None], repetitions: int) -> dict[str, float]:
    """Median and maximum of the processor time of a call; the first one makes the tables and does not count."""
    work()
    times = []
    for _ in range(repetitions):
        started = time.process_time()
        work()
        times.append(1000 * (time.process_time() - started))
    return {
        "repetitions": repetitions,
        "median_ms": round(statistics.median(times), 2),
        "maximum_ms": round(max(times), 2),
    }


if __name__ == "__main__":
    main()
