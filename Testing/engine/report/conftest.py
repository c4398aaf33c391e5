"""A fabricated run with everything that a finished one has, in small."""

from __future__ import annotations

import json
from html.parser import HTMLParser

import numpy as np
import pytest
import SimpleITK as sitk

from dints.config import Config
from dints.data.cases import Case
from dints.evaluation.evaluate import evaluate_case, score_rows, write_scores
from dints.files.storage import write_json

LABELS = {0: "background", 1: "organ", 2: "tumour <script>alert(1)</script>"}
VOID = {"meta", "img"}


class Strict(HTMLParser):
    """Fails on tags that do not nest, and collects what a browser would load."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.loaded = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.loaded += [value for key, value in attrs if key in ("src", "href", "xlink:href", "srcset", "data")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def parse(text):
    parser = Strict()
    parser.feed(text)
    assert parser.open == []
    return parser


def make_images(shift, direction=(1, 0, 0, 0, 1, 0, 0, 0, 1)):
    """Image, reference and prediction of one fabricated case."""
    z, y, x = np.indices((12, 16, 20))
    inside = ((z - 6) / 4) ** 2 + ((y - 8) / 6) ** 2 + ((x - 9) / 7) ** 2 < 1
    reference = inside.astype(np.uint8)
    reference[5:7, 6:9, 7:10] = 2
    made = []
    for array in (inside * 100.0 + x, reference, np.roll(reference, shift, axis=2)):
        made.append(sitk.GetImageFromArray(array))
        made[-1].SetSpacing((1.0, 1.2, 2.0))
        made[-1].SetDirection(direction)
    return made


def begin(folder):
    values = {"task": {"name": "A & B", "labels": LABELS}, "training": {"folds": 2, "iterations": 40}}
    config = Config.from_mapping(values)
    config.save(folder / "config.yaml")
    return config


def add_log(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def add_race(folder):
    """Three candidates of which two went on, and a leader that has just met what is near it."""
    for race, ends in ((folder, {"a": (10, 30), "b <i>": (10, 30), "c": (10,)}), (folder / "near", {"a": (30,)})):
        rows = [{"name": name, "origin": f"from {name}", "filters": 8, "steps": 0, "dice": None} for name in ends]
        write_json(race / "standings.json", rows)
        for number, (name, steps) in enumerate(ends.items()):
            log = [{"step": end - 1, "dice": [0.5], "mean_dice": 0.5 + end / 100 - number / 100} for end in steps]
            add_log(race / name / "log.jsonl", log)


def add_comparison(folder):
    cost = {"parameters": 340_000, "macs": 476_000_000, "training_memory": 82 * 2**20}
    found = {"mean": 0.012, "low": 0.004, "high": 0.02, "cases": 4, "verdict": "better"}
    networks = [
        {"name": name, "caption": name, "filters": 8, "cost": cost, "dice": dice, "difference": difference}
        for name, dice, difference in (("searched", 0.889, None), ("3D U-Net <b>", 0.877, found))
    ]
    verdict = "The search paid: the searched network is better than the best one drawn by hand."
    failed = [{"name": "random_0", "caption": "random <c>", "reason": "the loss became nan"}]
    content = {"format": 1, "folds": [0, 1], "verdict": verdict, "networks": networks, "failed": failed}
    write_json(folder / "compare.json", content)


def finish(folder, config):
    """Everything that a finished run has, in small."""
    problem = {"file": "x<y>.nii", "reason": "is empty", "remedy": "label it", "severity": "warning"}
    case = {"name": "a", "size": [20, 16, 12], "spacing": [1, 1.2, 2], "label_volumes": {"1": 1500.0}}
    write_json(folder / "check.json", {"problems": [problem], "cases": [case]})
    numbers = {"parameters": 2_000_000, "macs": 3_000_000_000, "training_memory": 2**30}
    summary = {"architecture": numbers, "unet": numbers, "gap": 3, "memory_budget": 0.8, "expected_memory": 0.79}
    write_json(folder / "search" / "summary.json", summary)
    (folder / "search" / "architecture.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    rows = [{"step": step, "loss": 2 / (step + 1), "learning_rate": 0.1} for step in range(40)]
    for row in rows[20:]:
        row.update(architecture_loss=1.0, dice=None, gap=40 - row["step"], memory_fraction=0.8)
    add_log(folder / "search" / "log.jsonl", rows)
    add_race(folder / "search" / "race")
    write_json(folder / "search" / "architecture.json", {})
    add_comparison(folder / "compare")
    for fold in range(2):
        validation = [{"step": 39, "dice": [0.5, None], "mean_dice": 0.5}]
        add_log(folder / "train" / f"fold{fold}" / "log.jsonl", rows[:40] + validation)
    table, cases = [], []
    for number in range(4):
        name = f"case {number} <i>"
        image, reference, prediction = make_images(number)
        paths = [folder / f"{kind}{number}.nii.gz" for kind in ("image", "label")]
        sitk.WriteImage(image, paths[0])
        sitk.WriteImage(reference, paths[1])
        (folder / "evaluation" / "predictions").mkdir(parents=True, exist_ok=True)
        sitk.WriteImage(prediction, folder / "evaluation" / "predictions" / f"{name}.nii.gz")
        scores = evaluate_case(prediction, reference, LABELS, config.task.tolerance)
        table += score_rows(name, number % 2, scores, LABELS)
        cases.append(Case(name, (paths[0],), paths[1]))
    write_scores(folder / "evaluation", table, cases, config.task.tolerance)


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A finished run; tests do not change it but for its report."""
    folder = tmp_path_factory.mktemp("run")
    finish(folder, begin(folder))
    return folder


@pytest.fixture(scope="session")
def begin_run():
    """Function that writes a run's configuration into a folder."""
    return begin


@pytest.fixture(scope="session")
def images():
    """Function that makes image, reference and prediction of a case."""
    return make_images


@pytest.fixture(scope="session")
def parsed():
    """Function that parses a page, strictly."""
    return parse
