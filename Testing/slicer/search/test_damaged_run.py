"""Run folders whose files are damaged, of a later version, or out of reach: said below the folder, and never raised."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .conftest import start, write_run

FILES = ("run.json", "choices.json", "check.json", "config.yaml", "evaluation/scores.json", "evaluation/suspects.json")
OF_THE_RUN = ("run.json", "config.yaml")  # without which nothing can be done with it
STEPS = ("search", "retrain", "export")
BYTES = {
    "cut short": lambda content: content[: len(content) // 2] + b"\n{[",
    "no text": lambda content: b"\xff\x00\xfe",
    "a list": lambda content: b"[1, 2]",
    "a number": lambda content: b"3",
    "deep": lambda content: b"[" * 10_000,
    "of a later version": lambda content: b'{"format": 99, "later": 1}',
}
JUNK = (None, True, -1, 1e300, 10**400, "", "\udcff", [], [None], {}, {"a": 1})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_run(tmp_path / "run")


def open_folder(panel: Any, path: Path | str) -> None:
    """Opens it after a look at each section."""
    for section in panel.sections:
        section.button.collapsed = False
    panel.parameters.runFolder = str(path)


@pytest.mark.parametrize("damage", BYTES)
@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_is_named_below_the_folder(faked: Any, host: Any, folder: Path, name: str, damage: str) -> None:
    file = folder / name
    file.write_bytes(BYTES[damage](file.read_bytes()))
    left = file.read_bytes()
    open_folder(faked, folder)
    assert host.is_shown(faked.ui.engineLabel)
    assert str(file) in faked.ui.engineLabel.text
    assert faked.ui.engineLabel.text.count("\n") == 0
    possible = [step for step in STEPS if not getattr(faked, step).whyNot()]
    assert possible == ([] if name in OF_THE_RUN else ["retrain", "export"])
    assert faked.ui.reportButton.enabled == bool(possible)
    assert file.read_bytes() == left


@pytest.mark.parametrize("name", OF_THE_RUN)
def test_a_run_that_cannot_be_read_says_so_at_every_step(faked: Any, folder: Path, name: str) -> None:
    (folder / name).write_text("[")
    open_folder(faked, folder)
    for section in (faked.search, faked.retrain, faked.export):
        assert str(folder / name) in section.whyNot()


def test_every_damaged_file_is_named(faked: Any, folder: Path) -> None:
    for name in FILES:
        (folder / name).write_text("[")
    open_folder(faked, folder)
    assert all(str(folder / name) in faked.ui.engineLabel.text for name in FILES)


def test_a_run_without_settings_says_so(faked: Any, folder: Path) -> None:
    (folder / "config.yaml").unlink()
    open_folder(faked, folder)
    assert "config.yaml: cannot be read (No such file" in faked.ui.engineLabel.text


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_a_folder_counts_as_missing(faked: Any, folder: Path, name: str) -> None:
    (folder / name).unlink()
    (folder / name).mkdir()
    open_folder(faked, folder)


def test_a_sound_run_has_nothing_below_its_folder(faked: Any, host: Any, folder: Path) -> None:
    open_folder(faked, folder)
    assert not host.is_shown(faked.ui.engineLabel)
    assert faked.retrain.whyNot() == ""


def test_what_is_said_goes_with_its_reason(faked: Any, host: Any, folder: Path, tmp_path: Path) -> None:
    sound = (folder / "config.yaml").read_text()
    (folder / "config.yaml").write_text("later: {}")
    open_folder(faked, folder)
    assert "unknown key later" in faked.ui.engineLabel.text
    open_folder(faked, write_run(tmp_path / "other"))
    assert not host.is_shown(faked.ui.engineLabel)
    (folder / "config.yaml").write_text(sound)
    open_folder(faked, folder)
    assert not host.is_shown(faked.ui.engineLabel)
    assert faked.ui.patchXBox.value == 16


def test_checked_data_with_damaged_settings_can_be_checked_again(
    checked: Any, host: Any, processes: list[Any], tmp_path: Path
) -> None:
    (tmp_path / "new" / "config.yaml").write_text("search: [")
    checked.refresh()
    assert "is not valid YAML" in checked.ui.engineLabel.text
    assert checked.ui.reasonLabel.text == "Check the data first."
    start(host, checked, checked.data)
    assert not host.is_shown(checked.ui.engineLabel)
    assert processes[-1].arguments[0] == "check"


@pytest.mark.parametrize("name", ["search/log.jsonl", "train/fold0/log.jsonl"])
@pytest.mark.parametrize("damage", BYTES)
def test_a_damaged_log_is_read_as_far_as_it_goes(faked: Any, folder: Path, name: str, damage: str) -> None:
    file = folder / name
    file.write_bytes(file.read_bytes() + BYTES[damage](b"{}") + b"\n")
    open_folder(faked, folder)
    assert faked.ui.searchButton.text == "2. Search: finished"


@pytest.mark.parametrize("key", ["step", "loss", "mean_dice", "gap"])
def test_odd_values_of_a_log_are_left_out(faked: Any, tmp_path: Path, key: str) -> None:
    for number, junk in enumerate(JUNK):
        folder = write_run(tmp_path / str(number))
        row = json.dumps({"step": 3, "loss": 1.0, key: junk}) + "\n"
        for name in ("search/log.jsonl", "train/fold0/log.jsonl"):
            with (folder / name).open("a") as file:
                file.write(row)
        open_folder(faked, folder)
        assert "cannot" not in faked.ui.statusLabel.text, junk


@pytest.mark.parametrize("damage", BYTES)
def test_a_damaged_architecture_is_said(faked: Any, folder: Path, damage: str) -> None:
    file = folder / "search" / "architecture.json"
    file.write_bytes(BYTES[damage](file.read_bytes()))
    open_folder(faked, folder)
    assert "architecture.json" in faked.ui.statusLabel.text


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where a JSON value holds others; of a list, the first and the last."""
    keys = (
        value if isinstance(value, dict) else sorted({0, len(value) - 1}) if isinstance(value, list) and value else ()
    )
    for key in keys:
        yield (*path, key)
        yield from places(value[key], (*path, key))


