"""Some hundred damaged and malicious files; `fuzz.py` reads thousands, and `fuzz.json` is what came of it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from .fuzz import PROCESSOR_SECONDS, RESULT, Tally, fuzz
from .fuzzing.targets import Target, UnhandledError, build_targets

CASES = 25  # of each target
NUMBER = 7
MOST_CASES = 10_000  # that the long run must have read
KINDS = {"model", "manifest", "weights", "checkpoint.pt", "data list", "config", "message"}


@pytest.fixture(scope="module")
def targets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Target]]:
    """All readers, which work in a folder of their own."""
    before = Path.cwd()
    yield build_targets(tmp_path_factory.mktemp("fuzz"))
    os.chdir(before)


def test_whatever_is_read_is_used_or_refused_in_a_sentence(targets: dict[str, Target]) -> None:
    tallies = {name: fuzz(target, CASES, NUMBER) for name, target in targets.items()}
    assert {name: tally.failures for name, tally in tallies.items() if tally.failures} == {}
    assert sum(tally.cases for tally in tallies.values()) >= CASES * len(targets)
    assert all(tally.refused > 0 for tally in tallies.values())


def test_the_long_run_found_nothing() -> None:
    result = json.loads(RESULT.read_text())
    assert result["failures"] == 0
    assert result["cases"] >= MOST_CASES
    assert result["slowest_seconds"] < PROCESSOR_SECONDS
    assert set(result["targets"]) >= KINDS


@pytest.mark.parametrize(
    ("raised", "text"),
    [
        (KeyError("x"), "unexpected KeyError"),
        (MemoryError(), "memory ran out"),
        (ValueError("a" * 2000), "not one short line"),
    ],
)
def test_an_error_that_nobody_meant_is_found(targets: dict[str, Target], raised: Exception, text: str) -> None:
    """Else the other tests would prove nothing."""

    def read(content: bytes) -> None:
        raise raised

    with pytest.raises(UnhandledError, match=text):
        Tally(NUMBER).run(Target(read, targets["model"].cases, []), b"")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such timers")
def test_what_never_ends_is_found(targets: dict[str, Target], monkeypatch: pytest.MonkeyPatch) -> None:
    def read(content: bytes) -> None:
        while True:
            pass

    monkeypatch.setitem(Tally.run.__globals__, "PROCESSOR_SECONDS", 0.2)
    with pytest.raises(UnhandledError, match="SIGPROF"):
        Tally(NUMBER).run(Target(read, targets["model"].cases, []), b"")
