"""The discretization gap G while searching, with and without the topology loss (4.4.2, Figure 8), from the same seed.

    python Testing/benchmarks/discretization_gap.py --data ../shared/data/Task04_Hippocampus --work runs/gap

Both searches run at the same time, on one thread each, and resume when the command is given again. The table goes to
results/discretization_gap.csv, the plot to results/discretization_gap.svg.
"""

from __future__ import annotations

import argparse
import csv
import io
import os
import subprocess
import sys
from pathlib import Path

from dints.files.storage import atomic_path, write_text
from dints.run_layout import read_log

HERE = Path(__file__).parent
RESULTS = HERE / "results"
VARIANTS = {"with topology loss": [], "without topology loss": ["--no-topology-loss"]}
# The paper's search space and augmentation (4.1) in place of those of the quick configuration.
SETTINGS = (
    "search.layers=12",
    "augmentation.flip_probability=0.5",
    "augmentation.rotate90_probability=0.5",
    "augmentation.affine_probability=0.3",
)
AVERAGED = 10  # architecture steps; G of single steps jumps


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--iterations", type=int, default=240)
    parser.add_argument("--memory-budget", type=float, default=0.2)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    folders = {name: options.work / name.replace(" ", "_") for name in VARIANTS}
    searches = [start_search(folders[name], extra, options) for name, extra in VARIANTS.items()]
    if any(search.wait() for search in searches):
        raise SystemExit("a search failed; see its message above")
    gaps = {name: gap_curve(folder) for name, folder in folders.items()}
    write_table(gaps)
    plot(gaps, options.memory_budget)
    for name, curve in gaps.items():
        print(f"{name}: G {sum(curve) / len(curve):.1f} on average, {max(curve)} at most, {curve[-1]} at the end")


def start_search(folder: Path, extra: list[str], options: argparse.Namespace) -> subprocess.Popen:
    command = [sys.executable, "-m", "dints", "search", "--run", str(folder), "--data", str(options.data)]
    command += ["--config", str(HERE / "hippocampus_quick.yaml"), "--memory-budget", str(options.memory_budget)]
    command += ["--set", f"search.iterations={options.iterations}", "--set", f"search.seed={options.seed}", *extra]
    for setting in SETTINGS:
        command += ["--set", setting]
    return subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"})


def gap_curve(folder: Path) -> list[int]:
    """G at every architecture step."""
    return [row["gap"] for row in read_log(folder / "search" / "log.jsonl") if "gap" in row]


def write_table(gaps: dict[str, list[int]]) -> None:
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["architecture step", *gaps])
    writer.writerows([step, *row] for step, row in enumerate(zip(*gaps.values(), strict=True), start=1))
    write_text(RESULTS / "discretization_gap.csv", table.getvalue())


def plot(gaps: dict[str, list[int]], budget: float) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    axes = figure.add_subplot(xlabel="architecture step", ylabel="discretization gap G", title=f"sigma = {budget:g}")
    for (name, curve), style in zip(gaps.items(), ("--", "-"), strict=True):
        means = [sum(part) / len(part) for part in (curve[max(0, i - AVERAGED) : i + 1] for i in range(len(curve)))]
        axes.plot(range(1, len(curve) + 1), means, style, label=name)
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False)
    with atomic_path(RESULTS / "discretization_gap.svg") as temporary:
        figure.savefig(temporary, metadata={"Date": None})


if __name__ == "__main__":
    main()
