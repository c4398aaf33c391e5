"""Segment Editor's widget, as far as panels hand it nodes: it holds them and makes none of its effects."""

from __future__ import annotations

from typing import Any

import slicer
from PySide6.QtCore import Signal

from ..errors import HostError
from ..registry import host_class
from .views import qMRMLWidget


@host_class("slicer")
class qMRMLSegmentEditorWidget(qMRMLWidget):
    """Holds a parameter node, a segmentation and a source volume. Without a parameter node it takes neither."""

    segmentationNodeChanged = Signal(object)
    sourceVolumeNodeChanged = Signal(object)

    def __init__(self, *args: object) -> None:
        super().__init__(*args)
        self._parameters: Any = None

    def setMRMLSegmentEditorNode(self, node: Any) -> None:
        self._parameters = node

    def mrmlSegmentEditorNode(self) -> Any:
        return self._parameters

    def setSegmentationNode(self, node: Any) -> None:
        self._needed().SetAndObserveSegmentationNode(node)
        self.segmentationNodeChanged.emit(node)

    def segmentationNode(self) -> Any:
        return self._needed().GetSegmentationNode()

    def setSourceVolumeNode(self, node: Any) -> None:
        """The first volume of a segmentation becomes its reference geometry, as in Slicer."""
        segmentation = self.segmentationNode()
        if segmentation is None:
            raise HostError("Slicer's editor takes a source volume after the segmentation only")
        role = slicer.vtkMRMLSegmentationNode.GetReferenceImageGeometryReferenceRole()
        if node is not None and segmentation.GetNodeReference(role) is None:
            segmentation.SetReferenceImageGeometryParameterFromVolumeNode(node)
        self._needed().SetAndObserveSourceVolumeNode(node)
        self.sourceVolumeNodeChanged.emit(node)

    def sourceVolumeNode(self) -> Any:
        return self._needed().GetSourceVolumeNode()

    def _needed(self) -> Any:
        if self._parameters is None:
            raise HostError("Segment Editor's widget has no parameter node before its module was shown")
        return self._parameters
