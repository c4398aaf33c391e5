"""`dints search --architecture`: one that is there already is taken, as wide as the budget allows."""

from __future__ import annotations

from pathlib import Path

import pytest

from dints import SearchSpace
from dints.cli import main
from dints.cost.memory import predict_memory, retraining_cost
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
