"""A run on disk: what is refused, what counts as trained, what stays as it was."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from dints import Architecture, Config, InputError, SearchSpace
from dints.commands.options import fold_list
from dints.evaluation.cross_validation import cross_validate
from dints.events import Reporter
from dints.run import Run
from dints.stages import export, keep_architecture, prepare, search
from dints.zoo.unet_design import UNetDesign

SPACE = SearchSpace(layers=2, levels=2)
ONE, OTHER = (Architecture.random(SPACE, seed) for seed in (0, 1))


class Heard(Reporter):
    """Keeps the warnings."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warning(self, text: str) -> None:
        self.warnings.append(text)


@pytest.fixture
def run(phantoms: Path, tiny_config: Config, tmp_path: Path) -> Run:
    return Run.create(tmp_path / "run", phantoms, tiny_config)


def leave_fold(run: Run, fold: int, steps: int, validated: bool = True) -> None:
    """What a training that came so far leaves, as far as it can be seen from outside."""
    run.fold(fold).folder.mkdir(parents=True, exist_ok=True)
    rows = [{"step": step, "loss": 1.0} for step in range(steps)]
    if validated:
        rows.append({"step": steps - 1, "dice": [0.5], "mean_dice": 0.5})
        run.fold(fold).best.write_bytes(b"")
    run.fold(fold).log.write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_a_fold_that_was_interrupted_after_a_validation_is_not_trained(run):
    leave_fold(run, 0, 3)
    leave_fold(run, 1, run.config.training.iterations)
    assert run.trained_folds == [1]
    heard = Heard()
    assert run.require_trained_folds(heard) == [1]
    assert heard.warnings == [
        f"{run.folder}: fold 0 (step 3 of 6) left out, as not finished; `dints train --run {run.folder}` goes on"
    ]


@pytest.mark.parametrize(
    "work", [lambda run: export(run, Reporter()), lambda run: cross_validate(run, "cpu", Reporter())]
)
def test_a_run_without_a_finished_fold_is_neither_exported_nor_evaluated(run, work):
    keep_architecture(run, ONE, Reporter())
    with pytest.raises(InputError, match="has no trained fold: run `dints train --run"):
        work(run)
    leave_fold(run, 1, 3)
    with pytest.raises(InputError, match=r"has no trained fold: only fold 1 \(step 3 of 6\) begun; `dints train"):
        work(run)
    assert not run.model_file.exists()
    assert not run.scores_file.exists()


def test_folds_that_are_asked_for_by_number_are_trained_or_refused(run):
    leave_fold(run, 0, 3)
    leave_fold(run, 1, run.config.training.iterations)
    assert run.require_trained_folds(Reporter(), [1]) == [1]
    with pytest.raises(
        InputError, match=r"fold 0 of .*: is not trained to its end \(step 3 of 6\); `dints train --run"
    ):
        run.require_trained_folds(Reporter(), [0, 1])
    with pytest.raises(InputError, match="fold 7: does not exist; the run has folds 0 to 1"):
        run.require_trained_folds(Reporter(), [7])


@pytest.mark.parametrize("steps", [1, 3, 6])
def test_the_architecture_of_folds_that_were_begun_stays(run, steps):
    keep_architecture(run, ONE, Reporter())
    leave_fold(run, 0, steps)
    with pytest.raises(InputError, match="has folds of another architecture; use a new run"):
        keep_architecture(run, OTHER, Reporter())
    keep_architecture(run, ONE, Reporter())
    assert run.architecture() == ONE


def test_a_search_does_not_begin_where_folds_have_a_given_architecture(run):
    import torch

    keep_architecture(run, ONE, Reporter())
    leave_fold(run, 0, 3)
    with pytest.raises(InputError, match="has folds of a given architecture; search in a new run"):
        search(run, torch.device("cpu"), Reporter())
    assert run.architecture() == ONE
    assert not run.search.log.exists()


