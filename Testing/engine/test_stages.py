"""The stages of a run: what each leaves and reports, what it refuses, and that it does nothing twice."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from dints import Architecture, Config, InputError, SearchSpace
from dints.evaluation.evaluate import ScoreRow, write_scores
from dints.events import Reporter
from dints.files.storage import read_json, write_json
from dints.model.model import load_model
from dints.run import Run
from dints.stages import export, keep_architecture, prepare, search, train
from dints.training import retrain
from dints.zoo.unet_design import UNetDesign

CPU = torch.device("cpu")
DESIGN = Architecture.random(SearchSpace(layers=2, levels=2), 0)


class Listener(Reporter):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.warnings: list[str] = []
        self.results: dict[str, dict[str, Any]] = {}

    def message(self, text: str) -> None:
        self.messages.append(text)

    def warning(self, text: str) -> None:
        self.warnings.append(text)

    def result(self, name: str, /, **values: Any) -> None:
        self.results[name] = values


@pytest.fixture(scope="module")
def two_steps(tiny_config: Config) -> Config:
    return tiny_config.with_overrides(["training.iterations=2", "training.validate_every=2", "search.iterations=2"])


@pytest.fixture
def new(phantoms: Path, two_steps: Config, tmp_path: Path) -> Run:
    return Run.create(tmp_path / "new", phantoms, two_steps)


@pytest.fixture(scope="module")
def trained(phantoms: Path, two_steps: Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with an architecture and two trained folds; stays as it is."""
    run = Run.create(tmp_path_factory.mktemp("trained") / "run", phantoms, two_steps)
    keep_architecture(run, DESIGN, Reporter())
    train(run, [0, 1], CPU, Reporter())
    return run.folder


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Run:
    """A copy of it."""
    return Run(shutil.copytree(trained, tmp_path / "run"))


def test_a_run_is_prepared_with_what_the_check_found(phantoms, two_steps, tiny_config_file, tmp_path):
    run = prepare(tmp_path, phantoms, str(tiny_config_file), ["search.seed=7"], None, Reporter(), held_out=1)
    assert run.config == Config.load(tiny_config_file).with_overrides(["search.seed=7"])
    assert len(read_json(run.check_file)["cases"]) == 7
    assert run.cases_file.is_file()
    assert not run.held_out & {name for training, validation in run.splits for name in (*training, *validation)}


@pytest.mark.parametrize("design", [UNetDesign(levels=5), Architecture.random(SearchSpace(2, 6), 0)])
def test_an_architecture_that_the_patches_cannot_pass_is_refused_before_it_is_kept(new, design):
    with pytest.raises(InputError, match=r"sampling\.patch 16x16x16: the architecture takes"):
        keep_architecture(new, design, Reporter())
    assert not new.architecture_file.exists()


def test_data_that_cannot_be_trained_with_begin_no_run(phantoms, tiny_config_file, tmp_path):
    data = Path(shutil.copytree(phantoms, tmp_path / "data"))
    next((data / "labelsTr").iterdir()).unlink()
    with pytest.raises(InputError, match="labelsTr"):
        prepare(tmp_path / "run", data, str(tiny_config_file), [], None, Reporter())
    assert not (tmp_path / "run").exists()


ASKING = ["race.enabled=true", "search.seconds=0.5", "race.seconds=0.5", "search.topology_loss=false"]


@pytest.mark.parametrize("asking", ASKING)
def test_a_search_that_a_given_architecture_leaves_out_is_not_asked_for_in_vain(
    phantoms, tiny_config, tiny_config_file, tmp_path, asking
):
    """Race and seconds were left out in silence. Runs of before, which have both, go on."""
    both = ["search.architecture=u-shape", asking]
    with pytest.raises(InputError, match=f"search.architecture=u-shape: is taken in place of the search that {asking}"):
        prepare(tmp_path / "run", phantoms, str(tiny_config_file), both, None, Reporter())
    assert not (tmp_path / "run").exists()
    listener = Listener()
    search(Run.create(tmp_path / "old", phantoms, tiny_config.with_overrides(both)), CPU, listener)
    assert listener.warnings == [f"{asking}: is not used, as an architecture is given in place of a search"]


@pytest.mark.parametrize(
    ("setting", "use"),
    [
        ("race.seeds=3", "is not used"),
        ("race.memory=200.0", "is used for a given architecture alone"),
        ("race.seeds=1", ""),
    ],
)
def test_settings_of_a_race_that_there_is_not_are_said(phantoms, tiny_config_file, tmp_path, setting, use):
    """A budget or seeds of a race were taken in silence though none was switched on."""
    listener = Listener()
    prepare(tmp_path / "run", phantoms, str(tiny_config_file), [setting], None, listener)
    said = f"{setting}: {use}, as there is no race; race.enabled=true has one"
    assert [text for text in listener.warnings if "race" in text] == ([said] if use else [])


