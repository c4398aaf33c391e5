"""Every problem of the data is shown at its case, whatever the case's files are called."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

SIZE = (8, 8, 8)


def write_image(path: Path, value: float = 1.0) -> None:
    """A slope that is another for each name, with one voxel of another value."""
    path.parent.mkdir(parents=True, exist_ok=True)
    voxels = np.arange(np.prod(SIZE), dtype=np.float32).reshape(SIZE)
    voxels[-1, -1, -1] += sum(path.name.encode())
    voxels[0, 0, 0] = value
    sitk.WriteImage(sitk.GetImageFromArray(voxels), str(path))


def write_label(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    voxels = np.zeros(SIZE, np.uint8)
    voxels[2:5, 2:5, 2:5] = 1
    sitk.WriteImage(sitk.GetImageFromArray(voxels), str(path))


def findings(panel: Any, folder: Path) -> dict[str, str]:
    """{first column: second column} of the table after a check of a data set by the engine."""
    from dints.data.check import check
    from dints.data.datalist import read_datalist
    from dints.files.storage import write_json

    run = folder / "run"
    write_json(run / "check.json", check(read_datalist(folder), 2).to_mapping())
    panel.parameters.runFolder, panel.parameters.dataFolder = str(run), str(folder)
    panel.refresh()
    table = panel.ui.casesTable
    rows = [[table.item(row, column).text() for column in range(2)] for row in range(table.rowCount)]
    assert len(dict(rows)) == len(rows)
    return dict(rows)


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd", ".NRRD"])
def test_an_error_is_shown_at_its_case_with_every_suffix(faked: Any, tmp_path: Path, suffix: str) -> None:
    for name in ("case1", "case10", "case.1.b", "case1_b"):  # names that begin with other names, and with points
        write_image(tmp_path / "images" / f"{name}{suffix}", np.nan if name in ("case10", "case.1.b") else 1.0)
        write_label(tmp_path / "labels" / f"{name}.seg.nrrd")
    found = findings(faked, tmp_path)
    assert {name for name, text in found.items() if "has 1 voxels that are NaN" in text} == {"case10", "case.1.b"}
    assert found["case1"] == found["case1_b"] == "fine"


def test_an_error_in_one_of_several_channels_is_shown_at_its_case(faked: Any, tmp_path: Path) -> None:
    for name in ("case2", "case20"):
        for channel in range(2):
            write_image(tmp_path / "images" / f"{name}_000{channel}.nii.gz", np.nan if name == "case2" else 1.0)
        write_label(tmp_path / "labels" / f"{name}.nii.gz")
    (tmp_path / "images" / "case2_0001.nii.gz").write_bytes(b"cut short")
    found = findings(faked, tmp_path)
    assert "cannot be read" in faked.ui.casesTable.item(list(found).index("case2"), 0).toolTip()
    assert found["case20"] == "fine"


def test_an_error_in_a_label_is_shown_at_its_case(faked: Any, tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_image(tmp_path / "images" / f"{name}.mha")
        write_label(tmp_path / "labels" / f"{name}.seg.nrrd")
    (tmp_path / "labels" / "b.seg.nrrd").write_bytes(b"cut short")
    found = findings(faked, tmp_path)
    assert "cannot be read" in found["b"]
    assert found["a"] == "fine"


def test_a_folder_of_dicom_files_that_cannot_be_read_has_a_line_with_its_name(faked: Any, tmp_path: Path) -> None:
    write_image(tmp_path / "images" / "scan.mha")
    for name in ("scan", "scan.2"):
        write_label(tmp_path / "labels" / f"{name}.mha")
    (tmp_path / "images" / "scan.2").mkdir()
    (tmp_path / "images" / "scan.2" / "1.dcm").write_bytes(b"cut short")
    found = findings(faked, tmp_path)
    assert found["scan.2"].startswith("\u2716")
    assert found["scan"] == "fine"


def test_problems_of_no_case_have_lines_of_their_own(faked: Any, tmp_path: Path) -> None:
    write_image(tmp_path / "images" / "a.mha")
    write_label(tmp_path / "labels" / "a.mha")
    write_label(tmp_path / "labels" / "a_b.mha")
    found = findings(faked, tmp_path)
    assert "has no image" in found["a_b.mha"]
    assert "too few for 2 folds" in found[tmp_path.name]
    assert list(found)[-1] == "a"


def test_what_an_older_check_left_is_still_shown(faked: Any, tmp_path: Path) -> None:
    from dints.files.storage import write_json

    problem = {"file": "x/a.mha", "reason": "is empty", "remedy": "look at it", "severity": "warning"}
    write_json(tmp_path / "check.json", {"cases": [], "problems": [problem]})
    faked.parameters.runFolder = str(tmp_path)
    assert faked.ui.casesTable.item(0, 1).text() == "\u26a0 is empty"


def test_what_was_taken_how_stands_in_lines_of_its_own(faked: Any, tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_image(tmp_path / "images" / f"{name}.mha")
        write_label(tmp_path / "labels" / f"{name}.mha")
    found = findings(faked, tmp_path)
    assert found["note 1"].startswith("\u2139 nothing names its label values 1: each is a structure of its own")
    row = list(found).index("note 1")
    assert "labels.yaml" in faked.ui.casesTable.item(row, 0).toolTip()
    assert row < list(found).index("a")


def test_what_versions_of_before_found_is_shown(faked: Any, tmp_path: Path) -> None:
    from dints.files.storage import write_json

    facts = {"name": "a", "size": [8, 8, 8], "spacing": [1, 1, 1], "label_volumes": {"1": 5.0}}
    write_json(tmp_path / "run" / "check.json", {"cases": [facts], "problems": []})
    faked.parameters.runFolder, faked.parameters.dataFolder = str(tmp_path / "run"), str(tmp_path)
    faked.refresh()
    assert faked.ui.casesTable.rowCount == 1
