"""The panel DiNTSSearch, a small data set, and settings that take seconds."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
MODULE = REPOSITORY / "DiNTSSearch" / "DiNTSSearch.py"
PANEL_SIZE = (400, 1000)  # pixels
SECONDS = 120.0  # that a command of the engine may take on a busy machine

TINY = {
    "sampling.patch": "[16, 16, 16]",
    "search.layers": "2",
    "search.levels": "2",
    "search.filters": "2",
    "search.batch_size": "2",
    "search.iterations": "8",
    "search.checkpoint_every": "2",
    "training.filters": "2",
    "training.batch_size": "2",
    "training.iterations": "4",
    "training.validate_every": "2",
    "training.checkpoint_every": "2",
    "inference.overlap": "0.25",
}


class FakeProcess:
    """An engine's process that does what the test says: `events` come at the start, the end when it is told."""

    started: list[FakeProcess]

    def __init__(self, arguments: list[str], onEvent: Callable, onFinished: Callable) -> None:
        self.arguments, self.onEvent, self.onFinished = arguments, onEvent, onFinished
        self.isRunning = self.isStopping = False

    def start(self) -> None:
        self.isRunning = True
        self.started.append(self)

    def finish(self, exitCode: int = 0, sentence: str = "") -> None:
        self.isRunning = False
        self.onFinished(exitCode, sentence)

    def stop(self) -> None:
        self.isStopping = True

    def cancel(self) -> None:
        if self.isRunning:
            self.finish(130, "Cancelled.")

    def shutdown(self) -> None:
        self.isRunning = False

    def waitForFinished(self, timeoutSeconds: float | None = None) -> bool:
        if self.isRunning:
            self.finish()
        return True


