"""Label images that are put together without MRML, beside Slicer's own way; volumes that come without a reader."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

LABELS = {7: "a", 2: "b", 1: "c"}
TURN = np.array([[0.0, -0.8, 0.6], [1.0, 0.0, 0.0], [0.0, 0.6, 0.8]])


def grid(spacing: tuple[float, float, float], origin: tuple[float, float, float], turn: np.ndarray) -> np.ndarray:
    """ijkToRas"""
    return np.vstack([np.column_stack([turn @ np.diag(spacing), origin]), [0, 0, 0, 1]])


GRIDS = {
    "the same": grid((1.5, 2.0, 3.0), (5.0, -6.0, 70.0), TURN),
    "shifted": grid((1.5, 2.0, 3.0), (5.0 - 2.0 * 2, -6.0 + 1.5 * 3, 70.0), TURN),
    "finer": grid((0.7, 0.9, 1.1), (5.3, -6.1, 70.2), TURN),
    "turned": grid((1.5, 2.0, 3.0), (-30.0, 10.0, 60.0), np.eye(3)),
    "elsewhere": grid((1.5, 2.0, 3.0), (500.0, 0.0, 0.0), TURN),
}


def add_volume(ijkToRas: np.ndarray, shape: tuple[int, int, int], name: str = "Volume") -> Any:
    import slicer

    node = slicer.util.addVolumeFromArray(np.zeros(shape, np.int16), name=name)
    node.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(ijkToRas))
    return node


@pytest.fixture
def segmentation(host: Any) -> Any:
    """Two segments that touch, and a third one over both."""
    import slicer

    volume = add_volume(GRIDS["the same"], (12, 14, 16), "Drawn grid")
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Drawn")
    node.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    for name, box in (("a", np.s_[2:6, 3:12, 4:9]), ("b", np.s_[6:10, 3:12, 4:9]), ("c", np.s_[4:8, 5:8, 6:13])):
        node.GetSegmentation().AddEmptySegment(name, name)
        voxels = np.zeros((12, 14, 16), np.uint8)
        voxels[box] = 1
        slicer.util.updateSegmentBinaryLabelmapFromArray(voxels, node, name, volume)
    return node


def composed(segmentation: Any, volume: Any) -> np.ndarray:
    import slicer

    from DiNTSLib.images import compose
    from DiNTSLib.scene import ijkToRas, segmentLayers

    layers = segmentLayers(segmentation, volume, LABELS)
    return compose(layers, slicer.util.arrayFromVolume(volume).shape, ijkToRas(volume))


def expected(segmentation: Any, volume: Any) -> np.ndarray:
    import slicer

    voxels = np.zeros(slicer.util.arrayFromVolume(volume).shape, np.uint8)
    for value, name in sorted(LABELS.items()):
        voxels[slicer.util.arrayFromSegmentBinaryLabelmap(segmentation, name, volume) > 0] = value
    return voxels


@pytest.mark.parametrize("name", list(GRIDS))
def test_segments_are_put_on_a_grid_as_slicer_does(segmentation: Any, name: str) -> None:
    volume = add_volume(GRIDS[name], (20, 22, 24))
    found = composed(segmentation, volume)
    assert np.array_equal(found, expected(segmentation, volume))
    assert (name == "elsewhere") == (not found.any())


def test_surfaces_become_labels_also_without_a_reference_geometry(segmentation: Any) -> None:
    """Whoever edits surfaces makes them the source, and a file of surfaces names no volume."""
    import slicer

    volume = add_volume(GRIDS["the same"], (12, 14, 16))
    segmentation.CreateClosedSurfaceRepresentation()
    segmentation.GetSegmentation().SetSourceRepresentationName("Closed surface")
    expected = composed(segmentation, volume) > 0
    segmentation.RemoveBinaryLabelmapRepresentation()
    segmentation.GetSegmentation().SetConversionParameter("Reference image geometry", "")
    segmentation.SetNodeReferenceID(slicer.vtkMRMLSegmentationNode.GetReferenceImageGeometryReferenceRole(), None)
    found = composed(segmentation, volume) > 0
    assert (found != expected).sum() < 0.05 * expected.sum()


def test_transforms_of_both_nodes_are_heeded(segmentation: Any) -> None:
    """Beside every voxel's place in the world: Slicer's own function errs where both nodes are transformed."""
    import slicer

    volume, moves = add_volume(GRIDS["finer"], (20, 22, 24)), []
    for node, translation in ((segmentation, (-2.9, 1.0, 5.8)), (volume, (0.1, -0.15, 6.75))):
        moves.append(grid((1.0, 1.0, 1.0), translation, np.eye(3)))
        transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
        transform.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(moves[-1]))
        node.SetAndObserveTransformNodeID(transform.GetID())
    found = composed(segmentation, volume)
    segmentation.SetAndObserveTransformNodeID(None)
    drawn = expected(segmentation, slicer.util.getNode("Drawn grid"))
    to_drawn = np.linalg.inv(moves[0] @ GRIDS["the same"]) @ moves[1] @ GRIDS["finer"]
    for k, j, i in np.ndindex(found.shape):
        x, y, z = np.floor(to_drawn[:3] @ [i, j, k, 1] + 0.5).astype(int)
        inside = 0 <= x < 16 and 0 <= y < 14 and 0 <= z < 12
        assert found[k, j, i] == (drawn[z, y, x] if inside else 0)
    assert found.any()


def test_a_transform_that_is_not_linear_is_refused(segmentation: Any) -> None:
    import slicer

    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLBSplineTransformNode")
    segmentation.SetAndObserveTransformNodeID(transform.GetID())
    with pytest.raises(ValueError, match="Drawn is under a transform that is not linear; harden it first"):
        composed(segmentation, add_volume(GRIDS["turned"], (2, 2, 2)))


def test_a_volume_is_what_slicer_would_read(host: Any, tmp_path: Path) -> None:
    import slicer

    from DiNTSLib.images import readVolume
    from DiNTSLib.scene import addVolume, importVolume

    image = sitk.GetImageFromArray(np.random.default_rng(0).random((3, 4, 5), np.float32))
    image.SetDirection(TURN.ravel().tolist())
    image.SetSpacing((1.5, 2.0, 3.0))
    image.SetOrigin((5.0, -6.0, 70.0))
    sitk.WriteImage(image, tmp_path / "map.nrrd")
    ours = addVolume(readVolume(tmp_path / "map.nrrd"), "Map", (0.0, 1.0))
    slicers = importVolume(tmp_path / "map.nrrd", "Map")
    assert np.array_equal(slicer.util.arrayFromVolume(ours), slicer.util.arrayFromVolume(slicers))
    assert np.allclose(*(slicer.util.arrayFromVTKMatrix(matrix_of(node)) for node in (ours, slicers)))


def matrix_of(volume: Any) -> Any:
    import vtk

    matrix = vtk.vtkMatrix4x4()
    volume.GetIJKToRASMatrix(matrix)
    return matrix
