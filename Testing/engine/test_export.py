"""What a model says of its cross-validation, and what does not keep it from being exported."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dints import Architecture, Config, InputError, SearchSpace
from dints.evaluation.evaluate import ScoreRow, write_scores
from dints.events import Reporter
from dints.files.storage import read_json
from dints.inference.confidence import Confidence
from dints.model.model import load_model
from dints.run import Run
from dints.stages import export, keep_architecture
from dints.training.checkpoint import save_checkpoint

LAST = 5  # step of the tiny configuration


@pytest.fixture
def run(phantoms: Path, tiny_config: Config, tmp_path: Path) -> Run:
    """A run of which fold 0 is trained: its network has random weights."""
    made = Run.create(tmp_path / "run", phantoms, tiny_config)
    keep_architecture(made, Architecture.random(SearchSpace(layers=2, levels=2), 0), Reporter())
    dice = [0.25] * (len(tiny_config.task.labels) - 1)
    save_checkpoint(made.fold(0).best, {"network": made.build().state_dict(), "dice": dice})
    made.fold(0).log.write_text(json.dumps({"step": LAST, "dice": dice, "mean_dice": 0.25}) + "\n")
    return made


def evaluated(run: Run) -> list[ScoreRow]:
    """Scores by which the labels differ, one of them undefined, in the run's folder."""
    values = [value for value in run.config.task.labels if value]
    scores = [{"dice": value / 10, "nsd": float("nan"), "hd95": 2.0} for value in values]
    rows = [
        ScoreRow("case", 0, value, run.config.task.labels[value], own)
        for value, own in zip(values, scores, strict=True)
    ]
    write_scores(run.evaluation_folder, rows)
    return rows


def test_a_model_carries_the_summary_of_every_metric_and_its_folds_the_dice_of_the_cross_validation(run):
    rows = evaluated(run)
    manifest = load_model(export(run, Reporter()).path).manifest
    assert manifest.folds[0].dice == pytest.approx([row.scores["dice"] for row in rows])
    assert manifest.training["cross_validation"] == read_json(run.scores_file)["summary"]
    line = manifest.training["cross_validation"][0]
    assert line["nsd"] == {"mean": None, "std": None, "count": 0}
    assert line["hd95"] == {"mean": 2.0, "std": None, "count": 1}


def test_without_a_cross_validation_a_fold_has_the_dice_of_its_training(run):
    manifest = load_model(export(run, Reporter()).path).manifest
    assert set(manifest.folds[0].dice) == {0.25}
    assert manifest.training["cross_validation"] is None


@pytest.mark.parametrize("content", ["", "[]", '{"format": 1}', '{"format": 1, "rows": [{"case": "a"}], "cases": {}}'])
def test_damaged_scores_are_refused_by_name_before_a_model_is_written(run, content):
    run.evaluation_folder.mkdir(parents=True)
    run.scores_file.write_text(content)
    with pytest.raises(InputError, match=r"scores\.json: "):
        export(run, Reporter())
    assert not run.model_file.exists()


def test_scores_of_before_are_taken_over(run):
    evaluated(run)
    content = read_json(run.scores_file)
    for row in content["rows"]:
        del row["hd95"]
    for line in content["summary"]:
        del line["hd95"]
    run.scores_file.write_text(json.dumps(content))
    assert load_model(export(run, Reporter()).path).manifest.training["cross_validation"] == content["summary"]


def test_a_cross_validation_of_enough_cases_calibrates_the_predicted_dice(run):
    expected = {f"case{index}": 0.8 + index / 100 for index in range(9)} | {"empty": None}
    rows = [ScoreRow(case, 0, 1, "liver", {"dice": (dice or 0.5) - 0.1}) for case, dice in expected.items()]
    write_scores(run.evaluation_folder, rows)
    assert load_model(export(run, Reporter()).path).manifest.training["calibration"] is None
    (run.evaluation_folder / "confidence.json").write_text(json.dumps(expected))
    model = load_model(export(run, Reporter()).path)
    assert model.manifest.training["calibration"] == pytest.approx(
        {"slope": 1.0, "intercept": -0.1, "error": 0.0, "cases": 9}, abs=1e-6
    )
    found = model.assessment(Confidence(0.02, 0.9))
    assert found == pytest.approx({"disagreement": 0.02, "predicted_dice": 0.8, "error": 0.0}, abs=1e-6)
    (run.evaluation_folder / "confidence.json").write_text('{"case0": "high"}')
    with pytest.raises(InputError, match=r"confidence\.json: is damaged"):
        export(run, Reporter())
