"""`dints search --architecture`: one that is there already is taken, as wide as the budget allows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from dints import SearchSpace
from dints.cli import main
from dints.cost.memory import predict_memory, retraining_cost
from dints.events import Reporter
from dints.plan import forecast
from dints.run import Run
from dints.zoo.shapes import u_shape


def take(folder: Path, data: Path, config: Path, name: str, *changes: str) -> int:
    command = ["search", "--run", str(folder), "--data", str(data), "--config", str(config), "--architecture", name]
    return main([*command, "--device", "cpu", *(part for change in changes for part in ("--set", change))])


def test_an_architecture_is_taken_without_a_search_and_fills_the_budget(
    phantoms: Path, tiny_config_file: Path, tmp_path: Path
) -> None:
    assert take(tmp_path / "run", phantoms, tiny_config_file, "u-shape", "search.memory_budget=0.7") == 0
    run = Run(tmp_path / "run")
    taken = run.architecture()
    assert (taken.edges == u_shape(SearchSpace(2, 2)).edges).all()
    budget = predict_memory(run.config).retraining(0.7)
    assert 0.5 * budget < retraining_cost(taken, run.config).training_memory <= budget
    assert not run.search.log.exists()
    assert run.search_state(run.config.search.iterations).finished


@pytest.mark.parametrize("command", ["search", "train", "plan"])
def test_what_an_architecture_leaves_out_of_a_search_is_said(
    command: str, phantoms: Path, tiny_config_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A race that was asked for beside it was left out in silence."""
    arguments = [] if command == "plan" else ["--run", str(tmp_path / "run")]
    arguments += ["--data", str(phantoms), "--config", str(tiny_config_file)]
    arguments += ["--set", "race.enabled=true", "--set", "training.iterations=1", "--device", "cpu"]
    assert main([command, *arguments, "--architecture", "u-shape"]) == 0
    assert "race.enabled=true: is not used, as an architecture is given" in capsys.readouterr().err


def test_in_a_run_that_fits_its_time_it_gets_the_width_that_was_planned_with(
    phantoms: Path, tiny_config_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["search", "--run", str(tmp_path / "run"), "--data", str(phantoms), "--config", str(tiny_config_file)]
    assert main([*command, "--architecture", "u-shape", "--hours", "0.1", "--device", "cpu"]) == 0
    run = Run(tmp_path / "run")
    assert run.architecture() == u_shape(SearchSpace(2, 2))  # of no width of its own
    monkeypatch.setattr(forecast, "Meter", None)  # whoever measures again fails
    plan = forecast.plan_run(run, torch.device("cpu"), Reporter())
    assert plan.hours == 0.1
    assert "search" not in plan.stages


def test_a_plan_is_that_of_the_architecture_that_is_taken(
    phantoms: Path, tiny_config_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["plan", "--data", str(phantoms), "--config", str(tiny_config_file), "--device", "cpu", "--events"]
    assert main([*command, "--architecture", "u-shape"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (stages,) = (event["values"]["stages"] for event in events if event.get("name") == "plan")
    assert "train fold 0" in stages
    assert "search" not in stages


@pytest.mark.parametrize(
    ("name", "changes", "expected"),
    [
        ("no-such-one", [], "no-such-one: is neither a file nor one of unet, u-shape"),
        ("u-shape", ["race.memory=0.001"], "does not fit the budget"),
    ],
)
def test_what_cannot_be_taken_is_said_in_a_line(
    name: str,
    changes: list[str],
    expected: str,
    phantoms: Path,
    tiny_config_file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert take(tmp_path / "run", phantoms, tiny_config_file, name, *changes) == 2
    assert expected in capsys.readouterr().err
    assert not Run(tmp_path / "run").architecture_file.exists()
