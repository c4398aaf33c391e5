"""Volumes of the scene, segmented into a node. Nodes are kept by their IDs: they may be gone when a result comes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

from DiNTSLib.scene import exportVolume, placeBeside
from DiNTSLib.temporary import TemporaryFolder
from DiNTSSegmentationLib.cases import ResultNodes, SegmentationCase, Settings, segmentJob
from DiNTSSegmentationLib.edits import Contents, fingerprint, holdsWork
from DiNTSSegmentationLib.region import voxelBox
from DiNTSSegmentationLib.results import (
    ResultImages,
    readResults,
    resultFor,
    showDisagreement,
    showSegmentation,
    showStatistics,
)

LABELS_FILE, DISAGREEMENT_FILE = "labels.nrrd", "disagreement.nrrd"


class Target:
    """The segmentation node that a result goes to. A new one is made when there is a result, not before.

    What somebody drew in the node while the run was under way or waited is not replaced: the result goes to a new one.

    Args:
        segmentation: an existing node, or None.
        name: of a new node.
    """

    def __init__(self, segmentation: slicer.vtkMRMLSegmentationNode | None, name: str) -> None:
        self.identifier = segmentation.GetID() if segmentation else ""
        self._replaceable = fingerprint(segmentation) if segmentation else ""
        self._name = name

    def node(self) -> slicer.vtkMRMLSegmentationNode:
        if not self.identifier or self._wasEdited():
            name = slicer.mrmlScene.GenerateUniqueName(self._name)
            self.identifier = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", name).GetID()
        return node(self.identifier)

    def _wasEdited(self) -> bool:
        segmentation = node(self.identifier)
        return holdsWork(segmentation) and fingerprint(segmentation) != self._replaceable


class NodeCase(SegmentationCase):
    """Volumes, one a channel.

    Args:
        regionId: of a region of interest, or "".
    """

    def __init__(self, title: str, volumeIds: Sequence[str], regionId: str, target: Target) -> None:
        super().__init__(title)
        self.volumeIds, self.regionId, self.target = list(volumeIds), regionId, target
        self._images: ResultImages | None = None
        self._folder: TemporaryFolder | None = None

    @property
    def folder(self) -> Path:
        """Of the files that are exchanged with the engine, from `prepare` to `close`."""
        if self._folder is None:
            raise RuntimeError(_("{case} has no files: it is not at work").format(case=self.title))
        return Path(self._folder.name)

    @property
    def images(self) -> ResultImages:
        """Of the result, from `load` to `close`."""
        if self._images is None:
            raise RuntimeError(_("{case} has no result: it was not loaded").format(case=self.title))
        return self._images

    def prepare(self, settings: Settings) -> dict[str, Any] | None:
        self.check()
        self._folder = TemporaryFolder()
        folder = self.folder
        inputs = [folder / f"{number}.nrrd" for number in range(len(self.volumeIds))]
        for volume, path in zip(self.volumes(), inputs, strict=True):
            exportVolume(volume, path, background=True)
        job = segmentJob(settings, inputs, folder / LABELS_FILE)
        if settings.disagreement:
            job["disagreement"] = str(folder / DISAGREEMENT_FILE)
        if self.regionId:
            job["options"] = {**settings.options, "region": voxelBox(node(self.regionId), self.volumes()[0])}
        return job

    def check(self) -> None:
        for identifier in filter(None, (*self.volumeIds, self.regionId, self.target.identifier)):
            node(identifier)

    def volumes(self) -> list[slicer.vtkMRMLScalarVolumeNode]:
        """The volumes with the voxels to segment."""
        return [node(identifier) for identifier in self.volumeIds]

    def load(self) -> None:
        labels, disagreement = (self.folder / name for name in (LABELS_FILE, DISAGREEMENT_FILE))
        self._images = readResults(labels, disagreement if disagreement.is_file() else None)

    def finish(self, settings: Settings) -> None:
        images, volume, segmentation = self.images, node(self.volumeIds[0]), self.target.node()
        if segmentation.GetSegmentation().GetNumberOfSegments():
            self.before = Contents(segmentation)
        slicer.mrmlScene.SaveStateForUndo(segmentation)  # the whole result is one step, where Slicer's undo is on
        self.showLabels(images, segmentation, settings, volume)
        placeBeside(segmentation, volume)
        self.results = ResultNodes(
            segmentation.GetID(),
            showDisagreement(images, segmentation, volume) if images.disagreement is not None else "",
            showStatistics(self.values.get("statistics") or [], segmentation, volume) if settings.statistics else "",
        )
        self.detail = segmentation.GetName()

    def showLabels(
        self,
        images: ResultImages,
        segmentation: slicer.vtkMRMLSegmentationNode,
        settings: Settings,
        volume: slicer.vtkMRMLScalarVolumeNode,
    ) -> None:
        """Brings the labels into the node of the result."""
        showSegmentation(images, segmentation, settings, volume)

    def close(self) -> None:
        self._images = None
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None


class BatchCase(NodeCase):
    """One of all volumes of the scene; nothing is done where the model's result is there already."""

    def prepare(self, settings: Settings) -> dict[str, Any] | None:
        result = resultFor(self.volumes()[0], settings.model)
        if result is not None:
            self.detail = result.GetName()
            return None
        return super().prepare(settings)


def node(identifier: str) -> slicer.vtkMRMLNode:
    """A node by its ID.

    Raises:
        LookupError: it was deleted.
    """
    found = slicer.mrmlScene.GetNodeByID(identifier)
    if found is None:
        raise LookupError(_("A volume, region or segmentation of this run was deleted; nothing was changed."))
    return found
