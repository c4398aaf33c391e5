"""`slicer.util.NodeModify`, with what the application does to the node when such a block ends: MRML alone does not."""

from __future__ import annotations

from typing import Any

import slicer


class NodeModify:
    """Compresses the events of a node.

    Where segments were replaced by others with new IDs the first of them is hidden when the block ends, as in Slicer.
    """

    def __init__(self, node: Any) -> None:
        self.node = node

    def __enter__(self) -> Any:
        self._segments = _segment_ids(self.node)
        self._was_modifying = self.node.StartModify()
        return self.node

    def __exit__(self, *_error: object) -> None:
        self.node.EndModify(self._was_modifying)
        now = _segment_ids(self.node)
        if self._segments and now and now[0] not in self._segments and self.node.GetDisplayNode() is not None:
            self.node.GetDisplayNode().SetSegmentVisibility(now[0], False)


def _segment_ids(node: Any) -> tuple[str, ...]:
    return tuple(node.GetSegmentation().GetSegmentIDs()) if isinstance(node, slicer.vtkMRMLSegmentationNode) else ()
