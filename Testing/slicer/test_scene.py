"""Volumes and segmentations to files and back: geometry, names, colours, terminology, place in the hierarchy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

LABELS = {1: "liver", 2: "left kidney", 5: "thing"}
SPACING = np.diag([1.5, 2.0, 3.0])  # mm
DIRECTIONS = np.array([[0.0, -0.8, 0.6], [1.0, 0.0, 0.0], [0.0, 0.6, 0.8]])
OBLIQUE = np.vstack([np.column_stack([DIRECTIONS @ SPACING, [5.0, -6.0, 70.0]]), [0, 0, 0, 1]])


@pytest.fixture
def volume(host: Any) -> Any:
    import slicer

    voxels = np.arange(3 * 4 * 5, dtype=np.int16).reshape(3, 4, 5)
    node = slicer.util.addVolumeFromArray(voxels, name="Scan")
    node.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(OBLIQUE))
    return node


@pytest.fixture
def labels() -> np.ndarray:
    """[k, j, i]; 2 is declared but nowhere."""
    voxels = np.zeros((3, 4, 5), np.uint8)
    voxels[1, 1:3, 2] = 1
    voxels[2, 3, 4] = 5
    return voxels


@pytest.fixture
def label_file(volume: Any, labels: np.ndarray, tmp_path: Path) -> Path:
    """As the engine writes it: on the grid of the exported scan."""
    from DiNTSLib.scene import exportVolume

    exportVolume(volume, tmp_path / "scan.nrrd")
    image = sitk.GetImageFromArray(labels)
    image.CopyInformation(sitk.ReadImage(tmp_path / "scan.nrrd"))
    sitk.WriteImage(image, tmp_path / "labels.nii.gz")
    return tmp_path / "labels.nii.gz"


@pytest.fixture
def segmentation(host: Any) -> Any:
    import slicer

    return slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Result")


def segments(node: Any) -> list[Any]:
    segmentation = node.GetSegmentation()
    return [segmentation.GetNthSegment(index) for index in range(segmentation.GetNumberOfSegments())]


@pytest.mark.parametrize("kind", ["int16", "uint8", "uint16", "int32", "float32", "float64"])
def test_an_exported_volume_is_read_with_its_voxels_and_place(volume: Any, tmp_path: Path, kind: str) -> None:
    import slicer

    from DiNTSLib.scene import exportVolume, importVolume

    voxels = slicer.util.arrayFromVolume(volume).astype(kind)
    slicer.util.updateVolumeFromArray(volume, voxels)
    exportVolume(volume, tmp_path / "ä b.nrrd")
    node = importVolume(tmp_path / "ä b.nrrd", "Again")
    assert node.GetName() == "Again"
    assert np.array_equal(slicer.util.arrayFromVolume(node), voxels)
    matrix = slicer.util.vtkMatrixFromArray(np.eye(4))
    node.GetIJKToRASMatrix(matrix)
    assert slicer.util.arrayFromVTKMatrix(matrix) == pytest.approx(OBLIQUE, abs=1e-6)
    image = sitk.ReadImage(tmp_path / "ä b.nrrd")
    assert sitk.GetArrayFromImage(image).dtype == kind
    assert image.TransformIndexToPhysicalPoint((0, 0, 0)) == pytest.approx((-5, 6, 70))


def test_exporting_leaves_the_nodes_file_alone(volume: Any, tmp_path: Path) -> None:
    from DiNTSLib.scene import exportVolume

    exportVolume(volume, tmp_path / "scan.nrrd")
    assert volume.GetStorageNode() is None


def test_a_volume_without_voxels_or_with_colours_is_refused(host: Any, tmp_path: Path) -> None:
    import slicer

    from DiNTSLib.scene import exportVolume

    empty = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Empty")
    with pytest.raises(ValueError, match="Empty has no voxels"):
        exportVolume(empty, tmp_path / "scan.nrrd")
    colours = np.zeros((2, 2, 2, 3), np.uint8)
    vector = slicer.util.addVolumeFromArray(colours, nodeClassName="vtkMRMLVectorVolumeNode", name="Colours")
    with pytest.raises(ValueError, match="Colours is no scalar volume"):
        exportVolume(vector, tmp_path / "scan.nrrd")


def export_segments(node: Any, volume: Any, path: Path, labels: dict[int, str]) -> None:
    import slicer

    from DiNTSLib.images import writeLabels
    from DiNTSLib.scene import ijkToRas, segmentLayers

    layers = segmentLayers(node, volume, labels)
    writeLabels(path, layers, slicer.util.arrayFromVolume(volume).shape, ijkToRas(volume), labels)


def test_labels_become_segments_with_name_colour_and_terminology(
    label_file: Path, segmentation: Any, volume: Any, labels: np.ndarray
) -> None:
    import slicer
    import vtk

    from DiNTSLib.scene import importSegmentation
    from DiNTSLib.terminology import segmentStyles

    importSegmentation(label_file, segmentation, segmentStyles(LABELS), volume)
    assert [segment.GetName() for segment in segments(segmentation)] == list(LABELS.values())
    ids = segmentation.GetSegmentation().GetSegmentIDs()
    for segment, identifier, (value, style) in zip(
        segments(segmentation), ids, segmentStyles(LABELS).items(), strict=True
    ):
        tag = vtk.reference("")
        assert segment.GetColor() == pytest.approx(style.color)
        assert segment.GetTag(slicer.vtkSegment.GetTerminologyEntryTagName(), tag)
        assert tag == style.terminology
        mask = slicer.util.arrayFromSegmentBinaryLabelmap(segmentation, identifier, volume)
        assert np.array_equal(mask != 0, labels == value)


def test_the_reference_geometry_is_the_scans(label_file: Path, segmentation: Any, volume: Any) -> None:
    import slicer

    from DiNTSLib.scene import importSegmentation
    from DiNTSLib.terminology import segmentStyles

    importSegmentation(label_file, segmentation, segmentStyles(LABELS), volume)
    role = slicer.vtkMRMLSegmentationNode.GetReferenceImageGeometryReferenceRole()
    assert segmentation.GetNodeReference(role) is volume
    assert segmentation.GetDisplayNode() is not None


def test_a_result_lies_under_the_scans_transform(label_file: Path, segmentation: Any, volume: Any) -> None:
    import slicer

    from DiNTSLib.scene import importSegmentation
    from DiNTSLib.terminology import segmentStyles

    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Moved")
    volume.SetAndObserveTransformNodeID(transform.GetID())
    importSegmentation(label_file, segmentation, segmentStyles(LABELS), volume)
    assert segmentation.GetParentTransformNode() is transform


def test_a_reference_whose_segments_are_named_is_shown_by_their_names(
    label_file: Path, segmentation: Any, volume: Any, labels: np.ndarray, tmp_path: Path
) -> None:
    import slicer

    from DiNTSLib.scene import importSegmentation
    from DiNTSLib.terminology import segmentStyles

    image = sitk.ReadImage(label_file)
    named = {"thing": 1, "Liver": 5}  # the other way round than in the settings
    for number, (name, value) in enumerate(named.items()):
        image.SetMetaData(f"Segment{number}_Name", name)
        image.SetMetaData(f"Segment{number}_LabelValue", str(value))
    path = tmp_path / "reference.seg.nrrd"
    sitk.WriteImage(image, path)
    names = {0: "background", **LABELS}
    importSegmentation(path, segmentation, segmentStyles(LABELS), volume, names)
    for identifier, value in zip(segmentation.GetSegmentation().GetSegmentIDs(), (5, 2, 1), strict=True):
        mask = slicer.util.arrayFromSegmentBinaryLabelmap(segmentation, identifier, volume)
        assert np.array_equal(mask != 0, labels == value)
    with pytest.raises(ValueError, match="has a segment 'thing', which is none of the labels spleen"):
        importSegmentation(path, segmentation, segmentStyles({1: "spleen"}), volume, {1: "spleen"})


def test_importing_replaces_what_was_there(label_file: Path, segmentation: Any, volume: Any) -> None:
    from DiNTSLib.scene import importSegmentation
    from DiNTSLib.terminology import segmentStyles

    segmentation.GetSegmentation().AddEmptySegment("old", "old")
    importSegmentation(label_file, segmentation, segmentStyles(LABELS), volume)
    importSegmentation(label_file, segmentation, segmentStyles({1: "spleen"}), volume)
    assert [segment.GetName() for segment in segments(segmentation)] == ["spleen"]


def test_a_result_without_labels_has_empty_segments(segmentation: Any, volume: Any, tmp_path: Path) -> None:
    from DiNTSLib.scene import importSegmentation
    from DiNTSLib.terminology import segmentStyles

    sitk.WriteImage(sitk.GetImageFromArray(np.zeros((3, 4, 5), np.uint8)), tmp_path / "empty.nrrd")
    importSegmentation(tmp_path / "empty.nrrd", segmentation, segmentStyles(LABELS), volume)
    assert [segment.GetName() for segment in segments(segmentation)] == list(LABELS.values())
    segmentation.GetSegmentation().AddEmptySegment("new", "new")
    export_segments(segmentation, volume, tmp_path / "out.nrrd", {**LABELS, 6: "new"})
    assert not sitk.GetArrayFromImage(sitk.ReadImage(tmp_path / "out.nrrd")).any()


def test_segments_come_back_as_they_went(
    label_file: Path, segmentation: Any, volume: Any, labels: np.ndarray, tmp_path: Path
) -> None:
    from DiNTSLib.scene import importSegmentation
    from DiNTSLib.terminology import segmentStyles

    importSegmentation(label_file, segmentation, segmentStyles(LABELS), volume)
    export_segments(segmentation, volume, tmp_path / "out.nrrd", {10: "liver", 300: "thing"})
    expected = np.where(labels == 1, 10, np.where(labels == 5, 300, 0))
    image = sitk.ReadImage(tmp_path / "out.nrrd")
    assert np.array_equal(sitk.GetArrayFromImage(image), expected)
    assert image.TransformIndexToPhysicalPoint((0, 0, 0)) == pytest.approx((-5, 6, 70))


def test_segments_that_cannot_become_voxels_are_not_taken_for_empty_ones(
    segmentation: Any, volume: Any, tmp_path: Path
) -> None:
    """Such as contours of radiotherapy, where the extension that knows them is not installed."""
    import slicer
    import vtk

    segment, contours = slicer.vtkSegment(), vtk.vtkSphereSource()
    contours.Update()
    segment.SetName("liver")
    segment.AddRepresentation("Planar contour", contours.GetOutput())
    segmentation.GetSegmentation().SetSourceRepresentationName("Planar contour")
    segmentation.GetSegmentation().AddSegment(segment, "liver")
    with pytest.raises(ValueError, match="Result holds segments of the kind “Planar contour”"):
        export_segments(segmentation, volume, tmp_path / "out.nrrd", {1: "liver"})


def test_a_segment_that_is_not_there_is_named(segmentation: Any, volume: Any, tmp_path: Path) -> None:

    with pytest.raises(ValueError, match="Result has no segment liver"):
        export_segments(segmentation, volume, tmp_path / "out.nrrd", {1: "liver"})


def test_a_file_that_cannot_be_read_is_named(host: Any, segmentation: Any, volume: Any, tmp_path: Path) -> None:
    from DiNTSLib.scene import importSegmentation, importVolume
    from DiNTSLib.terminology import segmentStyles

    (tmp_path / "bad.nrrd").write_text("no image")
    with pytest.raises(ValueError, match=r"bad\.nrrd"):
        importSegmentation(tmp_path / "bad.nrrd", segmentation, segmentStyles(LABELS), volume)
    with pytest.raises(ValueError, match=r"bad\.nrrd"):
        importVolume(tmp_path / "bad.nrrd", "Bad")


def test_a_result_is_placed_beside_the_scan(host: Any, segmentation: Any, volume: Any) -> None:
    import slicer

    from DiNTSLib.scene import placeBeside

    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    folder = hierarchy.CreateFolderItem(hierarchy.GetSceneItemID(), "Study")
    hierarchy.SetItemParent(hierarchy.GetItemByDataNode(volume), folder)
    placeBeside(segmentation, volume)
    assert hierarchy.GetItemParent(hierarchy.GetItemByDataNode(segmentation)) == folder
