"""Did the search pay? On phantoms, with networks that learn for a few steps."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from dints import Architecture, Config, InputError, SearchSpace
from dints.cli import main
from dints.cost.complexity import Summary
from dints.errors import RunError, StorageError, failure
from dints.evaluation.compare import Line, compare, contestants, verdict
from dints.evaluation.evaluate import ScoreRow
from dints.evaluation.paired import PairedDifference
from dints.events import Reporter
from dints.files.storage import read_json, write_json
from dints.inference.sliding_window import NotFiniteAnswerError
from dints.run import Run
from dints.search.race import Candidate
from dints.stages import keep_architecture, train
from dints.training.retrain import FoldTrainer
from dints.training.step import UntrainableError
from dints.zoo.catalogue import read_design
from dints.zoo.shapes import u_shape
from dints.zoo.unet_design import UNetDesign

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def run(phantoms: Path, tiny_config: Config, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """One of two folds is trained."""
    config = tiny_config.with_overrides(["training.iterations=3", "training.filters=4"])
    run = Run.create(tmp_path_factory.mktemp("compare") / "run", phantoms, config)
    keep_architecture(run, Architecture.random(SearchSpace(2, 2), 0), Reporter())
    train(run, [0], CPU, Reporter())
    return run


@pytest.fixture(scope="module")
def lines(run: Run) -> list[Line]:
    return compare(run, [0], [CPU], 1, Reporter())


def test_all_are_trained_alike_and_compared_by_case(run, lines):
    names = [line.contestant.name for line in lines]
    assert names[0] == "searched"
    assert "unet" in names
    assert "random_0" in names
    cases = [tuple(row.case for row in line.rows) for line in lines]
    assert len(set(cases)) == 1
    assert {row.case for row in lines[0].rows} == set(run.splits[0][1])
    written = read_json(run.compare_folder / "compare.json")
    assert [line["name"] for line in written["networks"]] == names
    assert written["verdict"] == verdict(lines)
    assert written["networks"][0]["difference"] is None
    assert written["networks"][1]["difference"]["cases"] == len(set(cases[0]))


def test_nobody_has_more_memory_than_the_searched_network(lines):
    searched, *others = lines
    assert all(other.cost.training_memory <= searched.cost.training_memory for other in others)


def test_where_nothing_was_searched_no_search_has_paid(run, lines):
    """A U shape, which a plan without time for a search takes, was called the searched network."""
    assert lines[0].contestant.origin == "the run's own"
    assert verdict(lines).startswith("Nothing was searched: the network that was given to the run is (")
    write_json(run.summary_file, {})  # as a search leaves it
    assert contestants(run, 0)[0].origin == "searched"
    run.summary_file.unlink()


def test_the_network_of_the_run_is_not_compared_with_itself(phantoms, tiny_config, tmp_path):
    """Operations on edges that are off told a searched U shape from the one that is drawn."""
    run = Run.create(tmp_path / "run", phantoms, tiny_config.with_overrides(["training.filters=4"]))
    drawn = u_shape(run.config.search.space)
    operations = np.where(drawn.edges, drawn.operations, 1 - drawn.operations.clip(0, 1))
    keep_architecture(run, replace(drawn, operations=operations), Reporter())
    assert run.architecture() != drawn
    assert [one.name for one in contestants(run, 0)] == ["searched", "unet"]


def test_two_architectures_of_one_name_are_told_apart_by_no_folder(run, tmp_path):
    """As those of two runs are called: the second one was trained on from the first one's checkpoint."""
    files = [tmp_path / str(seed) / "architecture.json" for seed in (5, 6)]
    for seed, file in enumerate(files):
        Architecture.random(SearchSpace(2, 2), seed).save(file)
    with pytest.raises(InputError, match=r"5.architecture\.json: another one that is compared has the name archi"):
        compare(run, [0], [CPU], 0, Reporter(), [str(file) for file in files])


def test_folds_that_are_not_trained_are_refused_by_number(run):
    with pytest.raises(InputError, match="folds 1 are not trained; `dints train"):
        compare(run, [0, 1], [CPU], 1, Reporter())