@pytest.fixture(autouse=True)
def module_paths(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Slicer puts the folders of all modules on the path. Models are the test's own."""
    from dints.model import folder as folders

    for folder in ("DiNTSEngine", "DiNTSSearch"):
        monkeypatch.syspath_prepend(str(REPOSITORY / folder))
    monkeypatch.setenv("DINTS_MODELS", str(tmp_path / "models"))
    monkeypatch.setattr(folders, "SHIPPED_FOLDER", tmp_path / "shipped")


@pytest.fixture
def processes() -> list[FakeProcess]:
    """The fake processes that were started, in order; those that predict memory are left out."""
    FakeProcess.started = []
    return FakeProcess.started


@pytest.fixture
def panel(host: Any) -> Iterator[Any]:
    """The panel in a window, driving the real engine."""
    yield host.open_module(MODULE, *PANEL_SIZE).panel
    host.close_module("DiNTSSearch")


@pytest.fixture
def faked(panel: Any, processes: list[FakeProcess], monkeypatch: pytest.MonkeyPatch) -> Any:
    """The panel with fake processes, as if the engine were installed."""
    panel.logic._makeProcess = FakeProcess
    panel.missing = ""
    for line in (panel.search.memory, panel.search.time):
        monkeypatch.setattr(line, "want", lambda *arguments: None)
    monkeypatch.setattr(panel.search.time, "wantRest", lambda *arguments: None)
    panel.refresh()
    return panel


@pytest.fixture
def checked(faked: Any, host: Any, processes: list[Any], tmp_path: Path) -> Any:
    """The panel after a check that derived the settings of the phantom."""
    faked.parameters.runFolder = str(tmp_path / "new")
    faked.parameters.dataFolder = str(tmp_path)
    start(host, faked, faked.data)
    write_check(tmp_path / "new", [])
    processes[-1].finish()
    return faked


def write_check(folder: Path, problems: list[dict[str, str]]) -> None:
    from dints.config import Config
    from dints.files.storage import write_json

    facts = {"size": [24, 24, 20], "spacing": [1.0, 1.0, 1.4], "channels": [], "label_volumes": {"1": 1500.0}}
    write_json(folder / "check.json", {"cases": [{"name": "a", **facts}], "problems": problems})
    if not problems:
        Config.load("phantom").save(folder / "config.yaml")


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    """A run that was searched, trained in one fold and evaluated, as files."""
    return write_run(tmp_path / "run")


@cache
def _settings_text() -> str:
    """Of a tiny run."""
    from dints.config import Config
    from dints.files.plain_yaml import to_yaml

    overrides = [f"{key}={value}" for key, value in (TINY | {"training.folds": "2"}).items()]
    return to_yaml(Config.load("phantom").with_overrides(overrides).to_mapping())


def write_run(folder: Path) -> Path:
    """The files of a run, of a few bytes each."""
    from dints.files.storage import write_json, write_text
    from dints.space.architecture import Architecture
    from dints.space.search_space import SearchSpace

    write_text(folder / "config.yaml", _settings_text())
    write_json(folder / "run.json", {"format": 1, "data": str(folder / "data"), "held_out": []})
    write_json(folder / "choices.json", {"data": str(folder / "data"), "preset": "phantom", "folds": 2})
    facts = {"size": [24, 24, 20], "spacing": [1.0, 1.0, 1.4], "channels": [], "label_volumes": {"1": 1500.0}}
    cases = [{"name": f"case{index}", **facts} for index in range(4)]
    write_json(folder / "check.json", {"cases": cases, "problems": []})
    steps = [{"step": step, "loss": 2 - step / 8} for step in range(8)]
    for row in steps[4:]:
        row |= {"dice": row["step"] / 10, "gap": 9 - row["step"], "memory_fraction": row["step"] / 10}
    write_text(folder / "search" / "log.jsonl", "".join(json.dumps(row) + "\n" for row in steps))
    Architecture.random(SearchSpace(2, 2), 0).save(folder / "search" / "architecture.json")
    log = '{"step": 0, "loss": 1.5}\n{"step": 3, "loss": 1.0}\n{"step": 3, "dice": [0.5], "mean_dice": 0.5}\n'
    write_text(folder / "train" / "fold0" / "log.jsonl", log)
    (folder / "train" / "fold0" / "best.pt").write_bytes(b"")
    scores = [{"case": "case0", "fold": 0, "value": 1, "label": "liver", "dice": 0.5, "nsd": None}]
    summary = [{"fold": None, "value": 1, "label": "liver", "dice": {"mean": 0.5, "std": None, "count": 1}}]
    files = {"case0": {"images": [str(folder / "image.nrrd")], "label": str(folder / "label.nrrd")}}
    content = {"format": 1, "tolerance": 1.0, "rows": scores, "summary": summary, "cases": files}
    write_json(folder / "evaluation" / "scores.json", content)
    write_json(folder / "evaluation" / "suspects.json", {"suspects": []})
    return folder


def start(host: Any, panel: Any, section: Any) -> None:
    """Clicks the start button with a section open."""
    panel.open(section)
    host.process_events()
    host.click(panel.ui.startButton)


def change_setting(host: Any, panel: Any, key: str, text: str) -> None:
    """Edits a cell of the table of advanced settings."""
    panel.ui.advancedBox.collapsed = False
    table = panel.ui.settingsTable
    row = next(row for row in range(table.rowCount) if table.item(row, 0).text() == key)
    table.item(row, 1).setText(text)
    host.process_events()


def checked_and_predicting(panel: Any, processes: list[FakeProcess], folder: Path) -> Any:
    """The panel after a check, with fake processes that also predict."""
    panel.logic._makeProcess, panel.missing = FakeProcess, ""
    panel.parameters.runFolder, panel.parameters.dataFolder = str(folder / "new"), str(folder)
    panel.data.onStart()
    write_check(folder / "new", [])
    processes[-1].finish()
    return panel


def questions(processes: list[FakeProcess], command: str) -> list[FakeProcess]:
    """Processes that were asked for a prediction by a command of the engine."""
    return [process for process in processes if process.arguments[0] == command]
