"""Does a model get better by corrections, does the ranking choose better cases than chance, what is forgotten?

A first model of few cases; then rounds of more, chosen by the ranking and at random, learned from by fine-tuning, by
fine-tuning on the new cases alone, and from the start. `python study.py --data FOLDER --work FOLDER`; goes on where it
was stopped. What is forgotten shows where fine-tuning on the new cases alone falls behind.
"""

from __future__ import annotations

import argparse
import csv
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from dints.config import Config
from dints.data.datalist import DataList, read_datalist
from dints.evaluation.cross_validation import cross_validate
from dints.evaluation.export import export
from dints.events import Reporter
from dints.files.storage import read_json, write_json
from dints.improvement.comparison import segment_and_score
from dints.improvement.rank import rank
from dints.improvement.start import prepare_from, read_start
from dints.model.model import Model, load_model
from dints.run import Run
from dints.seeds import shuffled
from dints.stages import keep_architecture, prepare, train
from dints.training.validation import mean_defined
from dints.zoo.catalogue import find_design

HEADER = (
    "choice",
    "method",
    "round",
    "cases",
    "processor minutes",
    "Dice",
    "low",
    "high",
    "error of the predicted Dice",
    "error that the model states",
)
RESAMPLES = 10_000
CHOICES = ("ranking", "random")
METHODS = ("fine-tuned", "new cases alone", "from the start")
CPU = torch.device("cpu")


def main() -> None:
    options = parsed()
    datalist = read_datalist(options.data)
    names = shuffled([case.name for case in datalist.cases], options.seed, "study")
    test, first = names[: options.test], names[options.test : options.test + options.first]
    study = Study(options.work, datalist, test, options.set)
    rows = [study.row("first", "from the start", 0, first, study.learn("first", first, None, first))]
    arms = [Arm(choice, list(first), study.model("first")) for choice in options.choices]
    for number in range(1, options.rounds + 1):  # round by round, so that both choices are there for as many
        for arm in arms:
            pool = [name for name in names if name not in {*test, *arm.known}]
            rows += study.round(arm, number, pool, options.step, options.seed)
            write(options.out, rows)