def test_a_finished_search_does_not_take_the_place_of_what_was_given_after_it(run):
    import torch

    found = search(run, torch.device("cpu"), Reporter())
    given = next(one for one in (ONE, OTHER) if one != found)
    keep_architecture(run, given, Reporter())
    leave_fold(run, 0, 3)
    with pytest.raises(InputError, match="has folds of another architecture"):
        search(run, torch.device("cpu"), Reporter())
    assert run.architecture() == given


def test_held_out_cases_follow_the_seed_that_is_set(phantoms, tiny_config_file, tmp_path):
    drawn = [
        prepare(
            tmp_path / f"run{seed}", phantoms, str(tiny_config_file), [f"training.seed={seed}"], None, Reporter(), 2
        )
        for seed in range(4)
    ]
    assert len({run.held_out for run in drawn}) > 1
    again = prepare(tmp_path / "again", phantoms, str(tiny_config_file), ["training.seed=0"], None, Reporter(), 2)
    assert again.held_out == drawn[0].held_out


@pytest.mark.parametrize(
    ("held_out", "reason"),
    [(-1, "-1 cases cannot be held out of 6"), (7, "7 cases cannot be"), (4, "has 2 cases with labels, too few for 2")],
)
def test_what_cannot_be_held_out_leaves_no_run_behind(phantoms, tiny_config_file, tmp_path, held_out, reason):
    with pytest.raises(InputError, match=reason):
        prepare(tmp_path / "run", phantoms, str(tiny_config_file), [], None, Reporter(), held_out)
    assert not (tmp_path / "run").exists()


def test_a_run_of_another_format_is_refused_by_name(run):
    run.run_file.write_text(json.dumps({"format": 99}))
    with pytest.raises(InputError, match=r"run\.json: is not of format 1"):
        Run(run.folder)


def test_a_folder_that_is_no_run_says_how_to_start_one(tmp_path):
    with pytest.raises(InputError, match="is not a run; start one with `dints search"):
        Run(tmp_path)


def test_a_run_stays_with_its_data_settings_and_held_out_cases(run, tiny_config, phantoms, tmp_path):
    before = run.run_file.read_bytes(), run.config_file.read_bytes()
    with pytest.raises(InputError, match="is a run on"):
        Run.create(run.folder, tmp_path, tiny_config)
    other = tiny_config.with_overrides(["training.seed=5"])
    for config, held_out in ((other, ()), (tiny_config, sorted(run.cases)[:1])):
        with pytest.raises(InputError, match="is a run with other settings or held-out cases; choose another folder"):
            Run.create(run.folder, phantoms, config, held_out)
    assert Run.create(run.folder, phantoms, tiny_config).splits == run.splits
    assert (run.run_file.read_bytes(), run.config_file.read_bytes()) == before


def test_folds_are_numbers_or_refused_with_an_example(capsys):
    from dints.cli import main

    assert fold_list("2,0,0") == [0, 2]
    for command in ("train", "segment", "demo"):
        with pytest.raises(SystemExit):
            main([command, "--folds", "0,x"])
        assert "'0,x': expected numbers separated by commas, for example 0,1,2" in capsys.readouterr().err


def test_without_matplotlib_the_architecture_is_drawn_as_svg_and_the_png_is_missed(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    heard = Heard()
    keep_architecture(run, ONE, heard)
    assert run.architecture_picture("svg").is_file()
    assert not run.architecture_picture("png").exists()
    assert len(heard.warnings) == 1
    assert "architecture.png: PNG pictures need matplotlib" in heard.warnings[0]


def test_the_pictures_are_those_of_the_architecture_that_was_kept_last(run):
    drawn = []
    for design in (ONE, UNetDesign(levels=2)):
        keep_architecture(run, design, Reporter())
        drawn.append([run.architecture_picture(suffix).read_bytes() for suffix in ("svg", "png")])
    assert all(first != second for first, second in zip(*drawn, strict=True))
