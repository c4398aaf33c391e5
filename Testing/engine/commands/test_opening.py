"""Which run a command works on: a new one, or the one that exists, as it was begun."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import pytest
import torch

from dints import Config, InputError
from dints.cli import main
from dints.commands import demo_command, search_command, train_command
from dints.commands.opening import open_or_create
from dints.events import Reporter
from dints.run import Run

CPU = torch.device("cpu")


def options(command, *arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return parser.parse_args(arguments)


@pytest.fixture
def begun(phantoms: Path, tiny_config_file: Path, tmp_path: Path):
    """Arguments of a run, and the run that they began."""
    arguments = ["--run", str(tmp_path / "run"), "--data", str(phantoms), "--config", str(tiny_config_file)]
    return arguments, open_or_create(options(demo_command, *arguments), CPU, Reporter(), held_out=1)


@pytest.mark.parametrize("command", [search_command, train_command, demo_command])
def test_the_same_arguments_open_the_run_again(begun, command):
    arguments, run = begun
    for given in (arguments, arguments[:2]):
        again = open_or_create(options(command, *given), CPU, Reporter())
        assert (again.config, again.held_out, again.splits) == (run.config, run.held_out, run.splits)


@pytest.mark.parametrize(
    "change", ["training.seed=3", "training.folds=3", "search.seed=3", "sampling.patch=[24,24,24]"]
)
def test_a_run_goes_on_with_the_settings_that_it_began_with(begun, change):
    arguments, run = begun
    with pytest.raises(InputError, match="was started with other settings; resume without changes"):
        open_or_create(options(train_command, *arguments, "--set", change), CPU, Reporter())
    assert Run(run.folder).config == run.config


@pytest.mark.parametrize("changes", [["search.memory_budget=0.123"], ["search.topology_loss=false"]])
def test_options_for_single_settings_are_changes_of_a_run_as_well(begun, changes):
    arguments, _ = begun
    with pytest.raises(InputError, match="was started with other settings"):
        open_or_create(options(search_command, *arguments), CPU, Reporter(), changes)


def test_a_run_goes_on_with_the_cases_that_it_held_out(begun):
    arguments, run = begun
    same = open_or_create(options(demo_command, *arguments), CPU, Reporter(), held_out=1)
    assert same.held_out == run.held_out
    with pytest.raises(InputError, match="was started with 1 held-out cases, not 2; resume without --held-out"):
        open_or_create(options(demo_command, *arguments), CPU, Reporter(), held_out=2)


def test_a_run_takes_its_data_from_where_they_are_now_and_no_others(begun, phantoms, tmp_path):
    arguments, run = begun
    moved, fewer = tmp_path / "moved", tmp_path / "fewer"
    shutil.copytree(phantoms, moved)
    shutil.copytree(phantoms, fewer)
    next((fewer / "labelsTr").iterdir()).unlink()
    (fewer / "dataset.json").unlink()
    with pytest.raises(InputError, match="fewer"):
        open_or_create(options(train_command, *arguments[:2], "--data", str(fewer)), CPU, Reporter())
    assert Run(run.folder).data_folder == phantoms
    open_or_create(options(train_command, *arguments[:2], "--data", str(moved)), CPU, Reporter())
    assert Run(run.folder).data_folder == moved


def test_a_new_run_needs_data(tmp_path):
    with pytest.raises(InputError, match="is no run yet; give its data set with --data"):
        open_or_create(options(search_command, "--run", str(tmp_path)), CPU, Reporter())


def test_single_settings_win_over_the_file(phantoms, tiny_config_file, tmp_path):
    arguments = ["--run", str(tmp_path / "run"), "--data", str(phantoms), "--config", str(tiny_config_file)]
    given = options(search_command, *arguments, "--set", "search.seed=4")
    run = open_or_create(given, CPU, Reporter(), ["search.memory_budget=0.5"])
    assert run.config == Config.load(tiny_config_file).with_overrides(["search.seed=4", "search.memory_budget=0.5"])


def test_a_demo_without_data_goes_on_with_those_of_the_run(begun, monkeypatch):
    arguments, run = begun
    reached: list[Path] = []

    def search(opened, *_):
        reached.append(opened.data_folder)
        raise InputError("enough")

    monkeypatch.setattr(demo_command, "search", search)
    with pytest.raises(InputError, match="enough"):
        demo_command.run(options(demo_command, *arguments[:2]), Reporter())
    assert reached == [run.data_folder]
    assert not (run.folder / "phantoms").exists()


def test_settings_of_a_run_that_were_edited_by_hand_are_named(begun):
    arguments, run = begun
    before = run.config_file.read_text()
    run.config_file.write_text(before.replace("seed: 0", "seed: 1"))
    with pytest.raises(InputError, match=r"config\.yaml: is not what the run began with; put it back"):
        open_or_create(options(train_command, *arguments), None, Reporter())
    run.config_file.write_text(before)
    assert open_or_create(options(train_command, *arguments), None, Reporter()).config == run.config


@pytest.mark.parametrize("command", ["search", "train", "evaluate", "compare"])
def test_a_run_on_another_computer_is_not_worked_on_here(begun, command, capfd):
    """Evaluation and comparison began beside the run that went on there."""
    _, run = begun
    run.remote_file.write_text("{}")
    assert main([command, "--run", str(run.folder), "--device", "cpu"]) == 2
    said = capfd.readouterr().err
    assert f"{run.folder}: is done on another computer; " in said
    assert f"`dints stop {run.folder} --remove`, or --forget if that is gone, makes it a run of this computer" in said
