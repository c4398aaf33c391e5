"""How much longer five folds take than one: windows are read, normalised and resampled once for all of them.

    python Testing/benchmarks/five_folds.py

Turns of one fold and of five on the same CT, in processor seconds of one thread: with networks of next to no cost, so
that the pipeline is what is measured, at the size that is wanted and at a smaller one, and with networks of 8 filters.
Networks cannot share their convolutions: the more of the time they take, the nearer five folds come to five times one.
The result goes to results/five_folds.json.
"""

from __future__ import annotations

import os
import statistics

import torch
from comparison import REPETITIONS, timed
from comparisons.segmentation import CUBE, SIZE, config, pointwise, scan
from machine import machine
from paths import RESULTS
from reference import papers_architecture

from dints.device import PRECISION_VARIABLE
from dints.files.storage import write_json
from dints.geometry import Size
from dints.inference.predictor import Predictor
from dints.inference.sliding_window import ForwardPass
from dints.space.network import build_network

RESULT = RESULTS / "five_folds.json"
FOLDS = 5
ALLOWED = 4.5
CPU = torch.device("cpu")


def main() -> int:
    """Measures both kinds of networks; 0 if the pipeline's five folds stay below what is allowed."""
    os.environ[PRECISION_VARIABLE] = "full"
    torch.set_num_threads(1)
    kinds = (
        ("networks of no cost", SIZE, pointwise_fold),
        ("networks of no cost", CUBE, pointwise_fold),
        ("8 filters", CUBE, network),
    )
    rows = {
        f"{'x'.join(map(str, size))}, {kind}": measure(size, [of_fold(fold) for fold in range(FOLDS)])
        for kind, size, of_fold in kinds
    }
    write_json(RESULT, {"allowed": ALLOWED, "rows": rows, "machine": machine()})
    print(RESULT.read_text())
    return 0 if next(iter(rows.values()))["times"]["median"] < ALLOWED else 1


def pointwise_fold(fold: int) -> ForwardPass:
    """As `pointwise`, a little different in each fold, so that there is something to vote on."""
    return lambda windows: pointwise(windows - 0.02 * fold)


def network(fold: int) -> ForwardPass:
    torch.manual_seed(fold)
    return build_network(papers_architecture(), in_channels=1, classes=3, filters=8)


def measure(size: Size, networks: list[ForwardPass]) -> dict[str, object]:
    """Seconds of one fold and of all, turn by turn, after one turn that is not counted."""
    predictor, image = Predictor(networks, config(), "cpu"), scan(size)
    predictor.segment([image], folds=[0])
    turns = [
        {
            "one": timed(lambda: predictor.segment([image], folds=[0]), CPU)[0],
            "five": timed(lambda: predictor.segment([image]), CPU)[0],
        }
        for _ in range(REPETITIONS)
    ]
    ratios = [turn["five"] / turn["one"] for turn in turns]
    return {
        "times": {"median": statistics.median(ratios), "lowest": min(ratios), "highest": max(ratios)},
        "seconds": {name: [turn[name] for turn in turns] for name in ("one", "five")},
    }


if __name__ == "__main__":
    raise SystemExit(main())
