"""Searches at three memory budgets, with and without the topology loss, and what they found.

    python studies/hippocampus/search.py --data ../shared/data/Task04_Hippocampus --work runs/study

Each search is `dints search` with search.yaml in its own folder; finished ones are kept, interrupted ones go on. Writes
searches.csv (Table 1 of the paper), gap.csv and gap.svg (Figure 8), logs/ and architectures/ (Figure 7). Results of
searches that are not in the work folder stay. Another schedule, or full resolution (full/), in folders of its own:

    python studies/hippocampus/search.py --data ../shared/data/Task04_Hippocampus --work runs/low_rate \
        --config studies/hippocampus/low_rate/search.yaml --results studies/hippocampus/low_rate
"""

from __future__ import annotations

import argparse
import csv
import multiprocessing
import resource
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tables import write_csv, write_log

from dints import Architecture, build_network
from dints.config import Config
from dints.device import autocast
from dints.files.storage import atomic_path, read_json, write_json
from dints.run import Run
from dints.run_layout import read_log
from dints.training.losses import segmentation_loss

HERE = Path(__file__).parent
BUDGETS = (0.2, 0.5, 0.8)
SEEDS = (0, 1)
AVERAGED = 10  # architecture steps; G of single steps jumps
MIB = 2**20


@dataclass(frozen=True)
class Search:
    """One search of the study."""

    budget: float
    seed: int
    topology_loss: bool = True
    iterations: int | None = None  # None: those of search.yaml

    @property
    def name(self) -> str:
        half = "" if self.iterations is None else f"_{self.iterations}_iterations"
        return f"{'' if self.topology_loss else 'no'}topology_{self.budget}_seed{self.seed}{half}"

    def command(self, data: Path, work: Path, config: Path) -> list[str]:
        command = [sys.executable, "-m", "dints", "search", "--run", str(work / self.name), "--data", str(data)]
        command += ["--config", str(config), "--memory-budget", str(self.budget), "--device", "auto"]
        command += ["--set", f"search.seed={self.seed}"]
        if self.iterations is not None:
            command += ["--set", f"search.iterations={self.iterations}"]
        return command if self.topology_loss else [*command, "--no-topology-loss"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--config", type=Path, default=HERE / "search.yaml")
    parser.add_argument("--results", type=Path, default=HERE, help="where the tables and pictures go")
    parser.add_argument("--only", nargs="*", metavar="NAME", help="these searches; without a name none, only tables")
    options = parser.parse_args()
    full = Config.load(options.config).search.iterations
    searches = [Search(budget, seed, loss) for seed in SEEDS for budget in BUDGETS for loss in (True, False)]
    searches += [Search(budget, 0, iterations=full // 2) for budget in BUDGETS]
    for search in searches:
        if options.only is None or search.name in options.only:
            run_search(search, options)
    write_searches(searches, options.work, options.results)
    write_gaps([search for search in searches if search.iterations is None], options.work, options.results)
    print((options.results / "searches.csv").read_text())


def finished(search: Search, work: Path) -> bool:
    return (work / search.name / "search" / "summary.json").is_file()


def run_search(search: Search, options: argparse.Namespace) -> None:
    """Searches unless that is done; the processor's seconds of the last call are kept beside the run."""
    if finished(search, options.work):
        return
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(search.command(options.data, options.work, options.config), check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    write_json(options.work / search.name / "seconds.json", round(seconds))


def write_searches(searches: list[Search], work: Path, results: Path) -> None:
    """A line a search that is finished or has a line already; its log and its picture beside it."""
    header = ["search", "sigma", "topology loss", "seed", "iterations", "expected memory", "edges", "operations"]
    header += ["parameters (M)", "multiply-adds (G)", "predicted memory (MiB)", "measured memory (MiB)", "G"]
    header += ["processor seconds"]
    table = results / "searches.csv"
    kept = {row[0]: row for row in csv.reader(table.open())} if table.exists() else {}
    lines = []
    for search in searches:
        if not finished(search, work):
            lines += [kept[search.name]] if search.name in kept else []
            continue
        run = Run(work / search.name)
        summary, architecture = read_json(run.summary_file), run.architecture()
        cost = summary["architecture"]
        edges = np.array(architecture.edges, bool)
        learnt = int((edges & (np.array(architecture.operations) > 0)).sum())
        settings = (search.name, search.budget, search.topology_loss, search.seed, run.config.search.iterations)
        found = (f"{summary['expected_memory']:.3f}", int(edges.sum()), learnt)
        costs = (f"{cost['parameters'] / 1e6:.2f}", f"{cost['macs'] / 1e9:.3f}", f"{cost['training_memory'] / MIB:.0f}")
        measured = f"{measured_memory(architecture, run.config) / MIB:.0f}"
        lines.append([*settings, *found, *costs, measured, summary["gap"], took(work / search.name)])
        for folder in ("logs", "architectures"):
            (results / folder).mkdir(parents=True, exist_ok=True)
        write_log(run.search.log, results / "logs" / f"{search.name}.csv")
        shutil.copyfile(run.architecture_file, results / "architectures" / f"{search.name}.json")
        shutil.copyfile(run.architecture_picture("svg"), results / "architectures" / f"{search.name}.svg")
    write_csv(table, header, lines)


def took(folder: Path) -> int | str:
    """Seconds of the processor that a search took; empty if that is not known."""
    return read_json(folder / "seconds.json") if (folder / "seconds.json").is_file() else ""


def measured_memory(architecture: Architecture, config: Config) -> int:
    """Bytes that a training step of one patch adds to a process at its peak."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(peak_of_a_step, (architecture, config))


def peak_of_a_step(architecture: Architecture, config: Config) -> int:
    torch.set_num_threads(1)
    network = build_network(architecture, len(config.task.channels), len(config.task.labels), config.training.filters)
    images = torch.randn(1, len(config.task.channels), *config.sampling.patch)
    labels = torch.zeros(images.shape[0], *images.shape[2:], dtype=torch.uint8)
    warm_up = torch.nn.Conv3d(1, 8, 3)  # what the libraries take for themselves
    warm_up(torch.randn(1, 1, 32, 32, 32)).sum().backward()
    before = peak()
    with autocast(torch.device("cpu")):
        loss = segmentation_loss(network(images), labels)
    loss.backward()
    return peak() - before


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def write_gaps(searches: list[Search], work: Path, results: Path) -> None:
    """G at every architecture step of the searches that are finished or have a column already, as a table and drawn."""
    table = results / "gap.csv"
    curves = {search: curve for search in searches if (curve := gap_curve(search, work) or kept_curve(search, table))}
    steps = max(map(len, curves.values()), default=0)
    lines = [[step + 1, *(curve[step] for curve in curves.values())] for step in range(steps)]
    write_csv(table, ["architecture step", *(search.name for search in curves)], lines)
    from matplotlib.figure import Figure

    budgets = sorted({search.budget for search in curves})
    if not budgets:
        return
    figure = Figure(figsize=(3 * len(budgets), 3.2), layout="constrained")
    for axes, budget in zip(figure.subplots(1, len(budgets), sharey=True, squeeze=False)[0], budgets, strict=True):
        axes.set(xlabel="architecture step", title=f"sigma = {budget:g}")
        for search, curve in curves.items():
            if search.budget == budget:
                means = np.convolve(curve, np.ones(AVERAGED) / AVERAGED, mode="valid")
                label = f"{'with' if search.topology_loss else 'without'} topology loss, seed {search.seed}"
                color, style = ("C0", "C1")[not search.topology_loss], ("-", "--")[search.seed]
                axes.plot(range(AVERAGED, len(curve) + 1), means, style, color=color, label=label)
        axes.set_ylim(bottom=0)
    figure.axes[0].set_ylabel("discretization gap G")
    figure.axes[-1].legend(frameon=False, fontsize="small")
    with atomic_path(results / "gap.svg") as temporary:
        figure.savefig(temporary, format="svg", metadata={"Date": None})


def gap_curve(search: Search, work: Path) -> list[int]:
    """From the log of a finished run; the study's own is thinned."""
    rows = read_log(Run(work / search.name).search.log) if finished(search, work) else []
    return [int(row["gap"]) for row in rows if row.get("gap") is not None]


def kept_curve(search: Search, table: Path) -> list[int]:
    rows = csv.DictReader(table.open()) if table.exists() else []
    return [int(row[search.name]) for row in rows if row.get(search.name)]


if __name__ == "__main__":
    main()
