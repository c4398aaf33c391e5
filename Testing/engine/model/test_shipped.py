"""The model that comes with the engine: found without any set-up, small, described, and as good as it says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import SimpleITK as sitk

from dints.data.images import read_channels, read_label
from dints.events import Reporter
from dints.inference.predictor import Predictor
from dints.model.folder import SHIPPED_FOLDER
from dints.model.installed import find_model
from dints.model.model import load_model

NAME = "hippocampus-mr"
MOST_BYTES = 25_000_000
GOOD_DICE = 0.8  # cross-validation has a mean of 0.87 and more; single scans may lie below
DATA = Path(__file__).parents[4] / "shared" / "data"


class Listening(Reporter):
    """Keeps what it is warned of."""

    def __init__(self) -> None:
        super().__init__()
        self.warnings: list[str] = []

    def warning(self, text: str) -> None:
        self.warnings.append(text)


@pytest.fixture(autouse=True)
def no_shipped_models() -> None:
    """Leaves them in the list, in place of the fixture of all tests that takes them out."""


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return load_model(find_model(NAME)).predictor("cpu")


def test_it_is_found_without_any_set_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    command = [sys.executable, "-m", "dints", "models"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert NAME in listed


def test_it_is_small_and_holds_five_networks() -> None:
    path = find_model(NAME)
    assert path.parent == SHIPPED_FOLDER
    assert path.stat().st_size <= MOST_BYTES
    assert len(load_model(path).networks) == 5


def test_its_card_says_what_it_is_and_what_it_is_not() -> None:
    notes = load_model(find_model(NAME)).manifest.notes
    for words in ("CC-BY-SA 4.0", "arXiv:1902.09063", "Anterior", "Posterior", "not for clinical decisions", "1 mm"):
        assert words in notes, words


def test_it_segments_real_scans(predictor: Predictor) -> None:
    """Most of these scans were in the training of four of the five networks; what is tested is that it works at all."""
    folder = DATA / "Task04_Hippocampus"
    if not folder.is_dir():
        pytest.skip(f"no data in {folder}")
    cases = json.loads((folder / "dataset.json").read_text())["training"][:3]
    for case in cases:
        heard = Listening()
        labels = predictor.predict(read_channels([folder / case["image"]]), heard).labels
        found, wanted = (sitk.GetArrayFromImage(image) for image in (labels, read_label(folder / case["label"])))
        for value in (1, 2):
            both = ((found == value) & (wanted == value)).sum()
            assert 2 * both / ((found == value).sum() + (wanted == value).sum()) > GOOD_DICE
        assert not heard.warnings


@pytest.mark.parametrize("name", ["ct/example_ct.nii.gz", "mr/example_mr.nii.gz"])
def test_a_scan_of_another_kind_is_segmented_with_a_warning(predictor: Predictor, name: str) -> None:
    if not (DATA / name).is_file():
        pytest.skip(f"no {DATA / name}")
    heard = Listening()
    corner = (0, 0, 0), (20, 20, 20)  # the warning counts
    predictor.predict(read_channels([DATA / name]), heard, folds=[0], region=corner)
    (warning,) = heard.warnings
    assert "spacing" in warning
    assert "size" in warning


def test_scans_upside_down_are_seldom_segmented_silently(predictor: Predictor) -> None:
    """Their spacing, size and intensities are as they should be; the volumes of what is found mostly are not."""
    folder = DATA / "Task04_Hippocampus"
    if not folder.is_dir():
        pytest.skip(f"no data in {folder}")
    cases = json.loads((folder / "dataset.json").read_text())["training"][:4]
    heard = Listening()
    for case in cases:
        (scan,) = read_channels([folder / case["image"]])
        upside_down = sitk.GetImageFromArray(sitk.GetArrayFromImage(scan)[::-1])
        upside_down.CopyInformation(scan)
        predictor.predict([upside_down], heard)
    assert len(heard.warnings) >= len(cases) - 1
    assert all("in training" in warning for warning in heard.warnings)
