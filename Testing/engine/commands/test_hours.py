"""`--hours`: settings that fit, what is said before the start, and what explicit settings keep."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dints.cli import main
from dints.commands import planning
from dints.config import Config
from dints.plan import forecast
from dints.plan.plan import Plan
from dints.run import Run

from ..plan.computer import Computer

QUICK = ["--set", "training.filters=2", "--set", "sampling.patch=[16, 16, 16]", "--set", "search.levels=2"]
QUICK += ["--set", "search.finest=2", "--set", "training.iterations=2", "--set", "training.folds=2"]


@pytest.fixture
def computer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is measured: runs are planned for a computer so slow that nothing can be searched in three hours."""
    monkeypatch.setattr(forecast, "Meter", lambda *_arguments: Computer(2e6))
    monkeypatch.setattr(planning, "memory_of", lambda *_, **_options: {})  # of the paper's network it takes long


def events(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def values(found: list[dict[str, Any]], name: str) -> dict[str, Any]:
    (result,) = [event["values"] for event in found if event["event"] == "result" and event["name"] == name]
    return result


@pytest.mark.usefixtures("computer")
def test_a_run_that_is_given_a_time_is_planned_for_it_and_says_so_before_it_starts(phantoms, tmp_path, capfd):
    command = ["search", "--run", str(tmp_path), "--data", str(phantoms), "--device", "cpu", "--events"]
    assert main([*command, "--hours", "0.25", *QUICK]) == 0
    found = events(capfd.readouterr().out)
    plan = values(found, "plan")
    assert plan["hours"] == 0.25
    assert plan["seconds"] <= 0.25 * 3600
    assert any("15 min are given" in event.get("text", "") for event in found)
    names = [event.get("name") for event in found if event["event"] == "result"]
    assert names.index("plan") < names.index("architecture")
    run = Run(tmp_path)
    assert run.config.search.architecture == "u-shape"
    assert run.config.training.iterations == 2  # as it was given
    assert run.config.training.optimizer == "adamw"


@pytest.mark.usefixtures("computer")
def test_without_a_gpu_a_run_of_derived_settings_fits_three_hours(phantoms, tmp_path):
    assert main(["search", "--run", str(tmp_path), "--data", str(phantoms), "--device", "cpu", *QUICK]) == 0
    assert Plan.load(tmp_path / "plan.json").hours == 3


@pytest.mark.usefixtures("computer")
@pytest.mark.parametrize("given", [["--hours", "paper"], ["--config", "recipe_nnunet"]])
def test_the_paper_and_given_settings_stay_as_they_are(phantoms, tmp_path, given, monkeypatch):
    monkeypatch.setattr("dints.commands.search_command.search", lambda *_arguments: None)
    assert main(["search", "--run", str(tmp_path), "--data", str(phantoms), "--device", "cpu", *given]) == 0
    config = Run(tmp_path).config
    assert (config.search.iterations, config.training.iterations) == (21000, 41000)
    assert Plan.load(tmp_path / "plan.json").hours is None


@pytest.mark.usefixtures("computer")
def test_a_file_of_settings_and_a_time_fit_together(phantoms, tmp_path, monkeypatch):
    monkeypatch.setattr("dints.commands.search_command.search", lambda *_arguments: None)
    monkeypatch.setattr(forecast, "Meter", lambda *_arguments: Computer(3e8))
    file = tmp_path / "own.yaml"
    file.write_text("training: {filters: 12, folds: 2}\n")
    command = ["search", "--run", str(tmp_path / "run"), "--data", str(phantoms), "--device", "cpu"]
    assert main([*command, "--config", str(file), "--hours", "1"]) == 0
    training = Config.load(tmp_path / "run" / "config.yaml").training
    assert (training.filters, training.folds) == (12, 2)
    assert training.iterations < 41000


@pytest.mark.usefixtures("computer")
def test_a_run_goes_on_with_the_time_that_it_began_with(phantoms, tmp_path, capfd):
    command = ["search", "--run", str(tmp_path), "--device", "cpu"]
    assert main([*command, "--data", str(phantoms), "--hours", "0.25", *QUICK]) == 0
    assert main([*command, "--hours", "0.25"]) == 0
    assert main([*command, "--hours", "2"]) == 2
    assert "was started with 0.25 hours" in capfd.readouterr().err


@pytest.mark.usefixtures("computer")
def test_a_run_whose_plan_is_damaged_goes_on_with_the_time_that_it_began_with(phantoms, tmp_path, capfd):
    """It was refused as one that began with no time."""
    command = ["search", "--run", str(tmp_path), "--device", "cpu", "--hours", "0.25"]
    assert main([*command, "--data", str(phantoms), *QUICK]) == 0
    (tmp_path / "plan.json").write_text("{")
    assert main(command) == 0
    assert "plan.json: is not valid JSON" in capfd.readouterr().err


@pytest.mark.parametrize("text", ["3h", "paper ", "1e400", "0", "-1", "nan", "inf", "soon"])
def test_what_is_no_time_is_refused(tmp_path, text, capfd):
    with pytest.raises(SystemExit, match="2"):
        main(["search", "--run", str(tmp_path), "--hours", text])
    assert "expected a number of hours above 0, or paper" in capfd.readouterr().err


@pytest.mark.usefixtures("computer")
@pytest.mark.parametrize("checked", [False, True])
def test_a_run_is_planned_before_it_is_there(phantoms, tmp_path, monkeypatch, capfd, checked):
    file = tmp_path / "check.json"
    assert main(["check", str(phantoms), "--output", str(file), "--folds", "2"]) == 0
    capfd.readouterr()
    given = ["--check", str(file)] if checked else []
    if checked:
        monkeypatch.setattr("dints.stages.check", None)  # whoever calls it fails
    command = ["plan", "--data", str(phantoms), "--device", "cpu", "--events", "--hours", "0.5"]
    assert main([*command, *given, *QUICK]) == 0
    plan = values(events(capfd.readouterr().out), "plan")
    assert plan["hours"] == 0.5
    assert {"preprocess", "train fold 0", "train fold 1"} <= plan["stages"].keys()
    assert [path.name for path in tmp_path.iterdir()] == ["check.json"]


def test_a_run_has_its_settings(tmp_path, capfd):
    assert main(["plan", "--run", str(tmp_path), "--hours", "1"]) == 2
    assert "belong to --data" in capfd.readouterr().err


def test_a_file_that_no_check_left_is_named(phantoms, tmp_path, capfd):
    (tmp_path / "check.json").write_text("[]")
    assert main(["plan", "--data", str(phantoms), "--check", str(tmp_path / "check.json")]) == 2
    assert "is not what a check leaves" in capfd.readouterr().err


@pytest.mark.usefixtures("computer")
def test_progress_tells_what_is_left_of_the_whole_run(phantoms, tiny_config_file, tmp_path: Path, capfd):
    command = ["search", "--run", str(tmp_path), "--data", str(phantoms), "--config", str(tiny_config_file)]
    assert main([*command, "--device", "cpu", "--events"]) == 0
    searching = [event for event in events(capfd.readouterr().out) if event.get("stage") == "search"]
    assert all(event["run_seconds_left"] > 0 for event in searching)
    assert searching[-1]["seconds_left"] == 0
    assert searching[-1]["run_seconds_left"] < searching[0]["run_seconds_left"] + 60


@pytest.mark.usefixtures("computer")
def test_a_training_takes_the_architecture_that_its_plan_chose(phantoms, tmp_path, capfd):
    """It was measured, and then refused for want of an architecture."""
    command = ["train", "--run", str(tmp_path), "--data", str(phantoms), "--device", "cpu", "--hours", "0.25"]
    assert main([*command, "--folds", "0", *QUICK]) == 0
    run = Run(tmp_path)
    assert run.config.search.architecture == "u-shape"
    assert run.architecture_file.is_file()
    assert run.trained_folds == [0]


@pytest.mark.usefixtures("computer")
def test_an_evaluation_of_one_fold_tells_the_time_of_that_alone(phantoms, tmp_path, capfd):
    command = ["train", "--run", str(tmp_path), "--data", str(phantoms), "--device", "cpu", "--hours", "0.25"]
    assert main([*command, "--folds", "0", *QUICK]) == 0
    capfd.readouterr()
    for _again in range(2):
        assert main(["evaluate", "--run", str(tmp_path), "--device", "cpu", "--events"]) == 0
        scoring = [event for event in events(capfd.readouterr().out) if event.get("stage") == "evaluate fold 0"]
        assert scoring[-1]["run_seconds_left"] == 0


@pytest.mark.usefixtures("computer")
def test_a_demo_refuses_folds_that_its_plan_has_left_out_before_it_works(phantoms, tmp_path, monkeypatch, capfd):
    """It searched for hours first."""
    monkeypatch.setattr("dints.commands.demo_command.search", None)  # whoever calls it fails
    command = ["demo", "--run", str(tmp_path), "--data", str(phantoms), "--device", "cpu", "--hours", "0.25"]
    assert main([*command, "--folds", "0,4", *QUICK]) == 2
    assert "fold 4: does not exist; the run has folds 0 to 1" in capfd.readouterr().err


@pytest.mark.usefixtures("computer")
def test_several_processes_go_on_with_what_one_has_planned(phantoms, tmp_path, monkeypatch, capfd):
    """They were told to choose settings with `dints plan`, which leaves no file of them."""
    command = ["search", "--device", "cpu", "--data", str(phantoms)]
    assert main([*command, "--run", str(tmp_path / "begun"), "--hours", "0.25", *QUICK]) == 0
    monkeypatch.setattr(planning, "world_size", lambda: 2)
    assert main([*command, "--run", str(tmp_path / "new"), "--hours", "0.25", *QUICK]) == 2
    assert "begin the run without torchrun" in capfd.readouterr().err
    assert main([*command, "--run", str(tmp_path / "begun")]) == 0


@pytest.mark.usefixtures("computer")
def test_a_demo_does_not_guess_the_folds_of_a_run_whose_plan_is_damaged(phantoms, tmp_path, monkeypatch, capfd):
    """Two of them were trained in silence, whatever the run had been planned for."""
    command = ["--run", str(tmp_path), "--device", "cpu"]
    assert main(["search", *command, "--data", str(phantoms), "--hours", "0.25", *QUICK]) == 0
    (tmp_path / "plan.json").write_text("{")
    monkeypatch.setattr("dints.commands.demo_command.announce", None)  # whoever calls it fails
    assert main(["demo", *command]) == 2
    assert "say which with --folds" in capfd.readouterr().err


@pytest.mark.usefixtures("computer")
def test_a_plan_says_as_the_search_does_what_has_no_effect_beside_an_architecture(phantoms, capfd):
    command = ["plan", "--data", str(phantoms), "--device", "cpu", "--hours", "0.5", "--architecture", "u-shape"]
    assert main([*command, "--set", "race.enabled=true", *QUICK]) == 0
    assert "race.enabled=true: is not used, as an architecture is given" in capfd.readouterr().err
