"""Volumes that show a frame of a sequence: every frame segmented into a sequence of segmentations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import slicer
from slicer.i18n import tr as _

from dints.errors import InputError
from DiNTSLib.scene import hiddenSegments, removeSegments, setHiddenSegments
from DiNTSSegmentationLib.cases import Settings
from DiNTSSegmentationLib.edits import Contents
from DiNTSSegmentationLib.node_cases import NodeCase, Target, node
from DiNTSSegmentationLib.results import ResultImages, showSegmentation


class FrameCase(NodeCase):
    """One frame; a channel that is no frame of the browser's is the same in all of them."""

    def __init__(
        self, title: str, volumeIds: Sequence[str], regionId: str, target: Target, browserId: str, frame: int
    ) -> None:
        super().__init__(title, volumeIds, regionId, target)
        self.browserId, self.frame = browserId, frame

    def check(self) -> None:
        super().check()
        node(self.browserId)

    def volumes(self) -> list[slicer.vtkMRMLScalarVolumeNode]:
        """What the browser shows at this frame: of a channel with other frames, the last one before."""
        browser = node(self.browserId)
        value = browser.GetMasterSequenceNode().GetNthIndexValue(self.frame)
        return [_frameOf(browser.GetSequenceNode(volume), value, volume) for volume in super().volumes()]

    def showLabels(
        self,
        images: ResultImages,
        segmentation: slicer.vtkMRMLSegmentationNode,
        settings: Settings,
        volume: slicer.vtkMRMLScalarVolumeNode,
    ) -> None:
        """Adds the labels to the sequence of segmentations, of which `segmentation` shows the frame that is shown.

        Each time the sequence says that it changed, Slicer copies the shown frame with all its voxels, for as long as
        the window stands still. So it says so when this frame is shown, and after the last one; a frame with which the
        segmentation becomes the browser's is shown by that already.
        """
        browser = node(self.browserId)
        output = browser.GetSequenceNode(segmentation) or _newSequence(browser, segmentation)
        frame = slicer.vtkMRMLSegmentationNode()  # not in the scene, where each change would be drawn
        showSegmentation(images, frame, settings, volume)
        output.DisableModifiedEventOn()
        output.SetDataNodeAtValue(frame, browser.GetMasterSequenceNode().GetNthIndexValue(self.frame))
        output.DisableModifiedEventOff()
        removeSegments(frame.GetSegmentation())
        isNew = browser.GetSequenceNode(segmentation) is None
        if isNew:
            segmentation.SetReferenceImageGeometryParameterFromVolumeNode(volume)
            segmentation.SetAndObserveTransformNodeID(volume.GetTransformNodeID())
            segmentation.CreateDefaultDisplayNodes()
            browser.AddProxyNode(segmentation, output, False)  # synchronizes it; done before, that makes another proxy
        isLast = self.frame == browser.GetNumberOfItems() - 1
        if isLast or (self.frame == browser.GetSelectedItemNumber() and not isNew):
            with _emptied(segmentation):
                output.InvokePendingModifiedEvent()

    def finish(self, settings: Settings) -> None:
        super().finish(settings)
        self.before = None  # the sequence is no single result that could be taken back


@contextmanager
def _emptied(segmentation: slicer.vtkMRMLSegmentationNode) -> Iterator[None]:
    """For a block in which Slicer replaces the segments: what it replaces, it takes apart first, voxel by voxel. They
    come back where it does not, as when somebody switched the sequence's synchronization off."""
    before, hidden = Contents(segmentation), hiddenSegments(segmentation)
    with slicer.util.NodeModify(segmentation):
        removeSegments(segmentation.GetSegmentation())
        yield
    if segmentation.GetSegmentation().GetNumberOfSegments():
        setHiddenSegments(segmentation, hidden)
    else:
        before.restore()


def browserOf(volume: slicer.vtkMRMLScalarVolumeNode | None) -> slicer.vtkMRMLSequenceBrowserNode | None:
    """The sequence browser that a volume is a proxy of; None if it is no frame of a sequence."""
    if volume is None:
        return None
    return slicer.modules.sequences.logic().GetFirstBrowserNodeForProxyNode(volume)


def frameCases(volumes: Sequence[slicer.vtkMRMLScalarVolumeNode], regionId: str, target: Target) -> list[FrameCase]:
    """A case for each frame of the first volume's sequence.

    Raises:
        InputError: it is no frame of a sequence.
    """
    browser, name = browserOf(volumes[0]), volumes[0].GetName()
    if browser is None:
        raise InputError(_("“{volume}” is no frame of a sequence; choose one that is.").format(volume=name))
    volumeIds = [volume.GetID() for volume in volumes]
    return [
        FrameCase(
            _("{volume}, frame {number}").format(volume=name, number=frame + 1),
            volumeIds,
            regionId,
            target,
            browser.GetID(),
            frame,
        )
        for frame in range(browser.GetMasterSequenceNode().GetNumberOfDataNodes())
    ]


def _frameOf(
    sequence: slicer.vtkMRMLSequenceNode | None, value: str, volume: slicer.vtkMRMLScalarVolumeNode
) -> slicer.vtkMRMLScalarVolumeNode:
    """The frame at an index value; the volume itself where it is none of a sequence."""
    if sequence is None:
        return volume
    frame = sequence.GetDataNodeAtValue(value, False)  # False: it need not be exactly there
    if frame is None:
        raise LookupError(_("“{sequence}” has no frame at {value}.").format(sequence=sequence.GetName(), value=value))
    return frame


def _newSequence(
    browser: slicer.vtkMRMLSequenceBrowserNode, segmentation: slicer.vtkMRMLSegmentationNode
) -> slicer.vtkMRMLSequenceNode:
    master = browser.GetMasterSequenceNode()
    name = _("{name} sequence").format(name=segmentation.GetName())
    output = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceNode", name)
    output.SetIndexName(master.GetIndexName())
    output.SetIndexUnit(master.GetIndexUnit())
    return output
