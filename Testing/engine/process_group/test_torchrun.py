"""Two processes that torchrun started end where one process ends, even if one of them is killed on the way."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from dints.cli import main
from dints.device import PRECISION_VARIABLE
from dints.files.storage import read_json
from dints.run_layout import read_log

from .conftest import Launch

TOLERANCE = 1e-5  # sums of two parts round differently from those of a whole batch
DYING_MEMBER = Path(__file__).with_name("dying_member.py")


def assert_close(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> None:
    assert first.keys() == second.keys()
    for name, value in first.items():
        torch.testing.assert_close(value, second[name], rtol=0, atol=TOLERANCE, msg=lambda text, name=name: name + text)


def assert_close_rows(first: list[dict[str, Any]], second: list[dict[str, Any]]) -> None:
    assert len(first) == len(second)
    for row, other in zip(first, second, strict=True):
        assert row.keys() == other.keys()
        for name, value in row.items():
            assert value == pytest.approx(other[name], abs=TOLERANCE), name


def weights(path: Path, key: str) -> dict[str, torch.Tensor]:
    """Part of a checkpoint."""
    return torch.load(path, weights_only=True)[key]


def test_two_processes_search_what_one_process_searches(
    alone: Path, phantoms: Path, odd_batches: Path, torchrun: Launch, tmp_path: Path
) -> None:
    command = ["search", "--run", str(tmp_path), "--data", str(phantoms), "--config", str(odd_batches)]
    output = torchrun("-m", "--", "dints", *command, "--device", "cpu", "--events")
    expected, found = (weights(folder / "search" / "checkpoint.pt", "supernet") for folder in (alone, tmp_path))
    assert {"edge_logits", "operation_logits"} < expected.keys()
    assert_close(expected, found)
    logs = [read_log(folder / "search" / "log.jsonl") for folder in (alone, tmp_path)]
    assert_close_rows(*logs)
    architectures = [(folder / "search" / "architecture.json").read_bytes() for folder in (alone, tmp_path)]
    assert architectures[0] == architectures[1]
    results = [event for event in map(json.loads, output.splitlines()) if event["event"] == "result"]
    assert [event["name"] for event in results] == ["architecture"], "only the first process may speak"


def test_two_processes_race_what_one_process_races(
    phantoms: Path, odd_batches: Path, torchrun: Launch, tmp_path: Path
) -> None:
    """All processes take part: a training waits for each of them."""
    changes = ["enabled=true", "steps=1", "growth=2", "heats=2", "random=0", "zoo=false", "neighbours=1", "memory=3"]
    settings = [part for change in changes for part in ("--set", f"race.{change}")]
    command = ["search", "--data", str(phantoms), "--config", str(odd_batches), *settings]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(PRECISION_VARIABLE, "full")
        assert main([*command, "--run", str(tmp_path / "alone")]) == 0
    torchrun("-m", "--", "dints", *command, "--run", str(tmp_path / "together"), "--device", "cpu", "--events")
    folders = [tmp_path / name / "search" / "race" for name in ("alone", "together")]
    alone, together = (read_json(folder / "standings.json") for folder in folders)
    assert [(row["name"], row["steps"]) for row in alone] == [(row["name"], row["steps"]) for row in together]
    assert [row["dice"] for row in alone] == pytest.approx([row["dice"] for row in together], abs=TOLERANCE)
    assert_close_rows(*(read_log(folder / alone[0]["name"] / "log.jsonl") for folder in folders))


def test_a_killed_process_is_started_again_and_all_go_on_from_the_checkpoint(
    alone: Path, torchrun: Launch, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(alone, folder, ignore=shutil.ignore_patterns("train"))
    command = ["train", "--run", str(folder), "--folds", "0", "--device", "cpu", "--events"]
    output = torchrun("--max-restarts", "1", "--", str(DYING_MEMBER), *command)
    events = [json.loads(line) for line in output.splitlines()]
    steps = [event["step"] for event in events if event.get("stage") == "train fold 0"]
    assert steps == [1, 2, 3, 3, 4, 5, 6]
    fold = Path("train", "fold0")
    for name in ("last.pt", "best.pt"):
        assert_close(*(weights(run / fold / name, "network") for run in (alone, folder)))
    assert_close_rows(*(read_log(run / fold / "log.jsonl") for run in (alone, folder)))
