"""The plan of a run: kept, shown, and made anew where it no longer holds."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from dints import Architecture, InputError
from dints.cli import main
from dints.commands import planning
from dints.cost.memory import predict_memory
from dints.data.check import CheckResult, check
from dints.data.datalist import read_datalist
from dints.events import Reporter, TerminalReporter, duration, gibibytes
from dints.files.storage import read_json, write_json
from dints.plan import forecast
from dints.plan.plan import Plan, lines
from dints.plan.timings import Timings
from dints.run import Run
from dints.zoo.shapes import u_shape

CPU = torch.device("cpu")
TIMINGS = Timings(1, 1, 1, 1, 1e-6, 1e-6, 1e-6, (1, 1, 1))
SEARCHED = 0.5 / (2 - 11 / 21)  # of its seconds, in half of the steps: the architecture learns in those after 11 of 21


def plan_of(stages: dict[str, float]) -> Plan:
    return Plan("CPU", "key", TIMINGS, stages)


@contextmanager
def locked_by_another(folder: Path) -> Iterator[None]:
    """While another process holds the lock of a run."""
    code = "import sys; from dints.files.lock import locked\nwith locked(__import__('pathlib').Path(sys.argv[1])):\n"
    code += "    print(flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", code, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield
        process.communicate()


@pytest.fixture
def run(phantoms, tiny_config, tmp_path) -> Run:
    return Run.create(tmp_path / "run", phantoms, tiny_config)


def test_a_plan_comes_back_from_its_file(tmp_path):
    plan = Plan("CPU", "key", TIMINGS, {"search": 2.0}, 0.25, ("Because.",), ("Races.",))
    plan.save(tmp_path / "plan.json")
    assert Plan.load(tmp_path / "plan.json") == plan


@pytest.mark.parametrize("text", ["[]", "{}", '{"format": 1}', '{"format": 2}'])
def test_a_file_that_is_no_plan_is_refused(tmp_path, text):
    (tmp_path / "plan.json").write_text(text)
    with pytest.raises(InputError, match="is no plan"):
        Plan.load(tmp_path / "plan.json")


@pytest.mark.parametrize(
    "change",
    [
        {"stages": {"": 1.0}},
        {"stages": {"train fold x": 1.0, "search 1x": 2.0}},
        {"stages": {"search": "nan"}},
        {"stages": {"search": -1.0}},
        {"hours": "inf"},
    ],
)
def test_a_plan_whose_values_can_be_none_of_a_plan_is_refused(tmp_path, change):
    """It may come from another computer."""
    write_json(tmp_path / "plan.json", plan_of({"search": 2.0}).to_mapping() | change)
    with pytest.raises(InputError, match="is no plan"):
        Plan.load(tmp_path / "plan.json")


def test_a_run_is_measured_once_and_again_when_its_architecture_is_known(run, monkeypatch):
    first = forecast.plan_run(run, CPU, Reporter())
    assert "search" in first.stages
    assert run.check_file.is_file()
    with monkeypatch.context() as context:
        context.setattr(forecast, "Meter", None)  # whoever calls it fails
        assert forecast.plan_run(Run(run.folder), CPU, Reporter()) == first
    run.architecture_file.parent.mkdir(exist_ok=True)
    Architecture.random(run.config.search.space, 0).save(run.architecture_file)
    assert "search" not in forecast.plan_run(Run(run.folder), CPU, Reporter()).stages


def test_an_architecture_that_the_settings_name_is_not_measured_again(phantoms, tiny_config, tmp_path, monkeypatch):
    run = Run.create(tmp_path / "run", phantoms, tiny_config.with_overrides(["search.architecture=u-shape"]))
    first = forecast.plan_run(run, CPU, Reporter())
    run.architecture_file.parent.mkdir(exist_ok=True)
    u_shape(run.config.search.space).save(run.architecture_file)
    monkeypatch.setattr(forecast, "Meter", None)
    assert forecast.plan_run(Run(run.folder), CPU, Reporter()) == first


def test_of_a_finished_run_nothing_is_left(run, capsys):
    planning.show(forecast.plan_run(run, CPU, Reporter()), {}, run.config, None, TerminalReporter())
    assert capsys.readouterr().out == "Nothing of the run is left to do\n"


def test_a_damaged_plan_is_made_anew(run):
    run.plan_file.write_text("{}")
    assert forecast.plan_run(run, CPU, Reporter()) == Plan.load(run.plan_file)


def test_the_command_shows_a_table_with_time_and_memory(run, capfd):
    assert main(["plan", "--run", str(run.folder), "--device", "cpu", "--events"]) == 0
    events = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    text = "\n".join(event["text"] for event in events if event["event"] == "message")
    assert "train, 2 folds of" in text
    assert "MiB" in text
    (result,) = (event["values"] for event in events if event["event"] == "result")
    assert result["seconds"] == pytest.approx(sum(result["stages"].values()))
    predicted = predict_memory(run.config)
    assert result["memory"]["search"] == predicted.search
    assert result["memory"]["train"] == predicted.retraining(run.config.search.memory_budget)


def test_folds_of_a_stage_are_one_line():
    found = lines({"search": 90.0, "train fold 0": 3000.0, "train fold 1": 3000.0}, {"train": "1.0 GiB"})
    assert found == ["search                       90 s", "train, 2 folds of 50 min  100 min  1.0 GiB",
                     "all                       102 min"]  # fmt: skip


def test_searches_are_no_folds_and_folds_that_were_begun_are_not_alike():
    found = lines({"search": 9.0, "search 2": 9.0, "train fold 0": 60.0, "train fold 1": 6.0}, {})
    assert [line.split("  ")[0] for line in found] == ["search", "search 2", "train, 2 folds", "all"]


def test_a_time_that_must_suffice_is_rounded_up():
    assert [duration(seconds, math.ceil) for seconds in (0.2, 125, 7201, 86400 * 3.1)] == [
        "1 s",
        "3 min",
        "2.1 h",
        "4 days",
    ]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "0 s"), (119, "119 s"), (125, "2 min"), (7300, "2.0 h"), (86400 * 30.2, "30 days")],
)
def test_times_are_as_precise_as_they_are_worth(seconds, text):
    assert duration(seconds) == text


def test_little_memory_is_told_in_a_smaller_unit():
    assert [gibibytes(count) for count in (38 * 2**20, 0.1 * 2**30, 15.7 * 2**30)] == [
        "38.0 MiB",
        "0.1 GiB",
        "15.7 GiB",
    ]


def test_what_a_check_found_comes_back_from_its_file(phantoms, tmp_path):
    found = replace(check(read_datalist(phantoms), folds=9), notes=("channel MRI is scaled by its deviation",))
    assert found.problems
    write_json(tmp_path / "check.json", found.to_mapping())
    assert CheckResult.from_mapping(read_json(tmp_path / "check.json"), "check.json") == found


@pytest.mark.parametrize("done", [0, 1, 2])
def test_what_is_done_is_no_longer_planned(run, done):
    """Nothing, half a search, and all of it with a fold."""
    half = run.config.search.iterations // 2
    stages = {"check": 5.0, "preprocess": 1.0, "search": 8.0, "race": 4.0, "train fold 0": 6.0, "train fold 1": 6.0}
    run.search.folder.mkdir()
    run.search.log.write_text("".join(f'{{"step": {step}}}\n' for step in range(half if done else 0)))
    if done == 2:
        Architecture.random(run.config.search.space, 0).save(run.architecture_file)
        fold, last = run.fold(0), run.config.training.iterations - 1
        fold.folder.mkdir(parents=True)
        fold.log.write_text(f'{{"step": {last}, "mean_dice": 0.5}}\n')
        fold.best.write_bytes(b"")
    rest = forecast.rest_of(run, plan_of(stages))
    assert "check" not in rest
    assert rest.get("search") == (None if done == 2 else pytest.approx({0: 8.0, 1: 8.0 - 8 * SEARCHED}[done]))
    assert rest.get("race") == {0: 4.0, 1: 4.0, 2: None}[done]
    assert rest.get("preprocess") == {0: 1.0, 1: None, 2: None}[done]
    assert rest.get("train fold 0") == (None if done == 2 else 6.0)
    assert rest["train fold 1"] == 6.0


def test_folds_that_are_not_asked_for_are_not_planned(run):
    stages = {"search": 9.0} | {f"{work} fold {fold}": 1.0 for work in ("train", "evaluate") for fold in (0, 1)}
    assert set(forecast.rest_of(run, plan_of(stages))) == set(stages)
    assert set(forecast.rest_of(run, plan_of(stages), [1])) == {"search", "train fold 1", "evaluate fold 1"}


def finish(run: Run, fold: int) -> None:
    files = run.fold(fold)
    files.folder.mkdir(parents=True)
    files.log.write_text(f'{{"step": {run.config.training.iterations - 1}, "mean_dice": 0.5}}\n')
    files.best.write_bytes(b"")


def test_a_fold_that_was_trained_after_an_evaluation_is_yet_to_be_evaluated(run):
    stages = {f"{work} fold {fold}": 1.0 for work in ("train", "evaluate") for fold in (0, 1)}
    row = {"case": "a", "fold": 0, "value": 1, "label": "one", "dice": 0.5}
    write_json(run.scores_file, {"format": 1, "tolerance": 1.0, "rows": [row], "summary": [], "cases": {}})
    finish(run, 0)
    assert set(forecast.rest_of(run, plan_of(stages))) == {"train fold 1", "evaluate fold 1"}
    finish(run, 1)
    assert set(forecast.rest_of(run, plan_of(stages))) == {"evaluate fold 1"}


def test_of_a_run_that_is_done_nothing_is_measured_again(run, monkeypatch, capfd):
    stages = {"check": 1.0, "preprocess": 1.0} | {f"train fold {fold}": 1.0 for fold in (0, 1)}
    plan_of(stages).save(run.plan_file)
    run.architecture_file.parent.mkdir(exist_ok=True)
    Architecture.random(run.config.search.space, 0).save(run.architecture_file)
    finish(run, 0)
    finish(run, 1)
    monkeypatch.setattr(forecast, "Meter", None)  # whoever calls it fails
    assert main(["plan", "--run", str(run.folder), "--device", "cpu"]) == 0
    assert capfd.readouterr().out == "Nothing of the run is left to do\n"


def test_of_a_race_that_was_begun_the_rest_is_planned(phantoms, tiny_config, tmp_path):
    race = ["race.enabled=true", "race.steps=10", "race.growth=3", "race.heats=2"]
    run = Run.create(tmp_path / "run", phantoms, tiny_config.with_overrides(race))
    rows = [{"name": name, "origin": "here", "filters": 2} for name in "abc"]  # 3 x 10 steps, then 2 x 20
    write_json(run.race.standings, rows)
    files = run.race.candidate("a")
    files.folder.mkdir()
    files.log.write_text("".join(f'{{"step": {step}}}\n' for step in range(14)))
    rest = forecast.rest_of(run, plan_of({"race": 70.0, "race of neighbours": 30.0}))
    assert rest == {"race": pytest.approx(56), "race of neighbours": 30}
    write_json(run.race.standings, "damaged")
    assert forecast.rest_of(run, plan_of({"race": 70.0})) == {"race": 70}


def test_times_of_another_computer_or_of_other_threads_do_not_hold(run):
    first = forecast.plan_run(run, CPU, Reporter())
    assert f"{torch.get_num_threads()} threads" in first.device
    replace(first, device="CPU").save(run.plan_file)
    assert forecast.plan_run(run, CPU, Reporter()).device == first.device


def test_a_run_keeps_the_time_that_it_was_given_on_another_device(run):
    given = replace(forecast.plan_run(run, CPU, Reporter()), device="another", hours=0.5, chosen=("Why.",))
    given.save(run.plan_file)
    again = forecast.plan_run(run, CPU, Reporter())
    assert (again.hours, again.chosen) == (0.5, ("Why.",))
    assert again.device != "another"
    assert Plan.load(run.plan_file) == again


def test_a_run_that_is_at_work_shows_what_it_began_with(run, monkeypatch, capfd):
    forecast.plan_run(run, CPU, Reporter())
    monkeypatch.setattr(forecast, "Meter", None)  # whoever calls it fails
    with locked_by_another(run.folder):
        assert main(["plan", "--run", str(run.folder), "--device", "cpu"]) == 0
        assert "train, 2 folds of" in capfd.readouterr().out
        run.plan_file.unlink()
        assert main(["plan", "--run", str(run.folder), "--device", "cpu"]) == 2
    assert "and its plan is not here yet" in capfd.readouterr().err


def test_a_run_of_another_computer_shows_what_was_measured_there(run, monkeypatch, capfd):
    replace(forecast.plan_run(run, CPU, Reporter()), device="another").save(run.plan_file)
    run.remote_file.write_text("{}")
    monkeypatch.setattr(forecast, "Meter", None)  # whoever calls it fails
    assert main(["plan", "--run", str(run.folder), "--device", "cpu"]) == 0
    assert "train, 2 folds of" in capfd.readouterr().out
    assert Plan.load(run.plan_file).device == "another"
