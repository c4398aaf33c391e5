"""Volumes of the scene, segmented into a node. Nodes are kept by their IDs: they may be gone when a result comes."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

from DiNTSLib.processes import temporaryFolder
from DiNTSLib.scene import exportVolume
from DiNTSSegmentationLib.cases import Case, Settings, segmentJob
from DiNTSSegmentationLib.edits import fingerprint, holdsWork
from DiNTSSegmentationLib.region import voxelBox
from DiNTSSegmentationLib.results import ResultNodes, showDisagreement, showSegmentation, showStatistics


class Target:
    """The segmentation node that a result goes to. A new one is made when there is a result, not before.

    What somebody drew in the node while the run was under way or waited is not replaced: the result goes to a new one.

    Args:
        segmentation: an existing node, or None.
        name: of a new node.
    """

    def __init__(self, segmentation: Any, name: str) -> None:
        self.identifier = segmentation.GetID() if segmentation else ""
        self._replaceable = fingerprint(segmentation) if segmentation else ""
        self._name = name

    def check(self) -> None:
        """LookupError if the node was deleted."""
        if self.identifier:
            node(self.identifier)

    def node(self) -> Any:
        if not self.identifier or self._wasEdited():
            name = slicer.mrmlScene.GenerateUniqueName(self._name)
            self.identifier = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", name).GetID()
        return node(self.identifier)

    def _wasEdited(self) -> bool:
        segmentation = node(self.identifier)
        return holdsWork(segmentation) and fingerprint(segmentation) != self._replaceable


class NodeCase(Case):
    """Volumes, one a channel.

    Args:
        regionId: of a region of interest, or "".
    """

    def __init__(self, title: str, volumeIds: Sequence[str], regionId: str, target: Target) -> None:
        super().__init__(title)
        self.volumeIds, self.regionId, self.target = list(volumeIds), regionId, target
        self.results = ResultNodes()
        self._folder: tempfile.TemporaryDirectory | None = None

    def prepare(self, settings: Settings) -> dict[str, Any]:
        self.target.check()
        self._folder = temporaryFolder()
        folder = Path(self._folder.name)
        inputs = [folder / f"{number}.nrrd" for number in range(len(self.volumeIds))]
        for volume, path in zip(self.volumes(), inputs, strict=True):
            exportVolume(volume, path, background=True)
        job = segmentJob(settings, inputs, folder / "labels.nrrd")
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
        segmentation = self.target.node()
        slicer.mrmlScene.SaveStateForUndo(segmentation)  # the whole result is one step
        showSegmentation(folder / "labels.nrrd", segmentation, settings.styles, volume)
        self.results = ResultNodes(
            segmentation.GetID(),
            showDisagreement(folder / "disagreement.nrrd", segmentation, volume) if settings.disagreement else "",
            showStatistics(values.get("statistics") or [], segmentation, volume) if settings.statistics else "",
        )
        self.detail = segmentation.GetName()

    def close(self) -> None:
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None


def node(identifier: str) -> Any:
    """A node by its ID.

    Raises:
        LookupError: it was deleted.
    """
    found = slicer.mrmlScene.GetNodeByID(identifier)
    if found is None:
        raise LookupError(_("A volume, region or segmentation of this run was deleted; nothing was changed."))
    return found
