"""Commands run in this process. Tests of reliability compute in full precision: the same bits on every processor."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from dints.cli import main
from dints.device import PRECISION_VARIABLE

os.environ.setdefault(PRECISION_VARIABLE, "full")

PROGRESS = re.compile(r"\w+: \d+/\d+")
# What it is about, the reason, and the remedy: what to do, what must hold, or what was probably meant.
SENTENCE = re.compile(r"dints( \w+)?: .+(; .+| must .+| did you mean .+|, for example .+)")


@dataclass(frozen=True)
class Outcome:
    """Of one command: its exit code, what it printed, and what it said on standard error apart from progress."""

    code: int
    output: str
    sentences: list[str]

    def refuses(self, *parts: str) -> str:
        """Asserts that bad input was refused in one sentence with these parts, and returns it."""
        assert self.code == 2, self
        (sentence,) = self.sentences
        assert SENTENCE.fullmatch(sentence), sentence
        assert all(part in sentence for part in parts), sentence
        return sentence


@pytest.fixture
def command(capfd: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Function that runs a command of the engine."""

    def run(*arguments: str | Path) -> Outcome:
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as stop:
            code = int(str(stop.code))
        output, errors = capfd.readouterr()
        return Outcome(code, output, [line for line in errors.splitlines() if not PROGRESS.match(line)])

    return run
