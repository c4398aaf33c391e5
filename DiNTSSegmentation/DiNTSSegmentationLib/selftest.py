"""The module's own test, run in the application: a real inference with a tiny model."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import slicer
from slicer.i18n import tr as _
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleTest

from DiNTSLib.processes import engineCommand, engineEnvironment
from DiNTSLib.temporary import TemporaryFolder
from DiNTSSegmentationLib.logic import DiNTSSegmentationLogic

TINY_MODEL = Path(__file__).with_name("tiny_model.py")
SHAPE = (24, 28, 32)  # voxels, k j i
SPACING = (5.0, 5.0, 6.0)  # mm


class DiNTSSegmentationTest(ScriptedLoadableModuleTest):
    """Needs what the engine needs: it fails with the reason where that is not installed."""

    def setUp(self) -> None:
        slicer.mrmlScene.Clear(False)

    def test_a_volume_is_segmented(self) -> None:
        self.delayDisplay(_("Segmenting a generated volume with a tiny model"))
        voxels = np.random.default_rng(0).normal(50, 40, SHAPE)
        volume = slicer.util.addVolumeFromArray(voxels, name="Noise")
        volume.SetSpacing(SPACING)
        with TemporaryFolder() as folder:
            model = str(Path(folder) / "tiny.zip")
            makeTinyModel(model)
            run = DiNTSSegmentationLogic().segment(volume, model=model, device="cpu", statistics=True)
        segmentation = slicer.mrmlScene.GetNodeByID(run.results.segmentation)
        segments = segmentation.GetSegmentation()
        names = [segments.GetNthSegment(index).GetName() for index in range(segments.GetNumberOfSegments())]
        assert names == ["liver", "kidney"]
        counted = sum(
            slicer.util.arrayFromSegmentBinaryLabelmap(segmentation, identifier, volume).sum()
            for identifier in segments.GetSegmentIDs()
        )
        milliliters = counted * np.prod(SPACING) / 1000
        table = slicer.mrmlScene.GetNodeByID(run.results.statistics)
        assert abs(sum(float(table.GetCellText(row, 1)) for row in range(2)) - milliliters) < 0.1
        self.delayDisplay(_("Test passed"))


def makeTinyModel(path: str, *arguments: str) -> None:
    """Writes an untrained model; see `tiny_model.py`.

    Raises:
        RuntimeError: the process failed, with the last line of what it said.
    """
    command = [engineCommand()[0], str(TINY_MODEL), path, *arguments]
    done = subprocess.run(command, env=engineEnvironment(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError((done.stderr.strip() or _("no model was written")).splitlines()[-1])
