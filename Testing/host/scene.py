"""The MRML scene with the logics that Slicer starts, and the subject hierarchy items that its plugins would add."""

from __future__ import annotations

from typing import Any

import slicer
from vtkmodules.util.misc import calldata_type
from vtkmodules.vtkCommonCore import VTK_OBJECT, vtkCollection

LOGICS = {
    "Colors": "vtkSlicerColorLogic",
    "Volumes": "vtkSlicerVolumesLogic",
    "Segmentations": "vtkSlicerSegmentationsModuleLogic",
    "Terminologies": "vtkSlicerTerminologiesModuleLogic",
    "SubjectHierarchy": "vtkSlicerSubjectHierarchyModuleLogic",
    "Sequences": "vtkSlicerSequencesLogic",
    "Markups": "vtkSlicerMarkupsLogic",
    "Models": "vtkSlicerModelsLogic",
    "Tables": "vtkSlicerTablesLogic",
    "Texts": "vtkSlicerTextsLogic",
    "Plots": "vtkSlicerPlotsLogic",
    "Units": "vtkSlicerUnitsLogic",
    "Transforms": "vtkSlicerTransformLogic",
    "CropVolume": "vtkSlicerCropVolumeLogic",
}  # Slicer's own modules by name: their logic's class in slicer-core


class Scene:
    """One scene, its application logic and the logics of Slicer's own modules."""

    def __init__(self, temporary_folder: str) -> None:
        self.scene = slicer.vtkMRMLScene()
        self.scene.SetCacheManager(slicer.vtkCacheManager())
        self.scene.GetCacheManager().SetRemoteCacheDirectory(temporary_folder)
        self.scene.SetDataIOManager(slicer.vtkDataIOManager())
        self.scene.GetDataIOManager().SetCacheManager(self.scene.GetCacheManager())
        self.application_logic = slicer.vtkSlicerApplicationLogic()
        self.application_logic.SetTemporaryPath(temporary_folder)
        self.application_logic.SetSliceLogics(vtkCollection())
        self.application_logic.SetMRMLScene(self.scene)
        self.logics: dict[str, Any] = {name: getattr(slicer, cls)() for name, cls in LOGICS.items()}
        for logic in self.logics.values():
            logic.SetMRMLApplicationLogic(self.application_logic)
            logic.SetMRMLScene(self.scene)
        for name, logic in self.logics.items():
            self.application_logic.SetModuleLogic(name, logic)
        for node in ("Selection", "Interaction"):
            self.scene.AddNode(getattr(slicer, f"vtkMRML{node}Node")())
        self._follow()

    def _follow(self) -> None:
        @calldata_type(VTK_OBJECT)
        def added(caller: Any, event: str, node: Any) -> None:
            if not self.scene.IsBatchProcessing():
                add_item(self.scene, node)

        @calldata_type(VTK_OBJECT)
        def removed(caller: Any, event: str, node: Any) -> None:
            remove_item(self.scene, node)

        self.scene.AddObserver(self.scene.NodeAddedEvent, added)
        self.scene.AddObserver(self.scene.NodeRemovedEvent, removed)
        self.scene.AddObserver(self.scene.EndBatchProcessEvent, lambda *_: add_missing_items(self.scene))


def hierarchy(scene: Any) -> Any:
    return slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)


def add_item(scene: Any, node: Any) -> None:
    """Give `node` the item that a subject hierarchy plugin gives it in Slicer: visible, displayable or tabular data."""
    kinds = ("vtkMRMLDisplayableNode", "vtkMRMLTableNode", "vtkMRMLTextNode", "vtkMRMLSequenceNode")
    if node.GetHideFromEditors() or not any(node.IsA(kind) for kind in (*kinds, "vtkMRMLPlotChartNode")):
        return
    found = hierarchy(scene)
    if not found.GetItemByDataNode(node):
        found.CreateItem(found.GetSceneItemID(), node)


def remove_item(scene: Any, node: Any) -> None:
    if node.IsA("vtkMRMLSubjectHierarchyNode") or scene.IsClosing():
        return
    item = hierarchy(scene).GetItemByDataNode(node)
    if item:
        hierarchy(scene).RemoveItem(item, False, False)


def add_missing_items(scene: Any) -> None:
    """After a scene was loaded or closed: items for nodes that came without one."""
    if scene.IsClosing():
        return
    for index in range(scene.GetNumberOfNodes()):
        add_item(scene, scene.GetNthNode(index))
