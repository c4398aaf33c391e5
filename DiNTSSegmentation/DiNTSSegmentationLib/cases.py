"""What a run segments: volumes of the scene, frames of a sequence, or files. Nodes are kept by their IDs."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

from DiNTSLib.processes import temporaryFolder
from DiNTSLib.scene import exportVolume
from DiNTSSegmentationLib.edits import markAsResult
from DiNTSSegmentationLib.region import voxelBox
from DiNTSSegmentationLib.results import ResultNodes, showDisagreement, showSegmentation, showStatistics


class State(Enum):
    """Of a case and of a run."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    SKIPPED = "skipped"  # its result was there already
    FAILED = "failed"
    CANCELLED = "cancelled"

    def label(self) -> str:
        return {
            "waiting": _("waiting"),
            "running": _("running"),
            "done": _("done"),
            "skipped": _("was there"),
            "failed": _("failed"),
            "cancelled": _("cancelled"),
        }[self.value]


@dataclass(frozen=True)
class Settings:
    """How every case of a run is segmented."""

    model: str  # path
    labels: dict[int, str]  # {value in the result: name}
    device: str = "auto"
    options: dict[str, Any] = field(default_factory=dict)  # of `dints.inference.predictor.Predictor.predict`
    disagreement: bool = False
    statistics: bool = False


class Case:
    """One image and what becomes of it."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.state = State.WAITING
        self.detail = ""  # where the result is, or what went wrong

    def prepare(self, settings: Settings) -> dict[str, Any] | None:
        """The job for the worker; None if there is nothing to do."""
        raise NotImplementedError

    def finish(self, settings: Settings, values: dict[str, Any]) -> None:
        """Takes over the result of the job; `values` are those of its result event."""

    def close(self) -> None:
        """Removes temporary files."""


def _job(settings: Settings, inputs: Sequence[str | Path], output: str | Path) -> dict[str, Any]:
    return {
        "command": "segment",
        "model": settings.model,
        "inputs": [str(path) for path in inputs],
        "output": str(output),
        "disagreement": None,
        "statistics": settings.statistics,
        "device": settings.device,
        "options": settings.options,
    }


class FileCase(Case):
    """Image files, one a channel, segmented into a file."""

    def __init__(self, title: str, inputs: Sequence[Path], output: Path) -> None:
        super().__init__(title)
        self.inputs, self.output = inputs, output

    def prepare(self, settings: Settings) -> dict[str, Any] | None:
        if self.output.exists():
            self.detail = str(self.output)
            return None
        self.output.parent.mkdir(parents=True, exist_ok=True)
        return _job(settings, self.inputs, self.output)

    def finish(self, settings: Settings, values: dict[str, Any]) -> None:
        self.detail = str(self.output)


class NodeCase(Case):
    """Volumes of the scene, one a channel, segmented into a segmentation node.

    Args:
        segmentationId: of the node whose contents are replaced.
        regionId: of a region of interest, or "".
    """

    def __init__(self, title: str, volumeIds: Sequence[str], segmentationId: str, regionId: str = "") -> None:
        super().__init__(title)
        self.volumeIds, self.segmentationId, self.regionId = list(volumeIds), segmentationId, regionId
        self.results = ResultNodes(segmentationId)
        self._folder: tempfile.TemporaryDirectory | None = None

    def prepare(self, settings: Settings) -> dict[str, Any]:
        self._folder = temporaryFolder()
        folder = Path(self._folder.name)
        inputs = [folder / f"{number}.nrrd" for number in range(len(self.volumeIds))]
        for volume, path in zip(self.volumes(), inputs, strict=True):
            exportVolume(volume, path)
        job = _job(settings, inputs, folder / "labels.nrrd")
        if settings.disagreement:
            job["disagreement"] = str(folder / "disagreement.nrrd")
        if self.regionId:
            job["options"] = {**settings.options, "region": voxelBox(node(self.regionId), self.volumes()[0])}
        return job

    def volumes(self) -> list:
        """The volumes with the voxels to segment."""
        return [node(identifier) for identifier in self.volumeIds]

    def finish(self, settings: Settings, values: dict[str, Any]) -> None:
        folder, volume = Path(self._folder.name), node(self.volumeIds[0])
        segmentation = node(self.segmentationId)
        slicer.mrmlScene.SaveStateForUndo(segmentation)  # the whole result is one step
        showSegmentation(folder / "labels.nrrd", segmentation, settings.labels, volume)
        self.results = ResultNodes(
            self.segmentationId,
            showDisagreement(folder / "disagreement.nrrd", segmentation, volume) if settings.disagreement else "",
            showStatistics(values.get("statistics") or [], segmentation, volume) if settings.statistics else "",
        )
        self.detail = segmentation.GetName()

    def close(self) -> None:
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None


class FrameCase(NodeCase):
    """One frame of sequences, one a channel; a channel without a sequence is the same in all frames."""

    def __init__(
        self,
        title: str,
        volumeIds: Sequence[str],
        segmentationId: str,
        regionId: str,
        output: tuple[str, str],
        frame: int,
    ) -> None:
        super().__init__(title, volumeIds, segmentationId, regionId)
        self.browserId, self.outputId = output
        self.frame = frame

    def volumes(self) -> list:
        browser = node(self.browserId)
        sequences = [browser.GetSequenceNode(volume) for volume in super().volumes()]
        return [
            volume if sequence is None else sequence.GetNthDataNode(self.frame)
            for volume, sequence in zip(super().volumes(), sequences, strict=True)
        ]

    def finish(self, settings: Settings, values: dict[str, Any]) -> None:
        super().finish(settings, values)
        browser, output, segmentation = node(self.browserId), node(self.outputId), node(self.segmentationId)
        output.SetDataNodeAtValue(segmentation, browser.GetMasterSequenceNode().GetNthIndexValue(self.frame))
        if browser.GetSequenceNode(segmentation) is None:
            browser.AddSynchronizedSequenceNode(output)
            browser.AddProxyNode(segmentation, output, False)
        slicer.modules.sequences.logic().UpdateProxyNodesFromSequences(browser)  # back to the frame that is shown
        markAsResult(segmentation)


def node(identifier: str):
    """A node by its ID.

    Raises:
        LookupError: it was deleted.
    """
    found = slicer.mrmlScene.GetNodeByID(identifier)
    if found is None:
        raise LookupError(_("A volume, region or segmentation of this run was deleted; nothing was changed."))
    return found
