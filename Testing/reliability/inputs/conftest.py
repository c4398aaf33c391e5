"""Commands run in this process, and a small data set to spoil."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from dints.cli import main

SHAPE = (20, 24, 24)  # z, y, x
CASES = ("a", "b", "c", "d")
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


@pytest.fixture(scope="session")
def sound_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four cases in plain folders, each a cube of label 1 in noise."""
    folder = tmp_path_factory.mktemp("sound")
    for seed, name in enumerate(CASES):
        voxels = np.random.default_rng(seed).integers(-1000, 400, SHAPE).astype(np.int16)
        label = np.zeros(SHAPE, np.uint8)
        label[5:12, 6:14, 7:15] = 1
        for kind, array in (("images", voxels), ("labels", label)):
            (folder / kind).mkdir(exist_ok=True)
            sitk.WriteImage(sitk.GetImageFromArray(array), str(folder / kind / f"{name}.nii.gz"))
    return folder


@pytest.fixture
def data(sound_data: Path, tmp_path: Path) -> Path:
    """A copy of the sound data set for one test."""
    return Path(shutil.copytree(sound_data, tmp_path / "data"))
