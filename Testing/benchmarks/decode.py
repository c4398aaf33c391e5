"""How long the exact discretization takes for the paper's search space (12 layers, 4 levels).

    python Testing/benchmarks/decode.py

Decodes random probabilities and writes median and maximum to results/decode.json.
"""

from __future__ import annotations

import json
import statistics
import time
from pathlib import Path

import torch
from machine import machine

import dints
from dints.files.storage import write_json

RESULT = Path(__file__).parent / "results" / "decode.json"
REPETITIONS = 200


def main() -> None:
    space = dints.SearchSpace(layers=12, levels=4)
    generator = torch.Generator().manual_seed(0)
    milliseconds = []
    for repetition in range(REPETITIONS + 1):
        edges = torch.rand((space.layers, space.edges), generator=generator)
        operations = torch.rand((space.layers, space.edges, 5), generator=generator).softmax(-1)
        started = time.perf_counter()
        architecture = dints.decode(space, edges, operations)
        if repetition:  # the first call makes the tables
            milliseconds.append(1000 * (time.perf_counter() - started))
        if not space.is_feasible(architecture.edges):
            raise SystemExit("an infeasible topology was decoded")
    figures = {
        "layers": space.layers,
        "levels": space.levels,
        "repetitions": REPETITIONS,
        "median_ms": round(statistics.median(milliseconds), 2),
        "maximum_ms": round(max(milliseconds), 2),
        "machine": machine(),
    }
    write_json(RESULT, figures)
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
