"""Labels that were damaged on purpose are found, with the reason and the place."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from dints import Config, InputError
from dints.cli import main
from dints.data.images import write_image
from dints.evaluation.evaluate import ScoreRow, write_scores
from dints.events import Reporter
from dints.files.storage import write_json
from dints.improvement.differences import most_different_place
from dints.improvement.suspects import find_suspects, unusually_low
from dints.run import Run

LABELS = {0: "background", 1: "left kidney", 2: "right kidney", 3: "spleen"}
SPACING = (1.0, 1.0, 2.0)


def truth(seed: int) -> np.ndarray:
    """Two kidneys and a spleen [Z, Y, X], a little different in each case."""
    voxels = np.zeros((20, 24, 32), np.uint8)
    a, b = seed % 3, seed % 2
    voxels[4 : 12 + a, 4:12, 2 : 9 + b] = 1
    voxels[4 : 12 + a, 4:12, 20 : 27 + b] = 2
    voxels[4:10, 15:21, 10 : 16 + a] = 3
    return voxels


def seen(voxels: np.ndarray, seed: int) -> np.ndarray:
    """What a good network finds: all but some voxels of the outline."""
    found = voxels.copy()
    found[np.random.default_rng(seed).random(voxels.shape) < 0.02] = 0
    return found


def moved(voxels: np.ndarray) -> np.ndarray:
    return np.roll(voxels, (0, 3, 4), (0, 1, 2))


DAMAGES = {
    "side exchanged": lambda voxels: np.array([0, 2, 1, 3], np.uint8)[voxels],
    "labels exchanged": lambda voxels: np.array([0, 1, 3, 2], np.uint8)[voxels],
    "label missing": lambda voxels: np.where(voxels == 3, 0, voxels).astype(np.uint8),
    "shifted": moved,
    "another protocol": lambda voxels: np.where((voxels == 1) & (np.arange(20)[:, None, None] > 7), 0, voxels),
}


@pytest.fixture
def run(tiny_config: Config, tmp_path: Path) -> Run:
    """Twelve cases, of which each of the first has a label that was damaged in one way."""
    data, folder = tmp_path / "data", tmp_path / "run"
    predictions = {}
    for seed in range(12):
        name = f"case{seed:02d}"
        label = truth(seed)
        predictions[name] = seen(label, seed)
        damage = list(DAMAGES.values())[seed] if seed < len(DAMAGES) else lambda voxels: voxels
        for place, voxels in (("images", label.astype(np.float32)), ("labels", damage(label).astype(np.uint8))):
            image = sitk.GetImageFromArray(voxels)
            image.SetSpacing(SPACING)
            image.SetOrigin((5, 6, 7))
            write_image(image, data / place / f"{name}.nii.gz")
    write_json(data / "labels.json", {str(value): name for value, name in LABELS.items()})
    values = tiny_config.to_mapping()
    values["task"] |= {"labels": LABELS}
    run = Run.create(folder, data, Config.from_mapping(values))
    for name, voxels in predictions.items():
        image = sitk.GetImageFromArray(voxels)
        image.CopyInformation(sitk.ReadImage(str(data / "images" / f"{name}.nii.gz")))
        write_image(image, run.prediction_file(name))
    rows = [ScoreRow(name, 0, 1, "left kidney", {"dice": 1.0}) for name in predictions]
    write_scores(run.evaluation_folder, rows, list(run.cases.values()))
    return run


def test_each_damage_is_found_with_its_reason_and_nothing_else(run):
    found = {suspect.case: suspect.reason for suspect in find_suspects(run, Reporter())}
    assert found == {f"case{number:02d}": reason for number, reason in enumerate(DAMAGES)}


def test_a_suspect_says_where_to_look(run):
    (suspect,) = [own for own in find_suspects(run, Reporter()) if own.reason == "label missing"]
    i, j, k = suspect.voxel
    assert truth(2)[k, j, i] == 3
    assert suspect.world == pytest.approx((-(5 + i), -(6 + j), 7 + 2 * k))
    assert Path(suspect.label_file).is_file()
    assert Path(suspect.prediction).is_file()
    assert (suspect.dice, suspect.label) == (0, "spleen")
    assert suspect.expected_dice > 0.9


def test_the_command_lists_the_worst_first_and_keeps_the_list(run, capsys):
    assert main(["suspects", "--run", str(run.folder), "--most", "3", "--events"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (values,) = [own["values"] for own in events if own.get("name") == "suspects"]
    deviations = [own["deviations"] for own in values["suspects"]]
    assert len(deviations) == 3
    assert deviations == sorted(deviations, reverse=True)
    assert json.loads(Path(values["path"]).read_text())["suspects"] == values["suspects"]
    assert main(["suspects", "--run", str(run.folder)]) == 0
    assert "case00: side exchanged: what was found as" in capsys.readouterr().out


def test_without_a_cross_validation_it_says_what_to_do(run):
    run.scores_file.unlink()
    with pytest.raises(InputError, match=r"has no cross-validation yet; `dints evaluate --run"):
        find_suspects(run, Reporter())


def test_small_structures_are_not_suspected_for_being_small():
    volumes = np.geomspace(10, 10_000, 30)
    scores = 0.5 + 0.06 * np.log1p(volumes) / np.log(3)
    scores[20] = 0.5
    _, below = unusually_low(scores, volumes)
    assert [index for index, own in enumerate(below) if own > 3] == [20]


def test_the_place_of_a_ring_lies_in_it():
    ring = np.zeros((5, 9, 9), bool)
    ring[2, 1:8, 1:8] = True
    ring[2, 2:7, 2:7] = False
    (i, j, k), _ = most_different_place(ring, np.zeros_like(ring), sitk.GetImageFromArray(ring.astype(np.uint8)))
    assert ring[k, j, i]
