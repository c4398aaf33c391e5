"""Models from strangers: made of a sound one by changes, and given to the commands under a limit of memory."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dints.cli import main
from dints.model.model import load_model
from dints.model.reference import save_reference_architecture, save_reference_weights

from .hostile import Members, members_of

MEMORY = 192 * 2**20  # bytes that a command may take beyond what the process has; sound models here need a few
LONGEST_SENTENCE = 1000  # characters


@pytest.fixture
def little_memory() -> Iterator[None]:
    """The process gets hardly more address space than it has, so that taking gigabytes fails; on Linux."""
    if sys.platform != "linux":
        yield
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + MEMORY, hard))
    yield
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that commands run in, an inner one: what is written outside of it or in it shows."""
    folder = tmp_path / "outer" / "inner" / "work"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("DINTS_MODELS", str(tmp_path / "installed"))
    return folder


def files_under(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()}


@pytest.fixture
def refused(
    command: Callable, workplace: Path, tmp_path: Path, little_memory: None, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., None]:
    """Function that runs a command which must refuse its input in one short sentence and write nothing."""

    def run(arguments: tuple[str | Path, ...], *parts: str) -> None:
        before = files_under(tmp_path)
        outcome = command(*arguments)
        assert files_under(tmp_path) == before, "something was executed or written"
        assert len(outcome.refuses(*parts)) < LONGEST_SENTENCE

    return run


@pytest.fixture(scope="session")
def members(model_file: Path) -> Members:
    """The files of a sound model."""
    return members_of(model_file)


@pytest.fixture(scope="session")
def expected(model_file: Path) -> dict:
    """The tensors of its first fold, by name."""
    return load_model(model_file).networks[0].state_dict()


@pytest.fixture(scope="session")
def trained_run(phantoms: Path, tiny_config_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two folds."""
    folder = tmp_path_factory.mktemp("trained") / "run"
    start = ["--run", str(folder), "--data", str(phantoms), "--config", str(tiny_config_file), "--device", "cpu"]
    assert main(["search", *start]) == 0
    assert main(["train", "--run", str(folder), "--device", "cpu"]) == 0
    return folder


@pytest.fixture(scope="session")
def reference_files(model_file: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Architecture and weights of a sound model as the reference has them."""
    folder, model = tmp_path_factory.mktemp("reference"), load_model(model_file)
    save_reference_architecture(model.manifest.architecture, folder / "architecture.pth")
    save_reference_weights(model.networks[0], folder / "weights.pt")
    return {"architecture": folder / "architecture.pth", "weights": folder / "weights.pt"}