def test_an_architecture_found_on_other_data_is_compared_by_its_file(run, tmp_path):
    found = Architecture.random(SearchSpace(2, 2), 5)
    found.save(tmp_path / "left_atrium.json")
    lines = compare(run, [0], [CPU], 0, Reporter(), [str(tmp_path / "left_atrium.json")])
    given = lines[-1].contestant
    assert (given.name, given.origin) == ("given_left_atrium", "left_atrium")
    assert (given.design.edges == found.edges).all()
    assert "best given one" in verdict(lines)
    with pytest.raises(InputError, match="no_such_name: is neither a file nor one of"):
        compare(run, [0], [CPU], 0, Reporter(), ["no_such_name"])


def test_trainings_of_one_architecture_are_never_taken_for_those_of_another(run, lines, monkeypatch):
    """The second of two random architectures is not the second of three."""
    monkeypatch.setattr("dints.evaluation.compare.run_on_devices", lambda *_: pytest.fail("trained"))
    file = run.compared_architecture("random_0")
    assert read_design(file) == next(line.contestant.design for line in lines if line.contestant.name == "random_0")
    kept = file.read_bytes()
    UNetDesign(2, filters=3).save(file)
    with pytest.raises(InputError, match="random_0: has trainings of another architecture; compare as before"):
        compare(run, [0], [CPU], 1, Reporter())
    file.write_bytes(kept)


def test_what_does_not_fit_the_patch_is_refused_before_anything_is_trained(run, tmp_path):
    u_shape(SearchSpace(12, 6)).save(tmp_path / "deep.json")
    with pytest.raises(
        InputError, match=r"given_deep: .* 16x16x16: the architecture takes multiples of 64.*, or compare without it"
    ):
        contestants(run, 0, [str(tmp_path / "deep.json")])


def test_what_is_one_of_the_others_is_said_to_take_no_part(run, lines, monkeypatch):
    warnings = []

    class Listener(Reporter):
        def warning(self, text: str) -> None:
            warnings.append(text)

    compare(run, [0], [CPU], 1, Listener(), ["u-shape"])
    assert len(warnings) == 1
    assert warnings[0].startswith("given_u-shape: takes no part: it is one of the others")