def test_a_run_goes_on_with_the_u_net_that_it_has_whatever_the_name_stands_for_today(phantoms, two_steps, tmp_path):
    """It had four levels in every space."""
    run = Run.create(tmp_path / "run", phantoms, two_steps.with_overrides(["search.architecture=unet"]))
    assert search(run, CPU, Reporter()).levels == run.config.search.levels == 2
    UNetDesign().save(run.architecture_file)
    assert search(run, CPU, Reporter()) == UNetDesign()


def test_a_search_leaves_its_architecture_and_its_numbers(new):
    heard = Listener()
    found = search(new, CPU, heard)
    assert new.architecture() == found
    numbers = heard.results["architecture"]
    assert numbers["path"] == str(new.architecture_file)
    assert {**numbers, "path": None} == {**read_json(new.summary_file), "path": None}
    assert numbers["memory_budget"] == new.config.search.memory_budget
    assert heard.messages[-2].startswith("Architecture: ")
    assert heard.messages[-1].startswith("3D U-Net: ")
    before = new.search.checkpoint.read_bytes()
    assert search(new, CPU, Reporter()) == found
    assert new.search.checkpoint.read_bytes() == before


def test_searches_with_further_seeds_propose_to_the_race_and_are_resumed(phantoms, tiny_config, tmp_path):
    """The race is short: four trainings of a step, then of two."""
    settings = ["race.enabled=true", "race.seeds=2", "race.memory=3", "race.steps=1", "race.growth=2", "race.heats=2"]
    settings += ["race.random=0", "race.neighbours=0"]
    run = Run.create(tmp_path / "run", phantoms, tiny_config.with_overrides(settings))
    found = search(run, CPU, Reporter())
    names = {row["name"] for row in read_json(run.race.standings)}
    assert any(name.startswith("search_price") for name in names)
    assert any(name.startswith("search_2_price") for name in names)
    checkpoints = [files.checkpoint for files in (run.search, run.further_search(2))]
    before = [path.read_bytes() for path in checkpoints]
    assert before[0] != before[1]
    assert search(run, CPU, Reporter()) == found
    assert [path.read_bytes() for path in checkpoints] == before


def test_a_race_says_that_it_does_not_hold_a_budget_in_seconds(phantoms, tiny_config, tmp_path, monkeypatch):
    listener = Listener()
    monkeypatch.setattr("dints.stages.Search", lambda *_: 1 / 0)
    config = tiny_config.with_overrides(["race.enabled=true", "search.seconds=1"])
    with pytest.raises(ZeroDivisionError):
        search(Run.create(tmp_path / "run", phantoms, config), CPU, listener)
    assert "search.seconds steers the search alone" in listener.warnings[0]


def test_seconds_of_a_race_that_decide_nothing_or_cannot_be_measured_are_said(
    phantoms, tiny_config, tmp_path, monkeypatch
):
    listener = Listener()
    monkeypatch.setattr("dints.stages.Search", lambda *_: 1 / 0)
    monkeypatch.setattr("dints.cost.seconds.WindowTimer.whole", lambda self, design: design.filters / 2)
    raced = tiny_config.with_overrides(["race.enabled=true", "race.seconds=1", "search.seconds=2"])
    with pytest.raises(ZeroDivisionError):
        search(Run.create(tmp_path / "both", phantoms, raced), CPU, listener)
    assert listener.warnings[0].endswith("the winner of the race has the time of race.seconds")
    slow = Run.create(tmp_path / "slow", phantoms, raced.with_overrides(["race.seconds=0.4"]))
    with pytest.raises(InputError, match=r"race\.seconds=0\.4: nothing is as fast, .* takes 0\.5 s on this computer"):
        search(slow, CPU, listener)
    slow.race.widths.parent.mkdir(parents=True)
    slow.race.widths.write_text("{}")  # it was fast enough when the race began
    with pytest.raises(ZeroDivisionError):
        search(slow, CPU, listener)
    monkeypatch.setattr("dints.stages.world_size", lambda: 2)
    with pytest.raises(InputError, match=r"race\.seconds: cannot be measured by several processes"):
        search(Run(tmp_path / "both"), CPU, listener)


def test_a_race_by_seconds_has_a_winner_that_is_as_fast(phantoms, tiny_config, tmp_path, monkeypatch):
    """A window takes a hundredth of a second a filter; the race is that of the test above."""
    monkeypatch.setattr("dints.cost.seconds.WindowTimer.whole", lambda self, design: (design.filters or 99) / 100)
    settings = ["race.enabled=true", "race.seconds=0.03", "race.steps=1", "race.growth=2", "race.heats=2"]
    settings += ["race.random=0", "race.neighbours=1", "race.zoo=false"]
    run, listener = Run.create(tmp_path / "run", phantoms, tiny_config.with_overrides(settings)), Listener()
    assert search(run, CPU, listener).filters == 3
    assert {row["filters"] for row in read_json(run.race.standings)} == {3}
    said = "A window of the winner takes 0.03 s on this computer, at most 0.03 s were wanted"
    assert said in listener.messages


