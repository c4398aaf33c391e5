"""Volumes that show a frame of a sequence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import slicer
from slicer.i18n import tr as _

from dints.errors import InputError
from DiNTSSegmentationLib.cases import FrameCase


def browserOf(volume: Any) -> Any:
    """The sequence browser that a volume is a proxy of; None if it is no frame of a sequence."""
    if volume is None:
        return None
    return slicer.modules.sequences.logic().GetFirstBrowserNodeForProxyNode(volume)


def frameCases(volumes: Sequence[Any], segmentation: Any, regionId: str) -> list[FrameCase]:
    """A case for each frame; their results go to a new sequence in the volumes' browser.

    Raises:
        InputError: the first volume is no frame of a sequence.
    """
    browser = browserOf(volumes[0])
    if browser is None:
        raise InputError(_("“{volume}” is no frame of a sequence.").format(volume=volumes[0].GetName()))
    output = _outputSequence(browser, segmentation)
    volumeIds = [volume.GetID() for volume in volumes]
    frames = browser.GetMasterSequenceNode().GetNumberOfDataNodes()
    return [
        FrameCase(
            _("{volume}, frame {number}").format(volume=volumes[0].GetName(), number=frame + 1),
            volumeIds,
            segmentation.GetID(),
            regionId,
            (browser.GetID(), output.GetID()),
            frame,
        )
        for frame in range(frames)
    ]


def _outputSequence(browser: Any, segmentation: Any) -> Any:
    """The sequence of the browser that the segmentation shows; a new one where there is none yet."""
    existing = browser.GetSequenceNode(segmentation)
    if existing is not None:
        return existing
    master = browser.GetMasterSequenceNode()
    output = slicer.mrmlScene.AddNewNodeByClass(
        "vtkMRMLSequenceNode", _("{name} sequence").format(name=segmentation.GetName())
    )
    output.SetIndexName(master.GetIndexName())
    output.SetIndexUnit(master.GetIndexUnit())
    return output
