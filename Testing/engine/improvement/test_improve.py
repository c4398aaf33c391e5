"""The circle: correct, add, improve, compare, use, go back."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from dints.cli import main
from dints.data.corrections import add_case
from dints.data.datalist import read_datalist
from dints.data.images import read_image
from dints.improvement import improve as improving
from dints.model.installed import find_model, installed_models
from dints.model.model import load_model
from dints.run import Run


@pytest.fixture(scope="session")
def corrections(phantoms: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five phantoms as corrected results; one of them is held out."""
    folder = tmp_path_factory.mktemp("corrections") / "set"
    datalist = read_datalist(phantoms)
    for case in datalist.cases[:5]:
        add_case(folder, case.images, case.label, datalist.labels, datalist.channels)
    return folder


def command(model: Path, data: Path, out: Path, *more: str) -> list[str]:
    settings = ["--set", "training.iterations=2", "--set", "training.validate_every=1"]
    return [
        "improve",
        "--model",
        str(model),
        "--data",
        str(data),
        "--out",
        str(out),
        "--device",
        "cpu",
        *settings,
        *more,
    ]


@pytest.fixture(scope="module")
def improved(first_model: Path, corrections: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The second version of the model."""
    out = tmp_path_factory.mktemp("improved") / "second.zip"
    before = first_model.read_bytes()
    assert main(command(first_model, corrections, out)) == 0
    assert first_model.read_bytes() == before
    return out


def test_the_new_version_knows_its_parent_and_what_it_learned_from(first_model, improved):
    first, second = (load_model(path).manifest for path in (first_model, improved))
    assert (second.lineage.version, second.lineage.parent, second.family) == (2, first.id, first.id)
    (lesson,) = second.lineage.learned_from
    assert (lesson.cases, lesson.held_out, lesson.old_cases, lesson.verdict) == (4, 1, 0, "not told apart")
    assert second.config.task == first.config.task
    before, now = first.training["range"], second.training["range"]
    assert all(new[0] <= old[0] and old[1] <= new[1] for old, new in zip(before["extent"], now["extent"], strict=True))


def test_the_result_is_kept_in_the_run_with_the_scores_of_both_on_the_held_out_case(improved):
    work = improved.with_name("second-run")
    values = json.loads((work / "improvement.json").read_text())
    assert [case["case"] for case in values["cases"]] == ["0004"]
    assert values["path"] == str(improved)
    assert values["labels"][0]["cases"] == 1
    assert "0004" not in Run(work).cases
    assert not (work / "draft.zip").exists()


def test_versions_are_installed_used_and_gone_back_to(first_model, improved, tmp_path, monkeypatch):
    monkeypatch.setenv("DINTS_MODELS", str(tmp_path / "models"))
    for path in (first_model, improved):
        assert main(["models", "install", str(path)]) == 0
    assert [(entry["version"], entry["in_use"]) for entry in installed_models()] == [(1, False), (2, True)]
    assert main(["models", "use", "Phantom", "1"]) == 0
    assert find_model("Phantom").name == "first.zip"


def test_an_existing_file_is_not_replaced(first_model, improved, corrections, capsys):
    before = improved.read_bytes()
    assert main(command(first_model, corrections, improved)) == 2
    assert "exists already; give the new version another name" in capsys.readouterr().err
    assert improved.read_bytes() == before


def test_another_models_run_is_not_gone_on_with(improved, corrections, tmp_path, capsys):
    arguments = command(improved, corrections, tmp_path / "third.zip", "--run", str(improved.with_name("second-run")))
    assert main(arguments) == 2
    assert "is a run that did not start from" in capsys.readouterr().err


def test_a_version_that_is_worse_is_not_written(first_model, corrections, improved, tmp_path, monkeypatch, capsys):
    work = shutil.copytree(improved.with_name("second-run"), tmp_path / "run")

    def scored(model, cases, *arguments):
        dice = 0.9 if arguments[2] == "compare old" else 0.5
        return {f"case {number}": {1: dice, 2: dice, 3: dice} for number in range(6)}

    monkeypatch.setattr(improving, "segment_and_score", scored)
    arguments = command(first_model, corrections, tmp_path / "worse.zip", "--run", str(work), "--events")
    assert main(arguments) == 0
    results = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (result,) = [own["values"] for own in results if own.get("name") == "improvement"]
    assert (result["verdict"], result["path"]) == ("worse", None)
    assert not (tmp_path / "worse.zip").exists()


def test_a_stopped_improvement_goes_on(first_model, corrections, tmp_path, monkeypatch):
    out = tmp_path / "second.zip"
    calls = []

    def stopped(*arguments, **options):
        calls.append(arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(improving, "cross_validate", stopped)
        assert main(command(first_model, corrections, out)) == 130
    assert calls
    assert not out.exists()
    assert Run(tmp_path / "second-run").trained_folds == [0, 1]
    trained = (tmp_path / "second-run" / "train" / "fold0" / "best.pt").stat().st_mtime_ns
    assert main(command(first_model, corrections, out)) == 0
    assert out.is_file()
    assert (tmp_path / "second-run" / "train" / "fold0" / "best.pt").stat().st_mtime_ns == trained


def test_with_the_run_of_before_its_held_out_case_is_compared_on_and_its_cases_are_learned_again(
    first_run, first_model, corrections, tmp_path
):
    out = tmp_path / "second.zip"
    assert main(command(first_model, corrections, out, "--old", str(first_run))) == 0
    values = json.loads((tmp_path / "second-run" / "improvement.json").read_text())
    assert {(case["case"], case["source"]) for case in values["cases"]} == {
        ("0004", "corrections"),
        ("old-phantom_000", "old"),
    }
    assert values["forgetting"]["kind"] == "old"
    assert load_model(out).manifest.lineage.learned_from[0].old_cases == 5


def test_a_scan_is_segmented_by_both_versions(first_model, improved, phantoms, tmp_path):
    image = read_datalist(phantoms).cases[0].images[0]
    for model in (first_model, improved):
        output = tmp_path / f"{model.stem}.nii.gz"
        assert main(["segment", "--model", str(model), "--input", str(image), "--output", str(output)]) == 0
        assert np.unique(sitk.GetArrayFromImage(read_image(output))).max() <= 3
