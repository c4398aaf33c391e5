"""Which scan to correct next."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from dints import InputError
from dints.cli import main
from dints.data.datalist import read_datalist
from dints.events import Reporter
from dints.improvement.preview import preview_file, write_preview
from dints.improvement.rank import rank
from dints.inference.calibration import Calibration
from dints.model.model import load_model, save_model


@pytest.fixture
def scans(phantoms: Path, tmp_path: Path) -> Path:
    """Three scans without labels."""
    folder = tmp_path / "scans"
    folder.mkdir()
    for case in read_datalist(phantoms).cases[:3]:
        shutil.copy(case.images[0], folder)
    return folder


@pytest.fixture
def calibrated(first_model: Path, tmp_path: Path) -> Path:
    """The model with a calibration."""
    model = load_model(first_model)
    training = {**model.manifest.training, "calibration": Calibration(1.0, -0.05, 0.04, 12).to_mapping()}
    weights = [network.state_dict() for network in model.networks]
    return save_model(tmp_path / "calibrated.zip", replace(model.manifest, training=training), weights).path


def test_the_table_has_the_least_sure_first_and_the_proposals_are_there(scans, calibrated, tmp_path, capsys):
    out = tmp_path / "out"
    command = ["rank", "--model", str(calibrated), "--input", str(scans), "--output", str(out), "--device", "cpu"]
    assert main([*command, "--events"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (result,) = [own["values"] for own in events if own.get("name") == "ranking"]
    assert sum(own.get("name") == "ranked" for own in events) == 3
    assert result["error"] == 0.04
    predicted = [row["predicted_dice"] for row in result["cases"]]
    assert predicted == sorted(predicted)
    assert all(Path(row["proposal"]).is_file() for row in result["cases"])
    assert all(preview_file(Path(row["proposal"])).is_file() for row in result["cases"])
    with (out / "ranking.csv").open() as file:
        assert [row["case"] for row in csv.DictReader(file)] == [row["case"] for row in result["cases"]]
    assert main(command) == 0
    assert "predicted Dice" in capsys.readouterr().out


def test_what_is_ranked_already_is_kept_and_what_is_new_is_added(scans, first_model, tmp_path):
    model, out = load_model(first_model), tmp_path / "out"
    moved = next(scans.iterdir()).rename(tmp_path / "later.nii.gz")
    first = rank(model, scans, out, "cpu", Reporter())
    times = {path.name: path.stat().st_mtime_ns for path in out.glob("*.nii.gz")}
    moved.rename(scans / moved.name)
    second = rank(model, scans, out, "cpu", Reporter())
    assert {row["case"] for row in second} == {*(row["case"] for row in first), "later"}
    assert all((out / name).stat().st_mtime_ns == time for name, time in times.items())
    assert [row["predicted_dice"] for row in second] == [None] * 3


def test_a_scan_that_cannot_be_read_does_not_keep_the_others_from_the_table(scans, first_model, tmp_path, capsys):
    (scans / "broken.nii.gz").write_bytes(b"nothing")
    command = ["rank", "--model", str(first_model), "--input", str(scans), "--output", str(tmp_path / "out")]
    assert main(command) == 1
    assert "1 of 4 scans were not segmented" in capsys.readouterr().err
    assert len(json.loads((tmp_path / "out" / "ranking.json").read_text())["cases"]) == 3


def test_an_empty_folder_is_refused(first_model, tmp_path):
    with pytest.raises(InputError, match="holds no images"):
        rank(load_model(first_model), tmp_path, tmp_path / "out", "cpu", Reporter())


def test_a_result_of_segment_carries_its_predicted_dice(scans, calibrated, tmp_path, capsys):
    image = next(scans.iterdir())
    command = ["segment", "--model", str(calibrated), "--input", str(image), "--output", str(tmp_path / "o.nii.gz")]
    assert main([*command, "--events"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (values,) = [own["values"] for own in events if own["event"] == "result"]
    assert 0 <= values["predicted_dice"] <= 1
    assert (values["error"], values["disagreement"] is not None) == (0.04, True)
    assert values["computed"] == values["windows"] > 0  # it has no safety bound


@pytest.mark.parametrize("content", ["[", "[3]", '{"model": MODEL}', '{"model": MODEL, "cases": [{"case": "a"}]}'])
def test_a_damaged_ranking_is_said_and_made_again(scans, first_model, tmp_path, listener, content):
    model, out = load_model(first_model), tmp_path / "out"
    out.mkdir()
    (out / "ranking.json").write_text(content.replace("MODEL", json.dumps(model.manifest.reference)))
    assert len(rank(model, scans, out, "cpu", listener)) == 3
    (said,) = [text for text in listener.said if "ranking.json" in text]
    assert said.endswith("all scans are ranked again")


def test_a_ranking_by_another_model_is_made_again_without_a_warning(scans, first_model, tmp_path, listener):
    model, out = load_model(first_model), tmp_path / "out"
    out.mkdir()
    (out / "ranking.json").write_text('{"model": {"id": "another"}, "cases": []}')
    assert len(rank(model, scans, out, "cpu", listener)) == 3
    assert not [text for text in listener.said if "ranking.json" in text]


def test_a_preview_shows_the_slice_with_most_labels(tmp_path):
    voxels = np.random.default_rng(0).normal(100, 20, (6, 40, 20)).astype(np.float32)
    labels = np.zeros(voxels.shape, np.uint8)
    labels[4, 10:30, 5:15] = 2
    image, proposal = sitk.GetImageFromArray(voxels), sitk.GetImageFromArray(labels)
    for volume in (image, proposal):
        volume.SetSpacing((2, 1, 5))
    write_preview(image, proposal, tmp_path / "case.png")
    picture = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "case.png")))
    assert picture.shape == (160, 160, 3)  # 40 x 40 mm
    coloured = np.ptp(picture.astype(int), -1) > 0
    assert coloured[80, 80]
    assert not coloured[:38].any()
    assert np.isclose(coloured.mean(), 20 * 20 / 40**2, atol=0.01)


def test_a_preview_of_one_value_without_labels_can_be_made(tmp_path):
    image = sitk.Image(4, 5, 6, sitk.sitkFloat32)
    write_preview(image, sitk.Cast(image, sitk.sitkUInt8), tmp_path / "case.png")
    assert (tmp_path / "case.png").is_file()
