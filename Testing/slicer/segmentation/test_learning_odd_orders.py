"""Correct and learn as nobody meant it to be used: in other orders, twice, with other nodes and changed data."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .fake_engine import TELLTALE, FakeProcess


def begin_to_improve(host: Any, panel: Any, processes: list[FakeProcess], folder: Path, cases: int = 3) -> FakeProcess:
    folder.mkdir(exist_ok=True)
    (folder / "dataset.json").write_text(json.dumps({"training": [{}] * cases, "validation": [{}]}))
    panel.ui.dataSetEdit.currentPath = str(folder)
    panel.panel.update()
    count = len(processes)
    host.click(panel.ui.improveButton)
    host.wait_until(lambda: len(processes) > count)
    return processes[-1]


@pytest.fixture
def second_version(corrected: Any) -> Any:
    """The panel with two versions of its model, the second one chosen."""
    models = corrected.panel.models
    first = models.chosen
    models.entries = [first, replace(first, file="body-v2.zip", path=f"{first.path}2", version=2)]
    models.choose(models.entries[1].path)
    return corrected


def test_versions_stay_while_the_section_is_at_work(
    host: Any, second_version: Any, processes: list[FakeProcess], tmp_path: Path
) -> None:
    panel = second_version
    process = begin_to_improve(host, panel, processes, tmp_path / "corrections")
    assert host.is_shown(panel.ui.backButton)
    assert not panel.ui.backButton.enabled
    process.finish("improvement", {"sentence": "Better.", "path": "new.zip", "forgetting": None})
    assert panel.ui.useButton.enabled
    host.click(panel.ui.useButton)
    assert not panel.ui.useButton.enabled
    assert not panel.ui.improveButton.enabled


def test_a_version_that_is_put_to_use_while_another_module_is_shown_is_chosen_later(
    host: Any, corrected: Any, processes: list[FakeProcess], install: Any, models_folder: Path, tmp_path: Path
) -> None:
    process = begin_to_improve(host, corrected, processes, tmp_path / "corrections")
    process.finish("improvement", {"sentence": "Better.", "path": "hippocampus.zip", "forgetting": None})
    host.click(corrected.ui.useButton)
    host.wait_until(lambda: processes[-1].arguments[:2] == ["models", "install"])
    corrected.exit()
    install("hippocampus.zip")
    processes[-1].finish()
    corrected.enter()
    assert corrected.panel.models.chosen.file == "hippocampus.zip"


def test_an_offer_outlives_an_improvement_that_did_not_come_about(
    host: Any, corrected: Any, processes: list[FakeProcess], tmp_path: Path
) -> None:
    process = begin_to_improve(host, corrected, processes, tmp_path / "corrections")
    process.finish("improvement", {"sentence": "Better.", "path": "new.zip", "forgetting": None})
    begin_to_improve(host, corrected, processes, tmp_path / "corrections")
    processes[-1].finish(code=1, sentence="No memory.")
    assert host.is_shown(corrected.ui.useButton)


def test_what_is_at_work_when_the_panel_goes_is_forgotten(
    host: Any, corrected: Any, processes: list[FakeProcess], tmp_path: Path
) -> None:
    process = begin_to_improve(host, corrected, processes, tmp_path / "corrections")
    corrected.cleanup()
    assert process.isForgotten


def test_an_improvement_goes_on_with_the_same_data_alone(
    host: Any, corrected: Any, processes: list[FakeProcess], tmp_path: Path
) -> None:
    """The engine refuses to go on with other data: more cases after a version that was worse were a dead end."""
    runs = []
    for folder, cases in ((tmp_path / "a", 3), (tmp_path / "a", 3), (tmp_path / "a", 4), (tmp_path / "b", 4)):
        process = begin_to_improve(host, corrected, processes, folder, cases)
        runs.append(process["--run"])
        process.finish("improvement", {"sentence": "Worse.", "path": None, "forgetting": None})
    assert runs[0] == runs[1]
    assert len(set(runs)) == 3


def test_a_version_that_was_not_put_to_use_is_offered_again_and_not_made_again(
    host: Any, corrected: Any, processes: list[FakeProcess], install: Any, tmp_path: Path
) -> None:
    process = begin_to_improve(host, corrected, processes, tmp_path / "corrections")
    values = {"sentence": "Better.", "path": str(tmp_path / "hippocampus.zip"), "forgetting": None}
    Path(process["--run"]).mkdir(parents=True)
    Path(process["--run"], "improvement.json").write_text(json.dumps(values))
    Path(values["path"]).write_bytes(b"")
    corrected.panel.learn.close()  # as when the application ended just then
    corrected.panel.learn.task = None
    corrected.panel.update()
    host.click(corrected.ui.improveButton)
    assert corrected.ui.learnLabel.text == "Better."
    assert len(processes) == 1
    install("hippocampus.zip")
    corrected.panel.models.refresh("body.zip")
    host.click(corrected.ui.useButton)
    assert corrected.panel.models.chosen.file == "hippocampus.zip"
    assert len(processes) == 1  # it was installed already


def test_why_nothing_can_be_added_stands_beside_what_was_done(
    host: Any, corrected: Any, processes: list[FakeProcess]
) -> None:
    host.click(corrected.ui.addButton)
    host.wait_until(lambda: processes)
    processes[0].finish("case", {"case": "0001", "held_out": False, "replaced": False})
    corrected.panel.parameters.segmentation = None
    host.wait_until(lambda: "corrected." in corrected.ui.learnLabel.text)
    assert corrected.ui.learnLabel.text == (
        "Case 0001 is added, to learn from. Choose the segmentation that was corrected."
    )


def test_the_data_set_is_chosen_once_for_all_scenes(
    host: Any, corrected: Any, processes: list[FakeProcess], tmp_path: Path
) -> None:
    import slicer

    host.click(corrected.ui.addButton)
    host.wait_until(lambda: processes)
    processes[0].finish("case", {"case": "0001", "held_out": False, "replaced": False})
    slicer.mrmlScene.Clear(False)
    host.process_events()
    corrected.enter()
    assert corrected.panel.parameters.dataSet == str(tmp_path / "corrections")
    assert corrected.ui.dataSetEdit.currentPath == str(tmp_path / "corrections")


def test_a_folder_that_is_not_there_is_said_before_another_data_set_is_begun(
    host: Any, corrected: Any, tmp_path: Path
) -> None:
    assert corrected.ui.learnLabel.text == f"{tmp_path / 'corrections'} is not there; a new data set will be made."
    (tmp_path / "corrections").mkdir()
    corrected.panel.update()
    assert corrected.ui.learnLabel.text == ""


def rename(panel: Any, ct: Any) -> None:
    segments = panel.panel.parameters.segmentation.GetSegmentation()
    segments.GetSegment("kidney").SetName("New  FINDING")


def move_to_another_volume(panel: Any, ct: Any) -> None:
    import slicer

    other = slicer.util.addVolumeFromArray(np.zeros((8, 8, 8)), name=ct.GetName())
    panel.panel.parameters.segmentation.SetReferenceImageGeometryParameterFromVolumeNode(other)


@pytest.mark.parametrize(
    ("change", "reason"),
    [(rename, "has two segments"), (move_to_another_volume, f"is of another volume, “{TELLTALE}”")],
)
def test_what_cannot_be_told_apart_is_not_added(
    host: Any, corrected: Any, ct: Any, change: Callable[[Any, Any], None], reason: str
) -> None:
    change(corrected, ct)
    corrected.panel.update()
    assert not corrected.ui.addButton.enabled
    assert reason in corrected.ui.learnLabel.text


def test_segments_that_got_names_of_their_own_can_be_added(host: Any, corrected: Any, ct: Any) -> None:
    rename(corrected, ct)
    host.wait_until(lambda: not corrected.ui.addButton.enabled)
    corrected.panel.parameters.segmentation.GetSegmentation().GetSegment("kidney").SetName("kidney")
    host.wait_until(lambda: corrected.ui.addButton.enabled)


def overlap(panel: Any, ct: Any) -> None:
    import slicer

    segmentation = panel.panel.parameters.segmentation
    segmentation.GetSegmentation().SeparateSegmentLabelmap("kidney")
    voxels = slicer.util.arrayFromSegmentBinaryLabelmap(segmentation, "new\nfinding", ct)
    slicer.util.updateSegmentBinaryLabelmapFromArray(voxels, segmentation, "kidney", ct)


def shift(panel: Any, ct: Any) -> None:
    import slicer
    import vtk

    transform, matrix = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode"), vtk.vtkMatrix4x4()
    matrix.SetElement(0, 3, 5000.0)
    transform.SetMatrixTransformToParent(matrix)
    panel.panel.parameters.segmentation.SetAndObserveTransformNodeID(transform.GetID())


@pytest.mark.parametrize(("change", "reason"), [(overlap, " overlap in 8 voxels"), (shift, "lies beside the volume")])
def test_voxels_that_would_be_lost_are_said_and_nothing_is_added(
    host: Any, corrected: Any, ct: Any, processes: list[FakeProcess], change: Callable[[Any, Any], None], reason: str
) -> None:
    change(corrected, ct)
    host.click(corrected.ui.addButton)
    host.wait_until(lambda: corrected.panel.learn.task is None)
    assert reason in corrected.ui.learnLabel.text
    assert not processes


def test_a_segment_is_what_its_name_says_whatever_the_ids_of_others(
    host: Any, corrected: Any, ct: Any, processes: list[FakeProcess]
) -> None:
    import SimpleITK as sitk

    segmentation = corrected.panel.parameters.segmentation
    segmentation.GetSegmentation().GetSegment("kidney").SetName("Liver")
    segmentation.GetSegmentation().GetSegment("new\nfinding").SetName("kidney")
    segmentation.GetSegmentation().AddEmptySegment("left over", "left over")
    host.click(corrected.ui.addButton)
    host.wait_until(lambda: processes)
    label = sitk.ReadImage(processes[0]["--labels"])
    names = {label.GetMetaData(key) for key in label.GetMetaDataKeys() if key.endswith("_Name")}
    assert names == {"Liver", "kidney"}  # nobody drew what is left over
    assert (label[3, 3, 3], label[6, 6, 6]) == (1, 2)


def test_what_is_handed_to_the_engine_is_in_the_folder_that_the_next_start_clears(
    host: Any, corrected: Any, processes: list[FakeProcess]
) -> None:
    from DiNTSLib.temporary import _ownFolder

    host.click(corrected.ui.addButton)
    host.wait_until(lambda: processes)
    assert Path(processes[0]["--image"]).is_relative_to(_ownFolder())
