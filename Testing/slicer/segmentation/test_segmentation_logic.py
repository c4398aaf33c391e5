"""Segmenting without the panel: regions, sequences, undo, channels, scripts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from Testing.engine.data.dicom_files import save_slice

from .facts import labels_on, node

REPOSITORY = Path(__file__).resolve().parents[3]
SCRIPT = REPOSITORY / "DiNTSSegmentation" / "Resources" / "Scripts" / "segment.py"


def test_a_region_bounds_the_result(logic: Any, ct: Any, model_files: Path) -> None:
    import slicer
    import vtk
    from DiNTSSegmentationLib.region import voxelBox

    roi = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "Box")
    matrix = vtk.vtkMatrix4x4()
    ct.GetIJKToRASMatrix(matrix)
    roi.SetCenter(matrix.MultiplyPoint((30, 40, 15, 1))[:3])
    roi.SetSize([step * 20 for step in ct.GetSpacing()])
    first, stop = voxelBox(roi, ct)
    assert np.allclose(first, (20, 30, 5), atol=1)
    assert np.allclose(stop, (40, 50, 25), atol=1)
    run = logic.segment(ct, model=model_files / "body.zip", region=roi, device="cpu")
    inside = labels_on(node(run.results.segmentation), ct)
    assert inside.any()
    found = np.argwhere(inside)[:, ::-1]
    assert (found.min(axis=0) >= first).all()
    assert (found.max(axis=0) < stop).all()


def test_a_region_outside_of_the_volume_is_refused(logic: Any, ct: Any, model_files: Path) -> None:
    import slicer

    from dints.errors import InputError

    roi = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "Far")
    roi.SetCenter([9999, 0, 0])
    roi.SetSize([10, 10, 10])
    with pytest.raises(InputError, match="lies outside"):
        logic.segment(ct, model=model_files / "body.zip", region=roi)


def test_a_result_is_one_step_to_undo(logic: Any, ct: Any, model_files: Path) -> None:
    import slicer

    slicer.mrmlScene.SetUndoOn()
    try:
        segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Mine")
        segmentation.SetUndoEnabled(True)
        segmentation.GetSegmentation().AddEmptySegment("", "drawn")
        logic.segment(ct, segmentation, model=model_files / "body.zip", device="cpu", overwrite=True)
        assert segmentation.GetSegmentation().GetNumberOfSegments() == 2
        assert slicer.mrmlScene.GetNumberOfUndoLevels() == 1
        slicer.mrmlScene.Undo()
        assert segmentation.GetSegmentation().GetNthSegment(0).GetName() == "drawn"
    finally:
        slicer.mrmlScene.ClearUndoStack()
        slicer.mrmlScene.SetUndoOff()


def test_what_is_drawn_during_a_run_is_not_replaced(host: Any, logic: Any, ct: Any, model_files: Path) -> None:
    import slicer

    segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Mine")
    run = logic.segment(ct, segmentation, model=model_files / "body.zip", device="cpu", onFinished=lambda run: None)
    segmentation.GetSegmentation().AddEmptySegment("", "drawn")
    host.wait_until(lambda: run.isFinished, 60)
    assert run.results.segmentation not in ("", segmentation.GetID())
    assert segmentation.GetSegmentation().GetNthSegment(0).GetName() == "drawn"


def test_several_channels_are_segmented_together(logic: Any, ct: Any, model_files: Path) -> None:
    run = logic.segment([ct, ct], model=model_files / "pair.zip", device="cpu")
    segmentation = node(run.results.segmentation)
    assert segmentation.GetSegmentation().GetNthSegment(0).GetName() == "tumor"


def test_an_error_is_an_exception(logic: Any, ct: Any, model_files: Path) -> None:
    from dints.errors import InputError, RunError

    with pytest.raises(InputError, match="neither a model file"):
        logic.segment(ct, model="nosuchmodel")
    with pytest.raises(RunError, match="checksum"):
        logic.segment(ct, model=model_files / "flipped.zip", device="cpu")
    with pytest.raises(InputError, match="Choose a volume"):
        logic.segment([ct], model=model_files / "pair.zip")


def test_cleanup_of_each_label_reaches_the_engine(host: Any, shared_worker: None) -> None:
    from types import SimpleNamespace

    from DiNTSSegmentationLib.models import ModelEntry
    from DiNTSSegmentationLib.parameters import Vote, engineOptions

    model = ModelEntry("m", "m", 0, labels=((1, "liver"), (2, "kidney"), (5, "spleen")), cleaned=(1, 2))
    parameters = SimpleNamespace(batchSize=2, vote=Vote.MEAN, cleanup={"kidney": "off", "spleen": "on"})
    assert engineOptions(parameters, model) == {"batch_size": 2, "vote": "mean", "largest_component": [1, 5]}
    parameters = SimpleNamespace(batchSize=1, vote=Vote.MODEL, cleanup={})
    assert engineOptions(parameters, model) == {"batch_size": 1}


def run_script(*arguments: Any) -> subprocess.CompletedProcess[str]:
    """As `Slicer --no-main-window --python-script segment.py` does."""
    paths = [str(REPOSITORY / folder) for folder in ("DiNTSEngine", "DiNTSSegmentation")]
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": os.pathsep.join(paths)}
    command = [sys.executable, "-m", "Testing.host", "--python-script", str(SCRIPT), *map(str, arguments)]
    return subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)


def test_the_script_segments_a_file_without_a_window(model_files: Path, shared_data: Path, tmp_path: Path) -> None:
    scan = shared_data / "ct" / "example_ct_crop.nii.gz"
    done = run_script(model_files / "body.zip", scan, tmp_path / "a.seg.nrrd", "--device", "cpu")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "a.seg.nrrd").stat().st_size > 0
    assert "liver" in (tmp_path / "a.csv").read_text()


def test_the_script_segments_a_folder_and_goes_on_where_it_stopped(
    model_files: Path, shared_data: Path, tmp_path: Path
) -> None:
    images, results = tmp_path / "images", tmp_path / "results"
    for folder in (images, results):
        folder.mkdir()
    for name in ("a", "b"):
        (images / f"{name}.nii.gz").symlink_to(shared_data / "ct" / "example_ct_crop.nii.gz")
    (results / "a.nii.gz").write_bytes(b"of an earlier call")
    done = run_script(model_files / "body.zip", images, results, "--device", "cpu", "--quality", "quick")
    assert done.returncode == 0, done.stderr
    assert (results / "a.nii.gz").read_bytes() == b"of an earlier call"
    assert (results / "b.nii.gz").stat().st_size > 0


def test_the_script_replaces_no_input_and_reads_the_file_of_that_name(
    model_files: Path, shared_data: Path, tmp_path: Path
) -> None:
    scan = sitk.ReadImage(str(shared_data / "ct" / "example_ct_crop.nii.gz"))
    sitk.WriteImage(scan, str(tmp_path / "a.seg.nrrd"))
    before = (tmp_path / "a.seg.nrrd").read_bytes()
    done = run_script(model_files / "body.zip", tmp_path / "a.seg.nrrd", tmp_path / "a.seg.nrrd", "--device", "cpu")
    assert (done.returncode, (tmp_path / "a.seg.nrrd").read_bytes()) == (1, before)
    assert "would replace" in done.stderr
    sitk.WriteImage(scan, str(tmp_path / "b.nii.gz"))
    sitk.WriteImage(scan * 0 - 1000, str(tmp_path / "b.nii"))  # ITK reads this one under the name of the other
    tables = []
    for source in ("a.seg.nrrd", "b.nii.gz"):
        output = tmp_path / "result.seg.nrrd"
        done = run_script(model_files / "body.zip", tmp_path / source, output, "--device", "cpu", "--quality", "quick")
        assert done.returncode == 0, done.stderr
        tables.append((tmp_path / "result.csv").read_text())
    assert tables[0] == tables[1]


def test_a_folder_is_refused_with_the_sentence_of_the_command_line(
    logic: Any, install: Any, shared_data: Path, tmp_path: Path
) -> None:
    install("body.zip")
    scan = shared_data / "ct" / "example_ct.nii.gz"
    images = tmp_path / "images"
    images.mkdir()
    for results, sentence in (
        (images, "holds no images; give a folder of images"),
        (images, "would replace"),
        (tmp_path / "results", "would hold the results of both"),
        (tmp_path / "results", "holds a DICOM series beside images of other formats"),
    ):
        with pytest.raises(ValueError, match=sentence):
            logic.segmentFolder(images, results, model="body.zip")
        if not (images / "a.nii.gz").exists():
            (images / "a.nii.gz").symlink_to(scan)
        elif not (images / "a.nrrd").exists():
            (images / "a.nrrd").write_bytes(b"another scan of the same name")
        else:
            save_slice(images / "1.dcm", np.zeros((4, 4), np.int16))
    assert not (tmp_path / "results").exists()


def test_the_script_says_in_a_line_what_is_wrong(model_files: Path, tmp_path: Path) -> None:
    done = run_script(model_files / "body.zip", tmp_path / "nothing.nii.gz", tmp_path / "a.seg.nrrd")
    assert done.returncode == 1
    (line,) = [line for line in done.stderr.splitlines() if "segment.py" in line]
    assert line.startswith("segment.py: ")
    assert "nothing.nii.gz" in line
    assert "Traceback" not in done.stderr


def test_the_modules_own_test_passes(host: Any, open_panel: Any) -> None:
    import slicer

    open_panel()
    slicer.selfTests["DiNTSSegmentation"]()
