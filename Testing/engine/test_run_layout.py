"""How far a run is, as its logs tell: at any moment, whatever interrupted it."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

from dints.run_layout import FoldState, LogReader, RunLayout, is_better, read_log


def write_rows(path: Path, rows, end: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows) + end, encoding="utf-8")


def steps(count: int, first: int = 0) -> list[dict]:
    return [{"step": step, "loss": 1.0 / (step + 1), "micro_batch": None} for step in range(first, first + count)]


def validation(step: int, dice: float | None) -> dict:
    return {"step": step, "dice": [dice], "mean_dice": dice}


def test_a_fold_is_trained_when_its_last_step_was_validated_and_not_before(tmp_path):
    run = RunLayout(tmp_path)
    assert run.fold_state(0, 10) == FoldState(0, 10, None, False)
    run.fold(0).folder.mkdir(parents=True)
    run.fold(0).best.write_bytes(b"weights")
    write_rows(run.fold(0).log, [*steps(5), validation(4, 0.7), *steps(3, 5)])
    half = run.fold_state(0, 10)
    assert (half.step, half.best_dice, half.finished, half.started) == (8, 0.7, False, True)
    write_rows(run.fold(0).log, [*steps(5), validation(4, 0.7), *steps(5, 5)])
    assert not run.fold_state(0, 10).finished  # its last network was not validated yet
    write_rows(run.fold(0).log, [*steps(5), validation(4, 0.7), *steps(5, 5), validation(9, 0.6)])
    whole = run.fold_state(0, 10)
    assert (whole.step, whole.best_dice, whole.finished) == (10, 0.7, True)
    run.fold(0).best.unlink()
    assert not run.fold_state(0, 10).finished


def test_the_best_dice_is_known_however_long_the_log_is(tmp_path):
    run = RunLayout(tmp_path)
    write_rows(run.fold(0).log, [*steps(5), validation(4, 0.9), *steps(20_000, 5)])
    assert run.fold(0).log.stat().st_size > 2**20
    assert run.fold_state(0, 30_000).best_dice == 0.9


@pytest.mark.parametrize(
    ("dice", "best"),
    [
        ([0.5, 0.7, 0.6], 0.7),
        ([None, 0.2, 0.1], 0.2),
        ([0.0, 0.0, 0.3], 0.3),
        ([0.3, None], 0.3),
        ([None, None], None),
        ([0.0, None], 0.0),
        ([None, 0.0], 0.0),
    ],
)
def test_the_best_network_is_the_one_that_training_keeps(tmp_path, dice, best):
    run = RunLayout(tmp_path)
    write_rows(run.fold(0).log, [validation(step, value) for step, value in enumerate(dice)])
    assert run.fold_state(0, 9).best_dice == best


@pytest.mark.parametrize(
    ("dice", "best", "expected"),
    [
        (0.5, math.nan, True),
        (0.0, math.nan, True),
        (math.nan, math.nan, True),
        (0.0, 0.0, True),
        (0.1, 0.0, True),
        (0.5, 0.5, False),
        (math.nan, 0.5, False),
        (math.nan, 0.0, False),
        (0.4, 0.5, False),
        (0.6, 0.5, True),
    ],
)
def test_a_later_network_takes_the_place_of_one_that_found_nothing(dice, best, expected):
    assert is_better(dice, best) is expected


def test_a_log_is_read_on_and_one_that_was_replaced_anew(tmp_path):
    path = tmp_path / "log.jsonl"
    log = LogReader(path)
    assert not log.read()
    write_rows(path, steps(3), end='{"step": 3, "lo')
    assert log.read()
    assert log.points("loss")[0] == [0, 1, 2]
    assert not log.read()
    with path.open("a", encoding="utf-8") as file:
        file.write('ss": 0.5}\n')
    assert log.read()
    assert log.points("loss") == ([0, 1, 2, 3], [1.0, 0.5, 1 / 3, 0.5])
    path.unlink()
    write_rows(path, steps(1))
    log.read_all()
    assert log.points("loss")[0] == [0]
    assert log.steps == 1


def test_a_line_that_was_cut_short_is_left_out(tmp_path):
    write_rows(tmp_path / "log.jsonl", steps(2), end='{"step": 2, "lo')
    assert [row["step"] for row in read_log(tmp_path / "log.jsonl")] == [0, 1]
    assert read_log(tmp_path / "absent.jsonl") == []


def test_a_search_is_finished_when_it_left_its_architecture(tmp_path):
    run = RunLayout(tmp_path)
    assert not run.search_state(10).started
    write_rows(run.search.log, steps(10))
    assert (run.search_state(10).step, run.search_state(10).finished) == (10, False)
    run.architecture_file.write_text("{}")
    assert run.search_state(10).finished


def test_it_needs_the_standard_library_alone():
    code = (
        "import sys; import dints.run_layout; print(sorted({'torch', 'yaml', 'numpy', 'SimpleITK'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize("junk", [None, "0.9", [], [0.9], {}, 10**400, float("inf")])
def test_values_that_are_no_numbers_are_left_out(tmp_path, junk):
    run = RunLayout(tmp_path)
    odd = {"step": 3, "loss": junk, "mean_dice": junk}
    write_rows(run.fold(0).log, [*steps(3), validation(2, 0.5), odd, *steps(1, 4)])
    log = LogReader(run.fold(0).log)
    log.read_all()
    assert log.points("loss")[0] == [0, 1, 2, 4]
    assert run.fold_state(0, 10) == FoldState(5, 10, 0.5, False)


@pytest.mark.parametrize("step", [None, "3", 1.5, -1, 10**400])
def test_rows_without_a_step_are_left_out(tmp_path, step):
    run = RunLayout(tmp_path)
    write_rows(run.fold(0).log, [*steps(3), {"step": step, "loss": 1.0}, *steps(1, 3)])
    assert [row["step"] for row in read_log(run.fold(0).log)] == [0, 1, 2, 3]
    assert run.fold_state(0, 10).step == 4


@pytest.mark.parametrize("damage", ["[" * 10_000, "{", "\ufffd", "3", "[1, 2]"])
def test_a_damaged_log_is_read_as_far_as_it_goes(tmp_path, damage):
    run = RunLayout(tmp_path)
    write_rows(run.fold(0).log, steps(3), end=f"{damage}\n")
    assert len(read_log(run.fold(0).log)) == 3
    assert run.fold_state(0, 10).step == 3
