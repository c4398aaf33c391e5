from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch

from dints.errors import InputError
from dints.run_layout import read_log
from dints.training.checkpoint import load_checkpoint, save_checkpoint
from dints.training.log import TrainingLog

CPU = torch.device("cpu")


class Payload:
    """What a pickle from a stranger could run."""

    def __reduce__(self):
        return Path.touch, (Path("executed"),)


def test_a_checkpoint_comes_back(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "last.pt", {"step": 3, "network": {"w": torch.arange(3.0)}, "best": [0.5]})
    state = load_checkpoint(tmp_path / "last.pt", CPU)
    assert state["step"] == 3
    assert torch.equal(state["network"]["w"], torch.arange(3.0))


def test_code_in_a_checkpoint_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"step": Payload()}, tmp_path / "last.pt")
    (tmp_path / "old.pt").write_bytes(pickle.dumps(Payload()))
    for name in ("last.pt", "old.pt"):
        with pytest.raises(InputError, match=name):
            load_checkpoint(tmp_path / name, CPU)
    assert not (tmp_path / "executed").exists()


def test_a_cut_off_checkpoint_is_named(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "last.pt", {"step": 3, "w": torch.zeros(1000)})
    content = (tmp_path / "last.pt").read_bytes()
    (tmp_path / "last.pt").write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match=r"last\.pt"):
        load_checkpoint(tmp_path / "last.pt", CPU)


def test_a_resumed_log_repeats_no_step(tmp_path: Path) -> None:
    log = TrainingLog(tmp_path / "log.jsonl", 0)
    for step in range(5):
        log.append({"step": step, "loss": step / 2})
    with (tmp_path / "log.jsonl").open("a") as file:
        file.write('{"step": 5, "lo')  # cut off by a kill
    resumed = TrainingLog(tmp_path / "log.jsonl", 3)
    resumed.append({"step": 3, "loss": 9.0})
    assert [(row["step"], row["loss"]) for row in read_log(tmp_path / "log.jsonl")] == [
        (0, 0.0),
        (1, 0.5),
        (2, 1.0),
        (3, 9.0),
    ]
