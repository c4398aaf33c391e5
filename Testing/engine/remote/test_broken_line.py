"""The line breaks at random moments of sending, computing and fetching: nothing is lost, and nothing is left.

One moment of each; `DINTS_KILLS=20 pytest Testing/engine/remote/test_broken_line.py` takes twenty.
"""

from __future__ import annotations

import json
import os
import random
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dints.cli import main
from dints.remote.hosts import Host

MOMENTS = int(os.environ.get("DINTS_KILLS", "1"))
SEED = 20213
KINDS = ("sent", "seconds", "received")


@dataclass(frozen=True)
class Work:
    """A command that writes into a folder, what is compared of that, and what ends it there."""

    command: Callable[[Path], list[str]]
    results: tuple[str, ...]
    stays: bool = False  # there, until it is removed

    def do(self, folder: Path) -> dict[str, bytes]:
        folder.mkdir()
        assert main(self.command(folder)) == 0
        return {name: (folder / name).read_bytes() for name in self.results}

    def remove(self, folder: Path) -> None:
        assert not self.stays or main(["stop", str(folder / "run"), "--remove"]) == 0


@dataclass(frozen=True)
class Whole:
    """What a work gives whose line holds, and what passed it until then: bytes and seconds."""

    results: dict[str, bytes]
    passed: dict[str, float]


@pytest.fixture(scope="module")
def wholes() -> dict[str, Whole]:
    """Of works that were done once with a line that holds, by name."""
    return {}


@pytest.fixture
def plan(there: Host, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where it is written when the line breaks; temporary files of here have a folder of their own."""
    monkeypatch.setenv("SSH_CUT", str(tmp_path / "cut.json"))
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    monkeypatch.setattr("dints.remote.worker.PAUSE_SECONDS", 0.0)
    monkeypatch.setattr("dints.remote.runs.away.PAUSES", (0.0, 0.0))
    return tmp_path / "cut.json"


@pytest.fixture
def works(scan_file: Path, model_file: Path, phantoms: Path, tiny_config_file: Path) -> dict[str, Work]:
    """By name."""
    there = ["--device", "cpu", "--on", "there"]
    segment = ["segment", "--model", str(model_file), "--input", str(scan_file), *there]
    search = ["search", "--data", str(phantoms), "--config", str(tiny_config_file), *there]
    found = ("run/search/architecture.json", "run/cases.json", "run/config.yaml")
    return {
        "segment": Work(lambda folder: [*segment, "--output", str(folder / "labels.nrrd")], ("labels.nrrd",)),
        "search": Work(lambda folder: [*search, "--run", str(folder / "run")], found, stays=True),
    }


@pytest.mark.parametrize("number", range(MOMENTS))
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["segment", "search"])
def test_a_line_that_breaks_at_a_random_moment_changes_nothing(
    name: str,
    kind: str,
    number: int,
    server: Any,
    eventually: Callable[[Callable[[], bool]], bool],
    works: dict[str, Work],
    wholes: dict[str, Whole],
    plan: Path,
    tmp_path: Path,
) -> None:
    work = works[name]
    if name not in wholes:
        results = work.do(tmp_path / "whole")
        wholes[name] = Whole(results, json.loads(plan.with_suffix(".passed").read_text()))
        work.remove(tmp_path / "whole")
    at = random.Random(f"{SEED} {name} {kind} {number}").random() * wholes[name].passed[kind]
    plan.write_text(json.dumps({"kind": kind, "at": at if kind == "seconds" else int(at)}))
    print(f"{name}: {plan.read_text()} of {wholes[name].passed}")
    assert work.do(tmp_path / "broken") == wholes[name].results
    assert kind != "sent" or not plan.exists()  # other works may end before it breaks: there are fewer looks
    work.remove(tmp_path / "broken")
    assert eventually(server.is_clean)
    assert not list((tmp_path / "temporary").iterdir())
    assert not [path for path in (server.home / ".dints" / "guests").rglob("*") if path.is_file()]