def changed(value: Any, path: tuple[Any, ...], junk: Any) -> Any:
    if not path:
        return junk
    copy = value.copy()
    copy[path[0]] = changed(value[path[0]], path[1:], junk)
    return copy


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith("json")])
def test_whatever_stands_in_a_json_file_is_no_exception(faked: Any, host: Any, folder: Path, name: str) -> None:
    """Every value of the file in turn is replaced by every kind of junk, and what can be clicked is clicked."""
    sound = json.loads((folder / name).read_text())
    open_folder(faked, folder)
    for path in places(sound):
        for junk in JUNK:
            (folder / name).write_text(json.dumps(changed(sound, path, junk)))
            faked.openRun()
            faked.refresh()
            for row in range(faked.ui.scoresTable.rowCount):
                faked.ui.scoresTable.cellDoubleClicked(row, 0)
            host.raise_errors()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda folder: folder / ("x" * 300),
        lambda folder: folder / "run.json",
        lambda folder: folder / "run.json" / "deeper",
        lambda folder: folder / "gone",
    ],
    ids=["too long", "a file", "below a file", "none"],
)
def test_a_folder_that_cannot_be_one_is_no_exception(faked: Any, folder: Path, spoil: Callable[[Path], Path]) -> None:
    open_folder(faked, spoil(folder))
    assert all(getattr(faked, step).whyNot() for step in STEPS)


def test_a_folder_of_too_long_a_name_is_said(faked: Any, tmp_path: Path) -> None:
    open_folder(faked, tmp_path / ("x" * 300))
    assert "cannot be read (File name too long)" in faked.ui.engineLabel.text


@pytest.mark.parametrize("gone", ["", "search", "train"])
def test_a_disk_that_is_gone_is_said_and_forgotten_when_it_is_back(
    faked: Any, host: Any, folder: Path, monkeypatch: pytest.MonkeyPatch, gone: str
) -> None:
    stat, lost = os.stat, str(folder / gone) if gone else str(folder)
    open_folder(faked, folder)

    def no_answer(path: Any, **options: Any) -> os.stat_result:
        if isinstance(path, str | Path) and str(path).startswith(lost):
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))
        return stat(path, **options)

    with monkeypatch.context() as context:
        context.setattr(os, "stat", no_answer)
        faked.refresh()
        assert "(Input/output error)" in faked.ui.engineLabel.text
    faked.refresh()
    assert not host.is_shown(faked.ui.engineLabel)


def test_a_folder_that_goes_while_it_is_open_is_no_exception(faked: Any, folder: Path) -> None:
    open_folder(faked, folder)
    shutil.rmtree(folder)
    faked.refresh()
    assert faked.search.whyNot() == "Check the data first."


def test_without_a_panel_a_run_that_cannot_be_read_is_refused(faked: Any, folder: Path) -> None:
    (folder / "config.yaml").write_text("[")
    for call in (faked.logic.retrain, faked.logic.export):
        with pytest.raises(ValueError, match=r"config\.yaml"):
            call(folder)
