"""Options that contradict each other are refused before any work, in one line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from dints.cli import main
from dints.events import Reporter
from dints.stages import prepare

TWICE = "is given twice, as"


FOLDERS = ["--predictions", "{tmp}", "--references", "{tmp}"]
NEW_RUN = ["--run", "{tmp}/run", "--data", "{data}"]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["check", "{data}", "--folds", "3", "--set", "training.folds=2"], f"training.folds: {TWICE} 2 and as 3"),
        (
            ["search", *NEW_RUN, "--memory-budget", "0.2", "--set", "search.memory_budget=0.5"],
            f"search.memory_budget: {TWICE} 0.5 and as 0.2",
        ),
        (["demo", *NEW_RUN, "--data-only"], "give one of them"),
        (["suspects", "--run", "{tmp}", "--most", "-5"], "'-5': expected a whole number, 0 or more"),
        (["compare", "--run", "{tmp}", "--random", "-1"], "'-1': expected a whole number, 0 or more"),
        (["evaluate", *FOLDERS, "--tolerance", "-1"], "must be a number of mm"),
        (["evaluate", *FOLDERS, "--tolerance", "nan"], "must be a number of mm"),
    ],
)
def test_what_contradicts_itself_is_refused(arguments, reason, phantoms, tmp_path, capsys):
    filled = [argument.format(data=phantoms, tmp=tmp_path) for argument in arguments]
    try:
        code = main(filled)
    except SystemExit as ended:  # as argparse does
        code = ended.code
    errors = capsys.readouterr().err
    assert code == 2
    assert reason in errors
    assert len(errors.splitlines()) == 1
    assert not (tmp_path / "run").exists()


def test_the_same_in_two_ways_is_no_contradiction_and_of_one_option_twice_the_last_counts(phantoms, tmp_path):
    settings = ["--set", "training.folds=3", "--set", "training.folds = 2"]
    assert main(["check", str(phantoms), "--folds", "2", *settings]) == 0


def test_other_folds_than_those_of_the_data_set_are_told_to_have_no_effect(phantoms, tiny_config_file, tmp_path):
    data, heard = Path(shutil.copytree(phantoms, tmp_path / "data")), Heard()
    values = json.loads((data / "dataset.json").read_text())
    for number, entry in enumerate(values["training"]):
        entry["fold"] = number % 3
    (data / "dataset.json").write_text(json.dumps(values))
    run = prepare(tmp_path / "run", data, str(tiny_config_file), ["training.folds=2"], None, heard)
    assert run.config.training.folds == 3
    assert f"training.folds=2: is not used, as {data} has a division into 3 folds" in heard.warnings


def test_a_memory_budget_beside_one_of_seconds_is_told_to_have_no_effect(phantoms, tiny_config_file, tmp_path):
    heard, both = Heard(), ["search.memory_budget=0.3", "search.seconds=0.5"]
    prepare(tmp_path / "run", phantoms, str(tiny_config_file), both, None, heard)
    assert "search.memory_budget=0.3: is not used, as search.seconds=0.5 is the budget" in heard.warnings
    prepare(tmp_path / "raced", phantoms, str(tiny_config_file), [*both, "race.enabled=true"], None, heard := Heard())
    assert not heard.warnings  # the race decides by it


class Heard(Reporter):
    """Keeps the warnings."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warning(self, text: str) -> None:
        self.warnings.append(text)
