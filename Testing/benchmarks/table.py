"""The table of all comparisons, measured or not, as Markdown."""

from __future__ import annotations

import csv
from pathlib import Path

from alone import SUBJECTS
from comparison import OURS, REFERENCE, RESULTS, Comparison
from comparisons import COMPARISONS

from dints.files.storage import read_json, write_text

TABLE = RESULTS.parent / "README.md"
HEADER = """# Beside the reference implementation

Written by `python Testing/benchmarks/run.py`. How many times as long MONAI's DiNTS takes for the same task on the same
input with the same weights: the median of five turns, and the lowest and highest of them. On the CPU processor time
counts, with one thread; memory is the peak of a process of its own, above what the imported libraries take.

| task | device | times faster | wanted | memory of the reference's | wanted | seconds, ours and theirs | results |
| --- | --- | --- | --- | --- | --- | --- | --- |
"""
ALONE = """
# The engine alone

Each row by a script of its own beside `run.py`, which says how it is measured; on one thread of the CPU. Growth is
plotted in [growth.svg](growth.svg), its points are in [growth.csv](growth.csv). What was tried and did not help is in
[not_helpful.md](not_helpful.md).

| what | figure | wanted |
| --- | --- | --- |
"""
KEPT_AS_TABLES = (  # what is measured, on which conditions, and the file of the rows
    (
        "Runs that are given a time",
        "`plan.py`: whole runs on one core, what they were predicted to take and took, and the Dice of each label over "
        "all cases of the cross-validation.",
        RESULTS.parent / "plan" / "runs.csv",
    ),
    (
        "Searches that are given seconds",
        "`search_seconds.py`: how long a window of the found network takes, on one core.",
        RESULTS.parent / "search_seconds.csv",
    ),
)


def write_table() -> str:
    """Writes results/README.md and returns it."""
    rows = [_row(comparison, device) for comparison in COMPARISONS for device in comparison.devices]
    alone = [line for subject in SUBJECTS for line in subject.lines()]
    files = [*RESULTS.glob("*.json"), *(subject.result_file for subject in SUBJECTS if subject.result_file.exists())]
    machines = "\n".join(f"Measured on {line}." for line in sorted({_machine(read_json(f)["machine"]) for f in files}))
    text = HEADER + "\n".join(rows) + "\n" + ALONE + "\n".join(alone) + "\n\n" + machines + "\n"
    text += "".join(
        f"\n# {title}\n\n{how}\n\n{_rows_of(path)}" for title, how, path in KEPT_AS_TABLES if path.is_file()
    )
    write_text(TABLE, text)
    return text


def _row(comparison: Comparison, device: str) -> str:
    path = comparison.result_file(device)
    device_name = "GPU" if device == "cuda" else "CPU"
    memory_wanted = "" if comparison.memory is None else f"at most {comparison.memory:.2g}"
    wanted = f"at least {comparison.faster:g}"
    if comparison.seconds is not None:
        wanted += f", at most {1000 * comparison.seconds:g} ms"
    if not path.exists():
        return f"| {comparison.title} | {device_name} | not measured | {wanted} | | {memory_wanted} | | |"
    result = read_json(path)
    faster, seconds = result["times_faster"], result["seconds"]
    times = f"{faster['median']:.3g} ({faster['lowest']:.3g} to {faster['highest']:.3g})"
    memory = f"{result['memory_fraction']:.2f}" if "memory_fraction" in result else ""
    both = ", ".join(f"{sorted(seconds[side])[len(seconds[side]) // 2]:.3g}" for side in (OURS, REFERENCE))
    return (
        f"| {comparison.title} | {device_name} | {times} | {wanted} | {memory} | {memory_wanted} | {both} "
        f"| {result['agreement']} |"
    )


def _rows_of(path: Path) -> str:
    """A CSV file as a table in Markdown."""
    with path.open(newline="") as file:
        names, *rows = csv.reader(file)
    lines = [[name.replace("_", " ") for name in names], ["---"] * len(names), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _machine(machine: dict) -> str:
    """One line about what a result was measured on."""
    where = machine.get("gpu", f"{machine['processor']}, {machine['threads']} of {machine['cores']} cores")
    return f"{where}, Python {machine['python']}, PyTorch {machine['torch']}, MONAI {machine['monai']}"
