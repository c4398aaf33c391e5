"""The line breaks at random moments of sending, computing and fetching: nothing is lost, and nothing is left.

Two moments of each; `DINTS_KILLS=20 pytest Testing/engine/remote/test_broken_line.py` takes twenty.
"""

from __future__ import annotations

import json
import os
import random
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from dints.cli import main
from dints.remote.hosts import Host, keep_host

MOMENTS = int(os.environ.get("DINTS_KILLS", "2"))
SEED = 20213
KINDS = ("sent", "seconds", "received")


@dataclass(frozen=True)
class Whole:
    """What a work gives whose line holds, and what passed it until then."""

    results: dict[str, bytes]
    passed: dict[str, float]


@dataclass(frozen=True)
class Work:
    """A command, what is kept of its results in a folder, and what ends it."""

    command: Callable[[Path], list[str]]
    results: tuple[str, ...]
    removal: tuple[str, ...] = ()

    def do(self, folder: Path) -> dict[str, bytes]:
        assert main(self.command(folder)) == 0
        found = {name: (folder / name).read_bytes() for name in self.results}
        if self.removal:
            assert main([*self.removal, str(folder / "run")]) == 0
        return found


@pytest.fixture(scope="module")
def wholes() -> dict[str, Whole]:
    """Of works that were done once without a broken line, by name."""
    return {}


@pytest.fixture
def plan(there: Host, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where the line breaks is written here; temporary files of here have a folder of their own."""
    monkeypatch.setenv("SSH_CUT", str(tmp_path / "cut.json"))
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    monkeypatch.setattr("dints.remote.worker.PAUSE_SECONDS", 0.0)
    keep_host(there)
    return tmp_path / "cut.json"


@pytest.fixture
def works(scan_file: Path, model_file: Path) -> dict[str, Work]:
    """By name."""
    segment = ["segment", "--model", str(model_file), "--input", str(scan_file), "--device", "cpu", "--on", "there"]
    return {"segment": Work(lambda folder: [*segment, "--output", str(folder / "labels.nrrd")], ("labels.nrrd",))}


@pytest.mark.parametrize("number", range(MOMENTS))
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["segment"])
def test_a_line_that_breaks_at_a_random_moment_changes_nothing(
    name: str,
    kind: str,
    number: int,
    server,
    eventually: Callable[[Callable[[], bool]], bool],
    works: dict[str, Work],
    wholes: dict[str, Whole],
    plan: Path,
    tmp_path: Path,
) -> None:
    if name not in wholes:
        (tmp_path / "whole").mkdir()
        results = works[name].do(tmp_path / "whole")
        wholes[name] = Whole(results, json.loads(plan.with_suffix(".passed").read_text()))
    share = random.Random(f"{SEED} {name} {kind} {number}").random()
    at = share * wholes[name].passed[kind]
    plan.write_text(json.dumps({"kind": kind, "at": at if kind == "seconds" else int(at)}))
    print(f"{name}: {plan.read_text()} of {wholes[name].passed}")
    (tmp_path / "broken").mkdir()
    assert works[name].do(tmp_path / "broken") == wholes[name].results
    assert not plan.exists() or kind == "seconds"  # it may have ended before
    assert eventually(server.is_clean)
    assert not list((tmp_path / "temporary").iterdir())
