"""The panel in every state in which a user meets it, from files and fake processes, by name."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .conftest import FakeProcess, write_check, write_run

STEPS = 60  # in the log of the search
SCORED = 12  # cases of the cross-validation
PREDICTION = {"search": 3 * 2**30, "retraining_full": 30 * 2**30, "available": 12 * 2**30, "gpus": 2}
DEVICE = "NVIDIA GeForce RTX 4090"
STAGES = {"preprocess": 60.0, "search": 2000.0, "race": 1500.0, "train fold 0": 4000.0, "evaluate fold 0": 900.0}
PLAN = {"seconds": 8460.0, "stages": STAGES, "chosen": ["3.0 h are given."], "left_out": ["Left out: flips."]}


def empty(panel: Any, folder: Path) -> None:
    """Nothing was chosen yet."""


def with_errors(panel: Any, folder: Path) -> None:
    """More cases cannot be read than the table shows at once."""
    panel.parameters.runFolder, panel.parameters.dataFolder = str(folder / "new"), str(folder)
    panel.data.onStart()
    problem = {"reason": "cannot be read (no such file)", "remedy": "copy it again", "severity": "error"}
    problems = [{"file": f"x/case{index}.nii.gz", "case": f"case{index}", **problem} for index in range(12)]
    write_check(folder / "new", problems)
    FakeProcess.started[-1].finish(2, "12 problems must be solved before training")


def pairs(panel: Any, folder: Path) -> None:
    """Data are made of what the scene holds."""
    panel.parameters.runFolder = str(folder / "new")
    panel.ui.pairsButton.click()


def checked(panel: Any, folder: Path) -> None:
    panel.parameters.runFolder, panel.parameters.dataFolder = str(folder / "new"), str(folder)
    panel.data.onStart()
    write_check(folder / "new", [])
    FakeProcess.started[-1].finish()
    predict(panel)


def advanced(panel: Any, folder: Path) -> None:
    checked(panel, folder)
    panel.ui.advancedBox.collapsed = False


def searching(panel: Any, folder: Path) -> None:
    """Half done, with curves and the present architecture."""
    run = write_run(folder / "run")
    (run / "search" / "architecture.json").rename(run / "search" / "current.json")
    rows = [{"step": step, "loss": 0.5 + 1.5 * np.exp(-step / 20)} for step in range(STEPS)]
    for row in rows[STEPS // 3 :]:
        row |= {"dice": row["step"] / 100, "gap": 99 - row["step"], "memory_fraction": 1 - row["step"] / 200}
    write_rows(run / "search" / "log.jsonl", rows)
    set_settings(run, f"search.iterations={2 * STEPS}")
    panel.parameters.runFolder = str(run)
    predict(panel)
    panel.search.onStart()
    progress = {"event": "progress", "stage": "search", "step": STEPS, "total": 2 * STEPS, "seconds_left": 4000.0}
    FakeProcess.started[-1].onEvent({**progress, "metrics": {"loss": 0.512, "dice": 0.6123}})
    panel.refresh()


def stopping(panel: Any, folder: Path) -> None:
    searching(panel, folder)
    panel.stop()


def stopped(panel: Any, folder: Path) -> None:
    searching(panel, folder)
    FakeProcess.started[-1].finish(130, "Cancelled.")


def failed(panel: Any, folder: Path) -> None:
    searching(panel, folder)
    sentence = f"{folder}/run/search/checkpoint.pt: cannot be written (No space left on device); free disk space"
    FakeProcess.started[-1].finish(1, sentence)


def retraining(panel: Any, folder: Path) -> None:
    """Two of five folds are trained, the third is under way; some cases were scored in an earlier evaluation."""
    run = write_run(folder / "run")
    set_settings(run, "training.folds=5", "training.iterations=40")
    for fold, steps in enumerate((40, 40, 15)):
        rows: list[dict[str, Any]] = []
        for step in range(steps):
            rows.append({"step": step, "loss": 0.5 + np.exp(-step / 9)})
            if step % 5 == 4:
                rows.append({"step": step, "dice": [0.5], "mean_dice": 0.8 - np.exp(-step / 9) + fold / 50})
        write_rows(run / "train" / f"fold{fold}" / "log.jsonl", rows)
        (run / "train" / f"fold{fold}" / "best.pt").write_bytes(b"")
    score(run)
    suspect(run, 6)
    panel.parameters.runFolder = str(run)
    predict(panel)
    panel.open(panel.retrain)
    panel.retrain.onStart()
    progress = {"event": "progress", "stage": "train fold 2", "step": 15, "total": 40, "seconds_left": 75.0}
    FakeProcess.started[-1].onEvent({**progress, "metrics": {"loss": 0.5123}})
    panel.refresh()


def model(panel: Any, folder: Path) -> None:
    retraining(panel, folder)
    FakeProcess.started[-1].finish(130, "Cancelled.")
    panel.open(panel.export)


def from_zoo(panel: Any, folder: Path) -> None:
    """One is taken from the zoo, as there are few cases."""
    checked(panel, folder)
    panel.ui.approachBox.setCurrentIndex(2)


def racing(panel: Any, folder: Path) -> None:
    """In the second of three heats."""
    searching(panel, folder)
    write_race(folder / "run" / "search" / "race")
    panel.refresh()


def compared(panel: Any, folder: Path) -> None:
    model(panel, folder)
    write_comparison(folder / "run" / "compare")
    panel.refresh()


def log(panel: Any, folder: Path) -> None:
    failed(panel, folder)
    panel.ui.logBox.collapsed = False


STATES: dict[str, Callable[[Any, Path], None]] = {
    state.__name__: state
    for state in (
        *(empty, with_errors, pairs, checked, advanced, searching),
        *(stopping, stopped, failed, retraining, model, log),
        *(from_zoo, racing, compared),
    )
}


def predict(panel: Any) -> None:
    """As if the engine had answered how much memory is needed."""
    panel.search.memory.values = {**PREDICTION, "device": DEVICE}
    panel.search.time.values = PLAN
    panel.refresh()


def score(run: Path) -> None:
    """More scored cases than the table shows at once, with three labels."""
    from dints.files.storage import read_json, write_json

    scores = read_json(run / "evaluation" / "scores.json")
    names = {1: "liver", 2: "left kidney", 3: "right kidney"}
    scores["rows"] = [
        {"case": f"hippocampus_{case:03}", "fold": case % 2, "value": value, "label": name, "dice": 0.91, "nsd": 0.95}
        for case in range(SCORED)
        for value, name in names.items()
    ]
    write_json(run / "evaluation" / "scores.json", scores)


def suspect(run: Path, count: int) -> None:
    """So many cases whose labels may be wrong."""
    from dints.files.storage import write_json

    values = {"label": "left kidney", "dice": 0.12, "expected_dice": 0.91, "reason": "labels exchanged"}
    suspects = [
        {"case": f"hippocampus_{case:03}", "sentence": f"case {case}: labels exchanged", "world": [1, 2, 3], **values}
        for case in range(count)
    ]
    write_json(run / "evaluation" / "suspects.json", {"suspects": suspects})


def write_race(folder: Path) -> None:
    """Twenty candidates; seven have gone on, and two of these have finished the second heat."""
    from dints.files.storage import write_json

    names = [f"search_price_{number}" for number in range(20)]
    rows = [{"name": name, "origin": f"search at price 0.0{name[-1]}", "filters": 4 + len(name) % 9} for name in names]
    write_json(folder / "standings.json", rows)
    for number, name in enumerate(names):
        log = [{"step": 99, "mean_dice": 0.8 - number / 100}]
        log += [{"step": 120, "loss": 0.4}] if number < 7 else []
        log += [{"step": 299, "mean_dice": 0.85 - number / 100}] if number < 2 else []
        write_rows(folder / name / "log.jsonl", log)


def write_comparison(folder: Path, *failed: str) -> None:
    from dints.files.storage import write_json

    found = {"mean": 0.012, "low": 0.004, "high": 0.02, "cases": 40, "verdict": "better"}
    captions = ["searched", "3D U-Net", "U shape of 2 levels", "U shape of 3 levels", "random", "random"]
    networks = [
        {"name": caption, "caption": caption, "filters": 8, "dice": 0.889, "difference": found if number else None}
        for number, caption in enumerate(captions)
    ]
    verdict = (
        "The search paid: the searched network is (+0.0120, 95 % interval +0.0040 to +0.0200) better than the best "
        "random one and (+0.0120, 95 % interval +0.0040 to +0.0200) better than the best one drawn by hand."
    )
    content = {"format": 1, "folds": [0, 1], "verdict": verdict, "networks": networks}
    if failed:
        content["failed"] = [{"name": name, "caption": name, "reason": "the loss became nan"} for name in failed]
    write_json(folder / "compare.json", content)


def set_settings(run: Path, *overrides: str) -> None:
    from dints.config import Config

    Config.load(run / "config.yaml").with_overrides(overrides).save(run / "config.yaml")


def write_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
