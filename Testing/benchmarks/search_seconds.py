"""How near the measured time of what a search finds comes to the seconds that were its budget.

    python Testing/benchmarks/search_seconds.py

One search for each share of what the network with every edge on takes, and for each number of filters. The networks
found are measured again after all searches, in turns: the median, lowest and highest go to results/search_seconds.csv,
beside what was expected from the times of the edges, and what would have been found without a price. On a computer
that does anything else the figures say nothing: the load stands in each row.
"""

from __future__ import annotations

import argparse
import os
import statistics
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from paths import HIPPOCAMPUS, RESULTS
from plan import append

from dints.config import Config
from dints.cost.memory import every_edge
from dints.cost.seconds import WindowTimer
from dints.data.cache import Cache, build_cache
from dints.data.check import check
from dints.data.datalist import read_datalist
from dints.data.fingerprint import default_config, fingerprint
from dints.events import Reporter
from dints.search.loop import Search
from dints.search.priced import FREE
from dints.space.architecture import Architecture

FILTERS = (8, 16)  # of the networks that are found
SHARES = (0.3, 0.5, 0.7)
CASES = 20
TURNS = 9
SETTINGS = (
    "sampling.patch=[32,32,32]",
    "search.layers=6",
    "search.filters=4",
    "search.batch_size=2",
    "search.architecture_learning_rate=0.1",
)
CPU = torch.device("cpu")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=HIPPOCAMPUS)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--results", type=Path, default=RESULTS / "search_seconds.csv")
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        base, cache = prepared(options.data, Path(folder), options.steps)
        searches = [
            (share, searched(base, cache, share, filters, Path(folder) / f"{filters}-{share:g}"))
            for filters in FILTERS
            for share in SHARES
        ]
        rows = [row(share, search) for share, search in searches]
    append(options.results, rows)
    for found in rows:
        print(", ".join(f"{key} {value}" for key, value in found.items()))


def prepared(data: Path, folder: Path, steps: int) -> tuple[Config, Cache]:
    """Settings of a short search, and some cases."""
    datalist, reporter = read_datalist(data), Reporter()
    result = check(datalist, Config().training.folds, reporter)
    derived = default_config(datalist, fingerprint(result, datalist), None)
    config = derived.with_overrides([*SETTINGS, f"search.iterations={steps}"])
    cases = [case for case in datalist.cases if case.label][:CASES]
    return config, build_cache(cases, config.preprocessing, config.task.labels, folder / "cache", reporter)


def searched(base: Config, cache: Cache, share: float, filters: int, folder: Path) -> Search:
    """A finished search for a share of the seconds of all edges."""
    config = base.with_overrides([f"training.filters={filters}"])
    seconds = share * timed(every_edge(config.search.space), config)
    folder.mkdir()
    config = config.with_overrides([f"search.seconds={seconds}"])
    search = Search(config, cache, list(cache.cases), folder, CPU, Reporter())
    search.run()
    return search


def timed(architecture: Architecture, config: Config) -> float:
    """Measured seconds of a window."""
    task, filters = config.task, config.training.filters
    timer = WindowTimer(filters, len(task.channels), len(task.labels), config.sampling.patch, CPU)
    return timer.whole(architecture)


def row(share: float, search: Search) -> dict[str, object]:
    """What was wanted and what the network takes, in milliseconds."""
    config, found = search.config, search.architecture()
    wanted = config.search.seconds
    prices, search.prices = search.prices, FREE
    free = search.architecture()
    turns = [timed(found, config) for _ in range(TURNS)]
    median = statistics.median(turns)
    milliseconds = partial(round, ndigits=2)
    return {
        "filters": config.training.filters,
        "share": share,
        "wanted_ms": milliseconds(1e3 * wanted),
        "measured_ms": milliseconds(1e3 * median),
        "lowest_ms": milliseconds(1e3 * min(turns)),
        "highest_ms": milliseconds(1e3 * max(turns)),
        "ratio": round(median / wanted, 3),
        "ratio_without_price": round(timed(free, config) / wanted, 3),
        "price_edges": round(prices[0], 3),
        "price_operations": round(prices[1], 3),
        "steps": config.search.iterations,
        "load": round(os.getloadavg()[0], 2),
    }


if __name__ == "__main__":
    main()
