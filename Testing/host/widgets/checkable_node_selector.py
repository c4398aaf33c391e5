"""qMRMLCheckableNodeComboBox: choosing several nodes of a scene."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt, Signal

from ..registry import host_class
from .node_selector import qMRMLNodeComboBox


@host_class("slicer")
class qMRMLCheckableNodeComboBox(qMRMLNodeComboBox):
    """A node selector with a check mark for each node."""

    checkedNodesChanged = Signal()

    def __init__(self, *args: object) -> None:
        super().__init__(*args)
        self._checked: set[str] = set()
        self._combo.view().pressed.connect(self._toggle)

    def _toggle(self, index: Any) -> None:
        node = self._scene.GetNodeByID(index.data(Qt.ItemDataRole.UserRole) or "")
        if node is not None:
            self.setCheckState(node, 0 if node.GetID() in self._checked else 2)

    def setCheckState(self, node: Any, state: int) -> None:
        checked = set(self._checked)
        checked.add(node.GetID()) if state else checked.discard(node.GetID())
        if checked != self._checked:
            self._checked = checked
            self.checkedNodesChanged.emit()

    def checkState(self, node: Any) -> int:
        return 2 if node.GetID() in self._checked else 0

    def check(self, node: Any) -> None:
        self.setCheckState(node, 2)

    def uncheck(self, node: Any) -> None:
        self.setCheckState(node, 0)

    def checkedNodes(self) -> list[Any]:
        return [node for node in self._nodes() if node.GetID() in self._checked]

    def uncheckedNodes(self) -> list[Any]:
        return [node for node in self._nodes() if node.GetID() not in self._checked]

    def allChecked(self) -> bool:
        return not self.uncheckedNodes()

    def noneChecked(self) -> bool:
        return not self.checkedNodes()