def test_neither_numbers_of_a_search_nor_its_comparison_stay_with_a_given_architecture(new):
    found = search(new, CPU, Reporter())
    keep_architecture(new, found, Reporter())
    assert new.summary_file.is_file()
    write_json(new.compare_file, {})
    given = next(own for own in (DESIGN, Architecture.random(DESIGN.space, 1)) if own != found)
    keep_architecture(new, given, Reporter())
    assert not new.summary_file.exists()
    assert not new.compare_file.exists()


def test_a_fold_is_reported_with_its_dice_and_not_trained_twice(run, monkeypatch):
    monkeypatch.setattr(retrain.FoldTrainer, "train_step", None)  # whoever calls it fails
    heard = Listener()
    (result,) = train(run, [1], CPU, heard)
    assert heard.results["fold"]["fold"] == 1
    assert heard.results["fold"]["dice"] == list(result.dice)
    assert heard.messages == [f"Fold 1: validation Dice {result.mean_dice:.4f}"]
    assert heard.results["fold"]["path"] == str(run.fold(1).best)


def test_a_fold_without_a_dice_says_why(run, monkeypatch):
    monkeypatch.setattr(retrain, "validate", lambda *_: [math.nan] * 3)
    shutil.rmtree(run.fold(0).folder)
    heard = Listener()
    train(run, [0], CPU, heard)
    assert heard.messages == ["Fold 0: no validation Dice, as nothing is labelled in its cases"]
    assert heard.results["fold"]["dice"] == [None] * 3


def test_what_cannot_be_trained_is_said_before_anything_is_read(new):
    with pytest.raises(InputError, match="fold 2: does not exist; the run has folds 0 to 1"):
        train(new, [0, 2], CPU, Reporter())
    with pytest.raises(InputError, match="has no architecture yet; search first or give one with --architecture"):
        train(new, [0], CPU, Reporter())
    assert not new.cache_folder.exists()


@pytest.mark.parametrize("left", ["log", "last", "best"])
def test_whatever_is_left_of_a_fold_keeps_its_architecture(run, left):
    for name in {"log", "last", "best"} - {left}:
        getattr(run.fold(0), name).unlink()
    shutil.rmtree(run.fold(1).folder)
    with pytest.raises(InputError, match="has folds of another architecture; use a new run for this one"):
        keep_architecture(run, Architecture.random(DESIGN.space, 1), Reporter())
    with pytest.raises(InputError, match="has folds of a given architecture; search in a new run"):
        search(run, CPU, Reporter())
    shutil.rmtree(run.fold(0).folder)
    keep_architecture(run, Architecture.random(DESIGN.space, 1), Reporter())


def test_a_model_holds_every_trained_fold(run):
    heard = Listener()
    manifest = load_model(export(run, heard).path).manifest
    assert manifest.training["folds"] == [0, 1]
    assert heard.results["model"]["path"] == str(run.model_file)
    assert (heard.messages, heard.warnings) == ([], [])


@pytest.mark.parametrize("rest", ["nothing", "half"])
def test_a_model_of_some_folds_says_so(run, rest):
    if rest == "half":
        run.fold(1).log.write_text(json.dumps({"step": 0, "loss": 1.0}) + "\n")
    else:
        shutil.rmtree(run.fold(1).folder)
    heard = Listener()
    model = load_model(export(run, heard).path)
    assert model.manifest.training["folds"] == [0]
    assert len(model.networks) == 1
    assert heard.messages == [f"{run.model_file}: holds 1 of 2 folds: 0"]
    named = [f"{run.folder}: fold 1 (step 1 of 2) left out, as not finished; `dints train --run {run.folder}` goes on"]
    assert heard.warnings == (named if rest == "half" else [])


def test_scores_of_folds_that_are_left_out_are_not_those_of_the_model(run):
    labels = {value: name for value, name in run.config.task.labels.items() if value}
    rows = [
        ScoreRow(f"case {fold}", fold, value, name, {"dice": 0.1 + fold, "nsd": 1.0})
        for fold in (0, 1)
        for value, name in labels.items()
    ]
    write_scores(run.evaluation_folder, rows)
    shutil.rmtree(run.fold(1).folder)
    manifest = load_model(export(run, Reporter()).path).manifest
    assert {line["fold"] for line in manifest.training["cross_validation"]} == {None, 0}
    overall = [line["dice"]["mean"] for line in manifest.training["cross_validation"] if line["fold"] is None]
    assert overall == pytest.approx([0.1] * len(overall))
