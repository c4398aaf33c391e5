"""`dints check`: what it reads of the settings, and what it may write."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from dints import Config
from dints.cli import main
from dints.run import Run

CASES = 6  # with a label, of the phantoms


@pytest.mark.parametrize("way", ["--folds", "--set", "--config"])
def test_the_folds_are_those_of_the_settings_however_they_are_given(way, phantoms, tmp_path, capsys):
    def check(folds: int) -> int:
        file = tmp_path / "folds.yaml"
        file.write_text(f"training: {{folds: {folds}}}")
        given = {"--folds": str(folds), "--set": f"training.folds={folds}", "--config": str(file)}
        return main(["check", str(phantoms), way, given[way], "--settings", str(tmp_path / "settings.yaml")])

    assert check(CASES) == 0
    assert Config.load(tmp_path / "settings.yaml").training.folds == CASES
    capsys.readouterr()
    assert check(CASES + 1) == 2
    assert f"has {CASES} cases with labels, too few for {CASES + 1} folds" in capsys.readouterr().err


@pytest.mark.parametrize(("option", "name"), [("--settings", "config.yaml"), ("--output", "check.json")])
def test_the_files_of_a_run_stay_as_they_are(option, name, phantoms, tiny_config, tmp_path, capsys):
    run = Run.create(tmp_path / "run", phantoms, tiny_config)
    path = run.folder / name
    path.touch()
    before = path.read_bytes()
    assert main(["check", str(phantoms), option, str(path)]) == 2
    assert f"{path}: belongs to a run, which goes on as it began; write to another file" in capsys.readouterr().err
    assert path.read_bytes() == before


@pytest.mark.parametrize("option", ["--settings", "--output"])
@pytest.mark.parametrize(
    "name", ["dataset.json", "../data/dataset.json", "imagesTr/case_0.nii.gz", "labelsTr/case_1.nii.gz", "mine.yaml"]
)
def test_nothing_that_is_read_is_replaced_by_what_was_found(option, name, phantoms, tmp_path, capsys):
    data = Path(shutil.copytree(phantoms, tmp_path / "data"))
    (data / "mine.yaml").write_text("training: {folds: 2}")
    images = sorted(path.name for path in (data / "imagesTr").iterdir())
    path = data / name.replace("case_0.nii.gz", images[0]).replace("case_1.nii.gz", images[1])
    before = path.read_bytes()
    assert main(["check", str(data), option, str(path), "--config", str(data / "mine.yaml")]) == 2
    assert "would replace" in capsys.readouterr().err
    assert path.read_bytes() == before


@pytest.fixture
def ct_and_pet(tmp_path: Path) -> Path:
    """Four cases of CT in Hounsfield units, stored as fractions, and PET in standardised uptake values."""
    generator, folder = np.random.default_rng(0), tmp_path / "data"
    for name in ("imagesTr", "labelsTr"):
        (folder / name).mkdir(parents=True)
    for case in range(4):
        label = np.zeros((16, 16, 16), np.uint8)
        label[4:12, 4:12, 4:12] = 1
        ct = np.where(label, generator.normal(50, 10, label.shape), -1000.5)
        pet = np.where(label, generator.uniform(2, 7, label.shape), 0.3)
        for channel, voxels in enumerate((ct, pet)):
            image = sitk.GetImageFromArray(voxels.astype(np.float32))
            sitk.WriteImage(image, str(folder / "imagesTr" / f"c{case}_{channel:04d}.nii.gz"))
        sitk.WriteImage(sitk.GetImageFromArray(label), str(folder / "labelsTr" / f"c{case}.nii.gz"))
    names = {
        "channel_names": {"0": "CT", "1": "PET"},
        "labels": {"background": 0, "organ": 1},
        "file_ending": ".nii.gz",
    }
    (folder / "dataset.json").write_text(json.dumps(names))
    return folder


def test_what_was_taken_for_each_channel_is_said_and_written_to_the_settings(ct_and_pet, tmp_path, capsys):
    settings = tmp_path / "settings.yaml"
    assert main(["check", str(ct_and_pet), "--folds", "2", "--settings", str(settings)]) == 0
    said = capsys.readouterr().out
    preprocessing = Config.load(settings).preprocessing
    low, high = preprocessing.window_of(0)
    assert 0 < low < 50 < high < 100
    assert preprocessing.window_of(1) is None
    assert f"channel CT is scaled by the window {low:g} to {high:g}" in said
    assert "channel PET is scaled by the deviation of its non-zero voxels" in said


def test_scalings_that_are_given_are_said_in_place_of_those_of_the_data(ct_and_pet, capsys):
    given = ["--set", "preprocessing.intensity=window", "--set", "preprocessing.window=[[-100, 300], [0, 7]]"]
    assert main(["check", str(ct_and_pet), "--folds", "2", *given]) == 0
    said = capsys.readouterr().out
    assert "channel CT is scaled by the window -100 to 300" in said
    assert "channel PET is scaled by the window 0 to 7" in said
