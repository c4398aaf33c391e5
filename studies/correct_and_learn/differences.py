"""What the rounds of study.py tell apart: differences on the same test cases, and Dice against cases and minutes.

`python differences.py --work FOLDER` reads what study.py has left so far, and writes differences.csv and rounds.svg.
Positive differences speak for what is named first.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dints.evaluation.paired import paired_difference
from dints.files.storage import atomic_path, read_json

HERE = Path(__file__).parent
HEADER = ("round", "difference", "Dice", "low", "high", "test cases", "verdict")
QUESTIONS = {  # folders of the models, of one round
    "ranking - random, fine-tuned": ("ranking-{}-fine-tuned", "random-{}-fine-tuned"),
    "ranking - random, from the start": ("ranking-{}-from-the-start", "random-{}-from-the-start"),
    "all cases - new ones alone, ranking": ("ranking-{}-fine-tuned", "ranking-{}-new-cases-alone"),
    "all cases - new ones alone, random": ("random-{}-fine-tuned", "random-{}-new-cases-alone"),
    "fine-tuned - from the start, ranking": ("ranking-{}-fine-tuned", "ranking-{}-from-the-start"),
    "fine-tuned - from the start, random": ("random-{}-fine-tuned", "random-{}-from-the-start"),
    "fine-tuned - first model, ranking": ("ranking-{}-fine-tuned", "first"),
    "fine-tuned - first model, random": ("random-{}-fine-tuned", "first"),
    "new cases alone - first model, ranking": ("ranking-{}-new-cases-alone", "first"),
    "new cases alone - first model, random": ("random-{}-new-cases-alone", "first"),
}
MARKERS = {"fine-tuned": "o-", "new cases alone": "^:", "from the start": "s--"}
COLOURS = {"ranking": "#2a8fd6", "random": "#e07b00"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--rounds", type=Path, default=HERE / "rounds.csv")
    parser.add_argument("--results", type=Path, default=HERE)
    options = parser.parse_args()
    with (options.results / "differences.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([HEADER, *differences(options.work)])
    with options.rounds.open(encoding="utf-8") as file:
        draw(list(csv.DictReader(file)), options.results / "rounds.svg")
    print((options.results / "differences.csv").read_text())


def differences(work: Path) -> Iterator[tuple[object, ...]]:
    """A row for each question of each round whose models are both there."""
    number = 1
    while (work / f"ranking-{number}-fine-tuned").is_dir():
        for question, models in QUESTIONS.items():
            ours, theirs = (work / model.format(number) / "test.json" for model in models)
            if ours.is_file() and theirs.is_file():
                found = paired_difference(read_json(ours), read_json(theirs))
                values = (f"{value:+.4f}" for value in (found.mean, found.low, found.high))
                yield (number, question, *values, found.cases, found.verdict)
        number += 1


def draw(rows: Sequence[Mapping[str, str]], path: Path) -> None:
    """Dice with its interval against cases, and against processor minutes of the round's training."""
    rcParams["svg.hashsalt"] = "rounds"  # the same file for the same points
    figure = Figure(figsize=(9.0, 3.6), layout="constrained")
    for place, name in enumerate(("cases", "processor minutes"), start=1):
        axes = figure.add_subplot(1, 2, place, xlabel=name, ylabel="Dice of unseen cases")
        for choice, colour in COLOURS.items():
            for method, style in MARKERS.items():
                draw_one(
                    axes,
                    [row for row in rows if (row["choice"], row["method"]) == (choice, method)],
                    name,
                    style,
                    colour,
                )
        draw_one(axes, [row for row in rows if row["choice"] == "first"], name, "D", "black")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside right center", frameon=False, fontsize=8)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, metadata={"Date": None})


def draw_one(axes: Axes, rows: Sequence[Mapping[str, str]], name: str, style: str, colour: str) -> None:
    if not rows:
        return
    x, dice, low, high = ([float(row[key]) for row in rows] for key in (name, "Dice", "low", "high"))
    reach = [
        [own - end for own, end in zip(dice, low, strict=True)],
        [end - own for own, end in zip(dice, high, strict=True)],
    ]
    label = "first model" if rows[0]["choice"] == "first" else f"{rows[0]['choice']}, {rows[0]['method']}"
    axes.errorbar(x, dice, yerr=reach, fmt=style, color=colour, label=label, markersize=4, capsize=2, linewidth=1)


if __name__ == "__main__":
    main()
