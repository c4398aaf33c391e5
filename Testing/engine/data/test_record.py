"""The cases of a run stay those of its first day: whatever comes, goes or changes is named."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from dints import Config, InputError
from dints.cli import main
from dints.data.datalist import read_datalist
from dints.data.phantom import write_phantoms
from dints.data.record import DataRecord, changes, record_of
from dints.events import Reporter
from dints.run import Run


@pytest.fixture
def data(phantoms: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(phantoms, tmp_path / "data"))


@pytest.fixture
def run(data: Path, tiny_config: Config, tmp_path: Path) -> Run:
    run = Run.create(tmp_path / "run", data, tiny_config)
    assert len(run.splits) == 2
    return Run(run.folder)


def labelled(data: Path) -> list[str]:
    return sorted(path.name for path in (data / "imagesTr").iterdir())


def plain(data: Path) -> None:
    """Without dataset.json the folders say which cases there are."""
    (data / "dataset.json").unlink()


def add(data: Path, name: str) -> None:
    first = labelled(data)[0]
    for folder in ("imagesTr", "labelsTr"):
        shutil.copyfile(data / folder / first, data / folder / name)


def test_a_record_survives_saving(data):
    datalist = read_datalist(data)
    names = tuple(case.name for case in datalist.cases)
    record = record_of(datalist, ((names[2:], names[:2]), (names[:2], names[2:])))
    assert DataRecord.from_mapping(record.to_mapping(), "cases.json") == record
    assert not changes(record, datalist)


@pytest.mark.parametrize("values", [None, [], {"format": 2}, {"format": 1, "cases": {}, "folds": [["a"]]}])
def test_a_damaged_record_is_refused_by_name(values):
    with pytest.raises(InputError, match=r"cases\.json: is damaged"):
        DataRecord.from_mapping(values, "cases.json")


def test_a_case_that_is_added_is_named_and_changes_no_fold(data, run, tiny_config):
    plain(data)
    before = run.splits
    add(data, "zz_new.nii.gz")
    with pytest.raises(InputError, match=r"is not what it was .*1 new: zz_new.*--accept-changes"):
        len(Run(run.folder).cases)
    again = Run(run.folder)
    assert "1 new: zz_new" in again.accept_changes()
    assert again.splits == before
    assert "zz_new" not in again.cases
    assert len(Run(run.folder).cases) == len(again.cases)


def test_a_case_that_is_gone_cannot_be_accepted(data, run):
    plain(data)
    name = labelled(data)[0]
    for folder in ("imagesTr", "labelsTr"):
        (data / folder / name).unlink()
    with pytest.raises(InputError, match="1 missing"):
        len(Run(run.folder).cases)
    with pytest.raises(InputError, match="which folds were drawn with; put them back"):
        Run(run.folder).accept_changes()


def test_a_renamed_case_is_one_that_went_and_one_that_came(data, run):
    plain(data)
    name = labelled(data)[0]
    for folder in ("imagesTr", "labelsTr"):
        (data / folder / name).rename(data / folder / "renamed.nii.gz")
    with pytest.raises(InputError, match=r"1 new: renamed; 1 missing"):
        len(Run(run.folder).cases)


def test_a_file_that_holds_something_else_is_named_and_can_be_accepted(data, run):
    name = labelled(data)[0]
    other = labelled(data)[1]
    shutil.copyfile(data / "labelsTr" / other, data / "labelsTr" / name)
    with pytest.raises(InputError, match="1 changed"):
        len(Run(run.folder).cases)
    again = Run(run.folder)
    again.accept_changes()
    assert len(again.cases) == 6


def test_a_file_that_was_only_touched_is_the_same(data, run):
    for path in (data / "imagesTr").iterdir():
        os.utime(path)
    assert len(Run(run.folder).cases) == 6


def test_data_that_moved_are_found_again_by_their_new_place(data, run, tmp_path):
    moved = data.rename(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="is gone; say where it is with --data"):
        len(Run(run.folder).cases)
    again = Run(run.folder)
    again.move_data(moved)
    assert len(Run(run.folder).cases) == 6
    assert Run(run.folder).splits == again.splits


def test_other_data_are_not_taken_for_the_moved_ones(run, tmp_path):
    other = write_phantoms(tmp_path / "other", cases=6, unlabelled=0, size=(20, 20, 20), seed=5)
    with pytest.raises(InputError, match="holds other cases than"):
        Run(run.folder).move_data(other)
    assert len(Run(run.folder).cases) == 6


def test_the_command_takes_the_new_place_and_refuses_changes(data, tiny_config_file, tmp_path, capsys):
    run = ["--run", str(tmp_path / "run")]
    assert main(["search", *run, "--data", str(data), "--config", str(tiny_config_file)]) == 0
    moved = data.rename(tmp_path / "elsewhere")
    assert main(["train", *run, "--folds", "0"]) == 2
    assert "say where it is with --data" in capsys.readouterr().err
    assert main(["train", *run, "--folds", "0", "--data", str(moved)]) == 0
    (moved / "dataset.json").unlink()
    add(moved, "zz_new.nii.gz")
    capsys.readouterr()
    assert main(["train", *run, "--folds", "1"]) == 2
    assert "1 new: zz_new" in capsys.readouterr().err
    assert main(["train", *run, "--folds", "1", "--accept-changes"]) == 0
    assert main(["evaluate", *run]) == 0


def test_runs_of_before_get_their_record_when_they_go_on(data, tiny_config, tmp_path):
    run = Run.create(tmp_path / "run", data, tiny_config)
    assert not run.cases_file.exists()
    splits = run.splits
    assert run.cases_file.is_file()
    assert Run(run.folder).splits == splits
    assert run.cache(Reporter()).cases.keys() == run.cases.keys()
