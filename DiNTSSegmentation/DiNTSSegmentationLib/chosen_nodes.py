"""What becomes of the nodes that were chosen: parameters only tell when others are chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import slicer
from slicer.util import VTKObservationMixin
from vtk import vtkCommand

EVENTS = (  # of a node's class, or one that it derives from: those after which Apply may be possible, or no longer
    (slicer.vtkMRMLNode, (vtkCommand.ModifiedEvent,)),
    (slicer.vtkMRMLTransformableNode, (slicer.vtkMRMLTransformableNode.TransformModifiedEvent,)),
    (slicer.vtkMRMLVolumeNode, (slicer.vtkMRMLVolumeNode.ImageDataModifiedEvent,)),
    (slicer.vtkMRMLMarkupsNode, (slicer.vtkMRMLMarkupsNode.PointModifiedEvent,)),
    (
        slicer.vtkMRMLSegmentationNode,
        (
            slicer.vtkSegmentation.SegmentAdded,
            slicer.vtkSegmentation.SegmentRemoved,
            slicer.vtkSegmentation.SegmentModified,
            slicer.vtkSegmentation.SourceRepresentationModified,
        ),
    ),
)


class ChosenNodes(VTKObservationMixin):
    """Observes nodes.

    Args:
        onChanged: called when one of them changed.
    """

    def __init__(self, onChanged: Callable[[], None]) -> None:
        super().__init__()
        self._onChanged = onChanged
        self._nodes: list[slicer.vtkMRMLNode] = []

    def observe(self, nodes: Sequence[slicer.vtkMRMLNode | None]) -> None:
        """Observes these and no others; None is left out."""
        chosen = list({node.GetID(): node for node in nodes if node is not None}.values())
        if chosen == self._nodes:
            return
        self.removeObservers()
        self._nodes = chosen
        for node in chosen:
            for cls, events in EVENTS:
                for event in events if isinstance(node, cls) else ():
                    self.addObserver(node, event, self._onEvent)

    def _onEvent(self, caller: slicer.vtkMRMLNode, event: str) -> None:
        self._onChanged()