class Failing:
    """Makes the trainings of networks fail at a step, by name and error."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.errors: dict[str, Exception] = {}
        before = FoldTrainer.train_step

        def step(trainer, *rest):
            if error := self.errors.get(trainer.files.folder.parent.name):
                raise error
            return before(trainer, *rest)

        monkeypatch.setattr(FoldTrainer, "train_step", step)


@pytest.fixture
def untrained(run, tmp_path) -> Run:
    """A run of which nothing was compared yet."""
    return Run(shutil.copytree(run.folder, tmp_path / "run", ignore=shutil.ignore_patterns("compare")))


@pytest.mark.parametrize(
    "error", [UntrainableError("the loss became nan"), MemoryError(), NotFiniteAnswerError("its answer is not finite")]
)
def test_a_network_that_cannot_be_trained_is_named_and_the_others_are_compared(
    untrained, tmp_path, monkeypatch, error, capsys
):
    """One that diverged, or needed more memory than there is, ended the comparison, each time that it was resumed."""
    Failing(monkeypatch).errors = {"unet": error}
    assert main(["compare", "--run", str(untrained.folder), "--random", "1", "--device", "cpu", "--events"]) == 0
    events = [json.loads(text) for text in capsys.readouterr().out.splitlines()]
    (result,) = (event["values"] for event in events if event.get("name") == "compare")
    (failed,) = result["failed"]
    assert (failed["name"], failed["caption"]) == ("unet", "3D U-Net")
    assert failed["reason"] == failure(error)[0]
    assert any(f"3D U-Net: is not compared ({failed['reason']})" == event.get("text") for event in events)
    written = read_json(untrained.compare_file)
    assert written["failed"] == [failed]
    assert "unet" not in [one["name"] for one in written["networks"]]
    assert all(one["difference"]["cases"] for one in written["networks"][1:])
    assert written["verdict"].endswith("Could not be trained: 3D U-Net.")


def test_what_is_no_fault_of_a_network_ends_the_comparison(untrained, monkeypatch):
    Failing(monkeypatch).errors = {"unet": StorageError("last.pt: cannot be written")}
    with pytest.raises(StorageError):
        compare(untrained, [0], [CPU], 0, Reporter())


def test_where_all_others_fail_the_comparison_does_so_and_keeps_why(untrained, monkeypatch):
    names = [one.name for one in contestants(untrained, 0)[1:]]
    Failing(monkeypatch).errors = dict.fromkeys(names, UntrainableError("the loss became nan"))
    with pytest.raises(RunError, match=r"none of the networks to compare with could be trained.*: the loss became nan"):
        compare(untrained, [0], [CPU], 0, Reporter())
    assert [one["name"] for one in read_json(untrained.compare_file)["failed"]] == names


def test_a_run_that_started_from_a_model_is_refused(run, monkeypatch):
    monkeypatch.setattr(run, "start", object())
    with pytest.raises(InputError, match="was started from a model"):
        compare(run, [0], [CPU], 1, Reporter())


def test_a_space_of_one_level_is_compared_with_a_u_net_of_two(phantoms, tiny_config, tmp_path):
    changes = ["search.levels=1", "training.filters=4"]
    run = Run.create(tmp_path / "run", phantoms, tiny_config.with_overrides(changes))
    keep_architecture(run, Architecture.random(SearchSpace(2, 1), 0), Reporter())
    assert "unet" in [one.name for one in contestants(run, 0)]


def line(name: str, dice: float, difference: PairedDifference | None) -> Line:
    row = ScoreRow("case", 0, 1, "organ", {"dice": dice})
    return Line(Candidate(name, name, UNetDesign(2, filters=4)), Summary(1, 1, 1), (row,), difference)


BETTER, UNCLEAR, WORSE = (
    PairedDifference(0.02, 0.01, 0.03, 20),
    PairedDifference(0.001, -0.01, 0.01, 20),
    PairedDifference(-0.02, -0.03, -0.01, 20),
)


@pytest.mark.parametrize(
    ("against_random", "against_unet", "start", "words"),
    [
        (
            BETTER,
            BETTER,
            "The search paid",
            ["better than the best random one", "better than the best one drawn by hand"],
        ),
        (BETTER, UNCLEAR, "Whether the search paid is not clear", ["not told apart from the best one drawn by hand"]),
        (BETTER, WORSE, "The search did not pay", ["worse than the best one drawn by hand"]),
        (UNCLEAR, UNCLEAR, "Whether the search paid is not clear", ["not told apart from the best random one"]),
    ],
)
def test_the_sentence_claims_no_more_than_the_intervals(against_random, against_unet, start, words):
    text = verdict(
        [line("searched", 0.9, None), line("random_0", 0.8, against_random), line("unet", 0.9, against_unet)]
    )
    assert text.startswith(start)
    assert all(part in text for part in words)


def test_whoever_decides_is_named_though_another_one_is_the_best():
    """It was not clear whether the search paid, which was better than the best of each kind."""
    found = [line("searched", 0.9, None), line("unet", 0.88, BETTER), line("u_shape_2_levels", 0.87, UNCLEAR)]
    text = verdict(found)
    assert text.startswith("Whether the search paid is not clear")
    assert "better than the best one drawn by hand" in text
    assert text.endswith("not told apart from another, u_shape_2_levels.")


@pytest.mark.parametrize(
    ("caption", "folds", "known"),
    [("searched", [0], ""), ("searched", [0, 1, 3], "fold 1, 3"), ("the run's own", [0, 1], "")],
)
def test_cases_that_only_the_search_has_seen_are_told(caption, folds, known):
    """It learns from the training cases of fold 0, on which other folds are validated."""
    first = line("searched", 0.9, None)
    own = replace(first, contestant=replace(first.contestant, origin=caption))
    text = verdict([own, line("unet", 0.88, BETTER)], folds)
    assert ("The search learned from validation cases of" in text) == bool(known)
    assert text.endswith(f"cases of {known}, the others did not." if known else "drawn by hand.")


def test_that_there_are_too_few_cases_is_said():
    """An interval that leaves out 0 stood beside "not told apart" without a reason."""
    of_few = verdict([line("searched", 0.9, None), line("unet", 0.8, replace(BETTER, cases=3))])
    assert of_few.endswith(" Networks are told apart by 5 cases or more, and not by 3.")
    assert "cases or more" not in verdict([line("searched", 0.9, None), line("unet", 0.8, BETTER)])
