"""Pairs of volume and segmentation of the scene that become a data set."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest


def test_pairs_of_the_scene_become_a_data_set(faked: Any, host: Any, tmp_path: Path) -> None:
    import SimpleITK as sitk
    import slicer

    from dints.data.datalist import read_datalist

    add_pair(slicer, "CT 1", ["liver"])
    add_pair(slicer, "CT 2", ["spleen", "liver"])
    faked.parameters.dataFolder = str(tmp_path / "exported")
    host.click(faked.ui.pairsButton)
    for name in ("CT 1", "CT 2"):
        host.choose(faked.ui.imageSelector, name)
        host.choose(faked.ui.segmentationSelector, f"{name} segments")
        host.click(faked.ui.addPairButton)
    host.click(faked.ui.exportPairsButton)
    assert faked.isBusy
    host.wait_until(lambda: not faked.isBusy)
    assert faked.data.error == ""
    assert faked.ui.statusLabel.text == "2 cases were written."
    datalist = read_datalist(tmp_path / "exported")
    assert datalist.labels == {0: "background", 1: "liver", 2: "spleen"}
    assert [case.name for case in datalist.cases] == ["CT_1", "CT_2"]
    label = sitk.GetArrayFromImage(sitk.ReadImage(str(datalist.cases[1].label)))
    assert set(np.unique(label)) == {0, 1, 2}


def test_a_pair_whose_node_is_deleted_is_dropped(faked: Any, host: Any) -> None:
    import slicer

    volume = add_pair(slicer, "CT 1", ["liver"])
    faked.ui.imageSelector.setCurrentNode(volume)
    faked.ui.segmentationSelector.setCurrentNode(slicer.util.getNode("CT 1 segments"))
    host.click(faked.ui.pairsButton)
    host.click(faked.ui.addPairButton)
    host.click(faked.ui.addPairButton)  # a second time it is the same case
    assert faked.ui.pairsTable.rowCount == 1
    slicer.mrmlScene.RemoveNode(volume)
    faked.refresh()
    assert faked.ui.pairsTable.rowCount == 0


@pytest.fixture
def exporting(faked: Any, host: Any, tmp_path: Path) -> Any:
    """The panel just after it began to write two pairs."""
    import slicer

    faked.parameters.dataFolder = str(tmp_path / "exported")
    for name in ("CT 1", "CT 2"):
        volume = add_pair(slicer, name, ["liver"])
        faked.data.pairs.append((volume.GetID(), slicer.util.getNode(f"{name} segments").GetID()))
    faked.data.refreshPairs()
    host.click(faked.ui.pairsButton)
    host.click(faked.ui.exportPairsButton)
    return faked


def test_a_stopped_export_leaves_nothing(
    exporting: Any, host: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from DiNTSSearchLib import pairs

    stopped, write = threading.Event(), pairs.writeLabels

    def write_when_stopped(path: Path, *arguments: Any) -> None:
        if path.stem == "CT_2":
            stopped.wait(60)
        write(path, *arguments)

    monkeypatch.setattr(pairs, "writeLabels", write_when_stopped)
    host.wait_until(lambda: exporting.ui.progressBar.value == 1)
    host.click(exporting.ui.stopButton)
    stopped.set()
    host.wait_until(lambda: not exporting.isBusy)
    assert exporting.ui.statusLabel.text == "Stopped."
    assert list((tmp_path / "exported").glob("*")) == []


def test_a_pair_that_is_deleted_while_it_is_written_says_so(exporting: Any, host: Any, tmp_path: Path) -> None:
    import slicer

    slicer.mrmlScene.RemoveNode(slicer.util.getNode("CT 2"))
    host.wait_until(lambda: not exporting.isBusy)
    assert "was deleted meanwhile" in exporting.ui.reasonLabel.text
    assert list((tmp_path / "exported").glob("*")) == []


def add_pair(slicer: Any, name: str, segments: list[str]) -> Any:
    """A volume and a segmentation with one cube for each name."""
    volume = slicer.util.addVolumeFromArray(np.zeros((8, 8, 8), np.int16), name=name)
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", f"{name} segments")
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    for number, segment in enumerate(segments):
        identifier = node.GetSegmentation().AddEmptySegment(segment, segment)
        cube = np.zeros((8, 8, 8), np.uint8)
        cube[2 * number : 2 * number + 2] = 1
        slicer.util.updateSegmentBinaryLabelmapFromArray(cube, node, identifier, volume)
    return volume


def test_two_segments_of_one_name_are_one_label_too_many(host: Any, faked: Any, tmp_path: Path) -> None:
    import slicer
    from DiNTSSearchLib.pairs import PairsExport

    volume = add_pair(slicer, "CT 1", ["liver", "Liver"])
    with pytest.raises(ValueError, match="two segments Liver"):
        PairsExport([(volume, slicer.util.getNode("CT 1 segments"))], tmp_path / "exported")


def draw_over(slicer: Any, segmentation: Any, volume: Any) -> None:
    """A second segment where the first one is."""
    segmentation.GetSegmentation().AddEmptySegment("tumour", "tumour")
    segmentation.GetSegmentation().SeparateSegmentLabelmap("tumour")
    voxels = slicer.util.arrayFromSegmentBinaryLabelmap(segmentation, "liver", volume)
    slicer.util.updateSegmentBinaryLabelmapFromArray(voxels, segmentation, "tumour", volume)


def move_away(slicer: Any, segmentation: Any, volume: Any) -> None:
    matrix = np.eye(4)
    matrix[0, 3] = 1000
    volume.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(matrix))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (draw_over, "CT_1: “liver” and “tumour” overlap in 128 voxels"),
        (move_away, "CT_1: The segmentation lies beside"),
    ],
)
def test_a_pair_that_would_lose_voxels_is_said_and_nothing_is_written(
    faked: Any, host: Any, tmp_path: Path, change: Any, reason: str
) -> None:
    """A voxel got the label of the later segment, and a segmentation of another place became an empty label."""
    import slicer
    from DiNTSSearchLib.pairs import PairsExport, PairsProcess

    volume = add_pair(slicer, "CT 1", ["liver"])
    segmentation, ended = slicer.util.getNode("CT 1 segments"), []
    change(slicer, segmentation, volume)
    export = PairsExport([(volume, segmentation)], tmp_path / "exported")
    process = PairsProcess(export, lambda event: None, lambda code, text: ended.append((code, text)))
    process.start()
    process.waitForFinished()
    assert ended[0][0] == 1
    assert ended[0][1].startswith(reason)
    assert list((tmp_path / "exported").glob("*")) == []


def test_an_export_for_which_memory_does_not_do_ends_and_leaves_nothing(
    exporting: Any, host: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The panel stayed at work for good."""
    from DiNTSSearchLib import pairs

    def fail(*arguments: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(pairs, "writeLabels", fail)
    host.wait_until(lambda: not exporting.isBusy)
    assert exporting.ui.reasonLabel.text == "MemoryError"
    assert list((tmp_path / "exported").glob("*")) == []
