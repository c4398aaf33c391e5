"""The plan of a run: kept, shown, and made anew where it no longer holds."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch

from dints import Architecture, InputError
from dints.cli import main
from dints.commands import planning
from dints.data.check import CheckResult, check
from dints.data.datalist import read_datalist
from dints.events import Reporter, TerminalReporter, gibibytes
from dints.files.storage import read_json, write_json
from dints.plan import forecast
from dints.plan.durations import duration
from dints.plan.plan import Plan, lines
from dints.plan.timings import Timings
from dints.run import Run
from dints.zoo.shapes import u_shape

CPU = torch.device("cpu")
TIMINGS = Timings(1, 1, 1, 1, 1e-6, 1e-6, 1e-6, (1, 1, 1))


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


def test_folds_of_a_stage_are_one_line():
    found = lines({"search": 90.0, "train fold 0": 3000.0, "train fold 1": 3000.0}, {"train": "1.0 GiB"})
    assert found == ["search                       90 s", "train, 2 folds of 50 min  100 min  1.0 GiB",
                     "all                       102 min"]  # fmt: skip


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
    rest = forecast.rest_of(run, stages)
    assert "check" not in rest
    assert rest.get("search") == {0: 8.0, 1: 4.0, 2: None}[done]
    assert rest.get("race") == {0: 4.0, 1: 4.0, 2: None}[done]
    assert rest.get("preprocess") == {0: 1.0, 1: None, 2: None}[done]
    assert rest.get("train fold 0") == (None if done == 2 else 6.0)
    assert rest["train fold 1"] == 6.0


def test_folds_that_are_not_asked_for_are_not_planned(run):
    stages = {"search": 9.0} | {f"{work} fold {fold}": 1.0 for work in ("train", "evaluate") for fold in (0, 1)}
    assert set(forecast.rest_of(run, stages)) == set(stages)
    assert set(forecast.rest_of(run, stages, [1])) == {"search", "train fold 1", "evaluate fold 1"}
