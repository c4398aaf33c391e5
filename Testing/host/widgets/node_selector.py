"""qMRMLNodeComboBox: choosing a node of a scene."""

from __future__ import annotations

from typing import Any

import slicer
from PySide6.QtCore import Property, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QInputDialog, QSizePolicy, QWidget
from vtkmodules.vtkCommonCore import vtkCommand

from ..observing import Observations
from ..registry import host_class
from .kept import kept_property

MINIMUM_CHARACTERS = 10  # a selector may be narrower than its longest node name


@host_class("slicer")
class qMRMLNodeComboBox(QWidget):
    """A combo box of the scene's nodes of some classes. Disabled until it has a scene."""

    currentNodeChanged = Signal((object,), (bool,))
    currentNodeIDChanged = Signal(str)
    nodeActivated = Signal(object)
    nodeAdded = Signal(object)
    nodeAddedByUser = Signal(object)
    nodeAboutToBeRemoved = Signal(object)

    def __init__(self, *args: object) -> None:
        super().__init__(next((a for a in args if isinstance(a, QWidget)), None))
        self._scene = None
        self._current_id = ""
        self._requested_id = ""
        self._node_types: list[str] = []
        self._hidden_types: list[str] = []
        self._attributes: list[tuple[str, str, str | None]] = []
        self._labels: dict[str, str] = {}
        self._base_name = ""
        self._none_text = "None"
        self._flags = {
            "none": False,
            "add": True,
            "remove": True,
            "rename": False,
            "edit": False,
            "show_hidden": False,
            "show_children": True,
            "select_new": True,
        }
        self._scene_observations = Observations(self)
        self._name_observations = Observations(self)
        self._combo = QComboBox(self)
        self._combo.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._combo.setMinimumContentsLength(MINIMUM_CHARACTERS)
        self._combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._combo)
        self.setFocusProxy(self._combo)
        self.setEnabled(False)
        self._combo.activated.connect(self._activated)

    # The scene

    def mrmlScene(self) -> Any:
        return self._scene

    def setMRMLScene(self, scene: Any) -> None:
        if scene is self._scene:
            return
        self._scene_observations.clear()
        self._scene = scene
        if scene is not None:
            self._scene_observations.add_with_node(scene, scene.NodeAddedEvent, "_node_was_added")
            self._scene_observations.add_with_node(scene, scene.NodeAboutToBeRemovedEvent, "_node_will_go")
            self._scene_observations.add(scene, scene.NodeRemovedEvent, "_refresh")
            self._scene_observations.add(scene, scene.EndBatchProcessEvent, "_refresh")
        self.setEnabled(scene is not None)
        self._refresh()

    def _accepts(self, node: Any) -> bool:
        fitting = (
            t for t in self._node_types if node.IsA(t) and (self._flags["show_children"] or node.GetClassName() == t)
        )
        if next(fitting, None) is None or any(node.IsA(hidden) for hidden in self._hidden_types):
            return False
        if node.GetHideFromEditors() and not self._flags["show_hidden"]:
            return False
        return all(self._has_attribute(node, *wanted) for wanted in self._attributes)

    @staticmethod
    def _has_attribute(node: Any, node_type: str, name: str, value: str | None) -> bool:
        found = node.GetAttribute(name)
        return not node.IsA(node_type) or (found is not None and value in (None, found))

    def _nodes(self) -> list[Any]:
        if self._scene is None:
            return []
        count = self._scene.GetNumberOfNodes()
        return [n for n in (self._scene.GetNthNode(i) for i in range(count)) if self._accepts(n)]

    def _node_was_added(self, node: Any) -> None:
        if self._scene.IsBatchProcessing():
            return
        self._refresh()
        if self._accepts(node):
            self.nodeAdded.emit(node)

    def _node_will_go(self, node: Any) -> None:
        if self._accepts(node):
            self.nodeAboutToBeRemoved.emit(node)

    def _refresh(self) -> None:
        """List the nodes anew and keep the selection; without a "None" entry, some node is selected if there is one."""
        if self._scene is not None and self._scene.IsBatchProcessing():
            return
        nodes = self._nodes()
        identifiers = [node.GetID() for node in nodes]
        self._combo.blockSignals(True)
        self._combo.clear()
        if self._flags["none"]:
            self._combo.addItem(self._none_text, "")
        for node in nodes:
            self._combo.addItem(node.GetName() or "", node.GetID())
        self._add_actions()
        self._combo.blockSignals(False)
        self._name_observations.clear()
        for node in nodes:
            self._name_observations.add(node, vtkCommand.ModifiedEvent, "_show_names")
        fallback = "" if self._flags["none"] or not identifiers else identifiers[0]
        wanted, self._requested_id = self._requested_id or self._current_id, ""
        self._select(wanted if wanted in identifiers else fallback)

    def _show_names(self) -> None:
        for node in self._nodes():
            index = self._combo.findData(node.GetID())
            if index >= 0 and node.GetName() != self._combo.itemText(index):
                self._combo.setItemText(index, node.GetName())

    # The entries that do something

    def _add_actions(self) -> None:
        label = self.nodeTypeLabel(self._node_types[0]) if self._node_types else "Node"
        actions = []
        if self._flags["add"]:
            actions += [(f"Create new {self.nodeTypeLabel(t)}", ("add", t)) for t in self._node_types]
        if self._flags["rename"]:
            actions.append((f"Rename current {label}", ("rename", "")))
        if self._flags["remove"]:
            actions.append((f"Delete current {label}", ("remove", "")))
        if actions and self._combo.count():
            self._combo.insertSeparator(self._combo.count())
        for text, action in actions:
            self._combo.addItem(text, action)

    def _activated(self, index: int) -> None:
        chosen = self._combo.itemData(index)
        if isinstance(chosen, (tuple, list)):
            self._select(self._current_id)
            self._act(*chosen)
            return
        self._select(chosen or "")
        self.nodeActivated.emit(self.currentNode())

    def _act(self, action: str, node_type: str) -> None:
        if action == "add":
            self.nodeAddedByUser.emit(self.addNode(node_type))
        elif action == "remove":
            self.removeCurrentNode()
        else:
            self.renameCurrentNode()

    def addNode(self, node_type: str = "") -> Any:
        """Add a node of `node_type`, by default the first of the selector's; select it."""
        node = self._scene.CreateNodeByClass(node_type or self._node_types[0])
        node.UnRegister(None)
        node.SetName(self._scene.GenerateUniqueName(self._base_name or node.GetNodeTagName()))
        for wanted_type, name, value in self._attributes:
            if node.IsA(wanted_type):
                node.SetAttribute(name, value or "")
        self._scene.AddNode(node)
        if self._flags["select_new"]:
            self.setCurrentNode(node)
        return node

    def removeCurrentNode(self) -> None:
        if self.currentNode() is not None:
            self._scene.RemoveNode(self.currentNode())

    def renameCurrentNode(self) -> None:
        node = self.currentNode()
        if node is None:
            return
        name, accepted = QInputDialog.getText(self, "Rename", "New name:", text=node.GetName())
        if accepted and name:
            node.SetName(name)

    # The selection

    def _select(self, identifier: str) -> None:
        index = self._combo.findData(identifier)
        self._combo.blockSignals(True)
        self._combo.setCurrentIndex(index if identifier or self._flags["none"] else -1)
        self._combo.blockSignals(False)
        if identifier == self._current_id:
            return
        self._current_id = identifier
        node = self.currentNode()
        self.currentNodeChanged[object].emit(node)
        self.currentNodeChanged[bool].emit(node is not None)
        self.currentNodeIDChanged.emit(identifier)

    def currentNode(self) -> Any:
        return self._scene.GetNodeByID(self._current_id) if self._scene is not None and self._current_id else None

    def setCurrentNode(self, node: Any) -> None:
        self.setCurrentNodeID(node if isinstance(node, str) else node.GetID() if node is not None else "")

    def setCurrentNodeID(self, identifier: str | None) -> None:
        wanted = identifier or ""
        if wanted and self._scene is not None and self._scene.IsBatchProcessing():
            self._requested_id = wanted  # the list is brought up to date when the scene is
        self._select(wanted if wanted and self._combo.findData(wanted) >= 0 else "")

    def setCurrentNodeIndex(self, index: int) -> None:
        nodes = self._nodes()
        self.setCurrentNode(nodes[index] if 0 <= index < len(nodes) else None)

    def nodeCount(self) -> int:
        return len(self._nodes())

    def nodeFromIndex(self, index: int) -> Any:
        nodes = self._nodes()
        return nodes[index] if 0 <= index < len(nodes) else None

    def addAttribute(self, node_type: str, name: str, value: str | None = None) -> None:
        """List nodes of `node_type` only if they have the attribute (with this value)."""
        self._attributes.append((node_type, name, value))
        self._refresh()

    def removeAttribute(self, node_type: str, name: str) -> None:
        self._attributes = [a for a in self._attributes if a[:2] != (node_type, name)]
        self._refresh()

    def nodeTypeLabel(self, node_type: str) -> str:
        scene = self._scene if self._scene is not None else slicer.mrmlScene
        return self._labels.get(node_type) or scene.GetTypeDisplayNameByClassName(node_type) or node_type

    def setNodeTypeLabel(self, label: str, node_type: str) -> None:
        self._labels[node_type] = label
        self._refresh()

    # Properties

    def _set_node_types(self, types: list[str]) -> None:
        self._node_types = list(types)
        self._refresh()

    def _set_hidden_types(self, types: list[str]) -> None:
        self._hidden_types = list(types)
        self._refresh()

    def _set_base_name(self, name: str) -> None:
        self._base_name = name

    def _set_none_text(self, text: str) -> None:
        self._none_text = text
        self._refresh()

    @staticmethod
    def _flag(key: str) -> Property:
        def write(self: qMRMLNodeComboBox, value: bool) -> None:
            self._flags[key] = value
            self._refresh()

        return Property(bool, lambda self: self._flags[key], write)

    nodeTypes = Property("QStringList", lambda self: self._node_types, _set_node_types)
    hideChildNodeTypes = Property("QStringList", lambda self: self._hidden_types, _set_hidden_types)
    baseName = Property(str, lambda self: self._base_name, _set_base_name)
    noneDisplay = Property(str, lambda self: self._none_text, _set_none_text)
    currentNodeID = Property(str, lambda self: self._current_id, setCurrentNodeID)
    currentNodeId = Property(str, lambda self: self._current_id, setCurrentNodeID)
    sizeAdjustPolicy = kept_property(int, 0)
    noneEnabled = _flag("none")
    addEnabled = _flag("add")
    removeEnabled = _flag("remove")
    renameEnabled = _flag("rename")
    editEnabled = _flag("edit")
    showHidden = _flag("show_hidden")
    showChildNodeTypes = _flag("show_children")
    selectNodeUponCreation = _flag("select_new")