@dataclass
class Arm:
    """One way to choose cases: those known so far, and the model that was fine-tuned on them."""

    choice: str
    known: list[str]
    model: Model


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("rounds.csv"))
    for name, value in (("first", 20), ("step", 10), ("rounds", 5), ("test", 40), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--choices", nargs="+", default=CHOICES, help="one, while another process does the other")
    parser.add_argument("--set", action="append", default=[], help="settings beside those of settings.yaml")
    return parser.parse_args()


class Study:
    """Models by name, each in a folder of its own, and their scores on cases that none has learned from."""

    def __init__(self, work: Path, datalist: DataList, test: Sequence[str], settings: Sequence[str]) -> None:
        self.work, self.datalist, self.settings = work, datalist, list(settings)
        self.cases = {case.name: case for case in datalist.cases}
        self.test = [self.cases[name] for name in test]
        self.config = Config.load(Path(__file__).with_name("settings.yaml"), Config.load("hippocampus"))

    def round(self, arm: Arm, number: int, pool: Sequence[str], step: int, seed: int) -> list[tuple[object, ...]]:
        """Rows of the three ways to learn from the next cases."""
        name, rows = f"{arm.choice}-{number}", []
        new = self.chosen(name, arm.choice, arm.model, pool, step, seed)
        arm.known += new
        for method in METHODS:
            own = f"{name}-{method.replace(' ', '-')}"
            cases = new if method == "new cases alone" else arm.known
            minutes = self.learn(own, cases, None if method == "from the start" else arm.model, arm.known)
            rows.append(self.row(arm.choice, method, number, arm.known, minutes, own))
        arm.model = self.model(f"{name}-fine-tuned")
        return rows

    def model(self, name: str) -> Model:
        return load_model(self.work / name / "model.zip")

    def learn(self, name: str, names: Sequence[str], start: Model | None, known: Sequence[str]) -> float:
        """Trains a model unless it is there; processor minutes."""
        folder, told = self.work / name, self.work / name / "minutes.json"
        if told.is_file():
            return float(read_json(told)["minutes"])
        data = self.arranged(self.work / f"{name}-data", names)
        began = time.process_time()
        run = self.begun(folder, data, start)
        train(run, [fold for fold in run.startable_folds if fold not in run.trained_folds], CPU, Reporter())
        minutes = (time.process_time() - began) / 60
        cross_validate(run, "cpu", Reporter())
        export(run, Reporter())
        write_json(told, {"minutes": minutes, "cases": list(names), "known": list(known)})
        return minutes

    def begun(self, folder: Path, data: Path, start: Model | None) -> Run:
        if (folder / "run.json").is_file():
            return Run(folder)
        if start is not None:
            return prepare_from(read_start(str(start.path)), folder, data, [], Reporter())
        settings = folder.with_suffix(".yaml")
        self.config.save(settings)
        run = prepare(folder, data, str(settings), self.settings, None, Reporter())
        keep_architecture(run, find_design("u-shape", run.config.search.space), Reporter())
        return run

    def arranged(self, folder: Path, names: Sequence[str]) -> Path:
        """The cases as a data set of their own."""
        for name in names:
            for kind, path in (("images", self.cases[name].images[0]), ("labels", self.cases[name].label)):
                target = folder / kind / f"{name}.nii.gz"
                target.parent.mkdir(parents=True, exist_ok=True)
                if path is not None and not target.is_file():
                    shutil.copyfile(path, target)
        write_json(folder / "labels.json", {str(value): own for value, own in self.datalist.labels.items()})
        return folder

    def chosen(self, name: str, choice: str, model: Model, pool: Sequence[str], count: int, seed: int) -> list[str]:
        """The next cases: those that the model is least sure of, or any."""
        if choice == "random":
            return shuffled(pool, seed, name)[:count]
        folder = self.arranged(self.work / f"{name}-pool", pool)
        rows = rank(model, folder / "images", self.work / f"{name}-ranked", "cpu", Reporter())
        return [row["case"] for row in rows if row["case"] in set(pool)][:count]

    def row(
        self, choice: str, method: str, number: int, known: Sequence[str], minutes: float, name: str = "first"
    ) -> tuple[object, ...]:
        model = self.model(name)
        kept = self.work / name / "test.json"
        if not kept.is_file():
            scores = segment_and_score(model, self.test, model.manifest.config.task, "cpu", "test", Reporter())
            write_json(kept, {case: mean_defined(list(own.values())) for case, own in scores.items()})
        dice = np.array(list(read_json(kept).values()))
        means = np.random.default_rng(0).choice(dice, (RESAMPLES, len(dice))).mean(1)
        low, high = np.percentile(means, (2.5, 97.5))
        error = model.assessment(None)["error"]
        values = (f"{minutes:.2f}", *(f"{own:.4f}" for own in (dice.mean(), low, high)))
        stated = "" if error is None else f"{error:.4f}"
        return (choice, method, number, len(known), *values, self.error(model, name), stated)

    def error(self, model: Model, name: str) -> str:
        """Mean absolute error of the predicted Dice on the test cases."""
        folder = self.arranged(self.work / "test-data", [case.name for case in self.test])
        rows = rank(model, folder / "images", self.work / f"{name}-test", "cpu", Reporter())
        true = read_json(self.work / name / "test.json")
        found = [abs(row["predicted_dice"] - true[row["case"]]) for row in rows if row["predicted_dice"] is not None]
        return f"{np.mean(found):.4f}" if found else ""


def write(path: Path, rows: Sequence[tuple[object, ...]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([HEADER, *rows])


if __name__ == "__main__":
    main()
