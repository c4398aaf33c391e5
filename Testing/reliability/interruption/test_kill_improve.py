"""kill -9 while a model is improved: the model and its data set stay as they are, and the same command goes on."""

from __future__ import annotations

import random
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from dints.data.corrections import add_case
from dints.data.datalist import read_datalist
from dints.files.storage import read_json

from .conftest import Forks, Stage

MOMENTS = 3
SEED = 17
SETTINGS = ("training.iterations=2", "training.validate_every=1")


@dataclass(frozen=True)
class Improvement:
    """A folder with a model and corrections, and the file operations of an improvement that nothing interrupts."""

    before: Path
    operations: int


def command(folder: Path) -> list[str]:
    files = {"--model": "model.zip", "--data": "corrections", "--out": "second.zip", "--run": "work"}
    named = [part for option, name in files.items() for part in (option, str(folder / name))]
    return ["improve", *named, "--device", "cpu", *(part for text in SETTINGS for part in ("--set", text)), "--events"]


def kept(folder: Path) -> dict[str, bytes]:
    """What an improvement must only read."""
    files = [folder / "model.zip", *(path for path in (folder / "corrections").rglob("*") if path.is_file())]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def improvement(
    forks: Forks, stages: dict[str, Stage], phantoms: Path, tmp_path_factory: pytest.TempPathFactory
) -> Improvement:
    before = tmp_path_factory.mktemp("improve") / "before"
    before.mkdir()
    shutil.copy(stages["export"].after / "model.zip", before)
    data = read_datalist(phantoms)
    for case in data.cases[:5]:
        add_case(before / "corrections", case.images, case.label, data.labels, data.channels)
    whole = before.with_name("whole")
    shutil.copytree(before, whole)
    outcome = forks.run(command(whole), whole)
    assert outcome.status == 0, outcome.text
    return Improvement(before, outcome.operations)


@pytest.mark.parametrize("number", range(MOMENTS))
def test_killed_at_any_moment_model_and_data_are_intact_and_it_goes_on(
    forks: Forks, improvement: Improvement, tmp_path: Path, number: int
) -> None:
    folder = tmp_path / "improve"
    shutil.copytree(improvement.before, folder)
    moment = random.Random(f"{SEED} {number}").randint(1, improvement.operations)
    assert forks.run(command(folder), folder, kill=(moment, 0.0)).status == -9
    assert kept(folder) == kept(improvement.before)
    new = folder / "second.zip"
    if new.is_file():  # it was whole before the command ended
        assert zipfile.ZipFile(new).testzip() is None
        new.unlink()
    outcome = forks.run(command(folder), folder)
    assert outcome.status == 0, outcome.text
    assert kept(folder) == kept(improvement.before)
    assert read_json(folder / "work" / "improvement.json")["verdict"] in ("better", "not told apart", "worse")
