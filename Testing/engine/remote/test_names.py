"""What travels of names, and what comes back for them."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PureWindowsPath
from typing import Any

import pytest
import SimpleITK as sitk

from dints import InputError
from dints.data.datalist import DataList, read_datalist
from dints.data.record import DataRecord
from dints.events import Reporter
from dints.files.storage import read_json
from dints.remote.runs.home import bring_home, home_of
from dints.remote.runs.names import Names, below
from dints.remote.runs.parcel import Parcel
from dints.remote.runs.record import AwayRecord
from dints.run_layout import RunLayout

IDENTITY = "0123456789abcdef"
PATIENT = "Müller, Erika"
RECORD = AwayRecord("there", IDENTITY, "", {}, {})


@pytest.fixture
def patients(phantoms: Path, tmp_path: Path) -> DataList:
    """Three cases under the name of a patient, in a folder of that name."""
    folder = tmp_path / PATIENT
    listed = json.loads((phantoms / "dataset.json").read_text())
    for number, entry in enumerate(listed["training"][:3]):
        for kind in ("image", "label"):
            image = sitk.ReadImage(str(phantoms / entry[kind]))
            image.SetMetaData("0010|0010", PATIENT)
            (folder / f"{kind}s").mkdir(parents=True, exist_ok=True)
            sitk.WriteImage(image, folder / f"{kind}s" / f"{PATIENT} {number}.nrrd")
    (folder / "labels.json").write_text(json.dumps(listed["labels"]))
    return read_datalist(folder)


@pytest.fixture
def names(patients: DataList, tmp_path: Path) -> Names:
    return Names(home_of(tmp_path / "run", IDENTITY, Parcel(patients)), f"/there/runs/{IDENTITY}")


def test_neither_the_description_nor_the_files_hold_names(patients: DataList, tmp_path: Path) -> None:
    parcel = Parcel(replace(patients, dealt=tuple(case.name for case in patients.cases)))
    assert "ller" not in json.dumps(parcel.description(1), ensure_ascii=False)
    (tmp_path / "sent").mkdir()
    for files in parcel.files(tmp_path / "sent", Reporter()):
        assert [target.partition("/")[0] for target, _ in files] == ["images", "labels"]
        assert not [path for _, path in files if b"ller" in path.read_bytes() or "ller" in path.name]
    assert not list((tmp_path / "sent").iterdir())


def test_folds_and_cases_held_out_are_those_of_the_list(patients: DataList) -> None:
    first, second, third = (case.name for case in patients.cases)
    own = Parcel(replace(patients, folds=((second,), (first,)), held_out=(third,))).description(2)
    assert [(entry["fold"], len(entry["image"])) for entry in own["training"]] == [(1, 2), (0, 2)]
    (held_out,) = own["validation"]
    assert held_out["label"] == "labels/case-00002.mha"
    dealt = Parcel(replace(patients, dealt=(second, third, first))).description(1)
    assert [entry["dealt"] for entry in dealt["training"]] == [2, 0, 1]


def test_texts_have_the_names_of_here(names: Names, patients: DataList, tmp_path: Path) -> None:
    scan = patients.cases[1].images[0].absolute()
    said = {
        f"/there/runs/{IDENTITY}/data-{IDENTITY}/images/case-00001_0000.mha: is damaged": f"{scan}: is damaged",
        f"run-{IDENTITY}: has cases case-00000, case-00001": f"{tmp_path / 'run'}: has cases {PATIENT} 0, {PATIENT} 1",
        "evaluation/predictions/case-00002.nii.gz": f"evaluation/predictions/{PATIENT} 2.nii.gz",
        "mycase-00001, case-00001a, case-99999": "mycase-00001, case-00001a, case-99999",  # are none
    }
    assert {text: names.text(text) for text in said} == said
    assert names.value({"case-00000": [1, "case-00001"]}) == {f"{PATIENT} 0": [1, f"{PATIENT} 1"]}


def test_tables_are_written_with_the_names_of_here(names: Names, tmp_path: Path) -> None:
    table = tmp_path / "scores.csv"
    table.write_text("case,dice\ncase-00001,0.5\n", encoding="utf-8")
    names.file(table)
    with table.open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file))[1] == [f"{PATIENT} 1", "0.5"]  # though there is a comma in the name


@pytest.mark.parametrize("path", ["../.ssh/authorized_keys", "/etc/passwd", "a/../../b", "", 5])
def test_the_other_computer_names_no_file_outside_of_the_run(path: Any, names: Names, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no path within the run"):
        below(tmp_path, path)
    if isinstance(path, str):
        with pytest.raises(InputError, match="is no path within the run"):
            bring_home(RunLayout(tmp_path / "run"), RECORD, names, {path: (1, 1)}, True, lambda *_: True)


def test_nor_does_it_where_paths_have_other_separators(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dints.remote.runs.names.Path", PureWindowsPath)
    for path in ("a/b\\..\\..\\..\\c", "C:file", "C:/Windows"):
        with pytest.raises(InputError, match="is no path within the run"):
            below(PureWindowsPath("run"), path)
    assert below(PureWindowsPath("run"), "a/b.json") == PureWindowsPath("run/a/b.json")


def test_only_what_changed_is_fetched_and_the_run_counts_last(names: Names, tmp_path: Path) -> None:
    files = {name: (1, 1) for name in ("cases.json", "run.json", "search/checkpoint.pt", "config.yaml", "report.html")}
    files["remote.json"] = (1, 1)  # what a run of there would be by another
    record, asked = replace(RECORD, fetched={}), list[str]()

    def fetch(path: str, target: Path, mend: object) -> bool:
        asked.append(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
        return True

    def bring(everything: bool) -> list[str]:
        asked.clear()
        bring_home(RunLayout(tmp_path / "run"), record, names, files, everything, fetch)
        return list(asked)

    assert bring(False) == ["cases.json", "config.yaml", "run.json"]
    assert bring(True) == ["search/checkpoint.pt"]
    files["cases.json"] = (1, 2)
    assert bring(True) == ["cases.json"]
    (tmp_path / "run" / "config.yaml").unlink()
    assert bring(True) == ["config.yaml"]  # it was removed here


def test_cases_are_those_that_were_sent_whatever_became_of_them_here(names: Names, tmp_path: Path) -> None:
    cases = {f"{PATIENT} 1": [{"path": "1.nrrd", "size": 5, "modified": 7, "sha256": "00"}]}
    record, path = replace(RECORD, cases=cases, fetched={}), tmp_path / "there.json"
    path.write_text(json.dumps({"format": 1, "folds": [["case-00001"]], "cases": {"case-00001": []}}))

    def fetch(there: str, target: Path, mend: Callable[[Path], None]) -> bool:
        mend(path)
        return True

    bring_home(RunLayout(tmp_path / "run"), record, names, {"cases.json": (1, 1)}, False, fetch)
    found = DataRecord.from_mapping(read_json(path), str(path))
    assert found.folds == ((f"{PATIENT} 1",),)
    assert found.to_mapping()["cases"] == cases
