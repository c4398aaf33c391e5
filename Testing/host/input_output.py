"""Reading and writing nodes and scenes for `slicer.util.loadVolume` and its relatives, by MRML's own storage nodes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal
from vtkmodules.vtkCommonCore import vtkCommand

from .errors import HostError
from .registry import host_class

FILE_TYPES = {
    ".mrml": "SceneFile",
    ".mrb": "SceneFile",
    ".seg.nrrd": "SegmentationFile",
    ".seq.nrrd": "SequenceFile",
    ".nii": "VolumeFile",
    ".nii.gz": "VolumeFile",
    ".nrrd": "VolumeFile",
    ".mha": "VolumeFile",
    ".csv": "TableFile",
    ".tsv": "TableFile",
    ".txt": "TextFile",
    ".ctbl": "ColorTableFile",
    ".mrk.json": "MarkupsFile",
    ".h5": "TransformFile",
    ".vtp": "ModelFile",
    ".stl": "ModelFile",
}
STORED_CLASSES = {
    "TableFile": "vtkMRMLTableNode",
    "TextFile": "vtkMRMLTextNode",
    "SequenceFile": "vtkMRMLSequenceNode",
    "ColorTableFile": "vtkMRMLColorTableNode",
    "TransformFile": "vtkMRMLTransformNode",
    "ModelFile": "vtkMRMLModelNode",
}  # files that the node's default storage node reads
LABELMAP_OPTION = 1  # of vtkSlicerVolumesLogic::AddArchetypeVolume
SINGLE_FILE_OPTION = 8


@host_class("slicer")
class qSlicerCoreIOManager(QObject):
    """Reads and writes by file type."""

    newFileLoaded = Signal(object)
    fileSaved = Signal(object)

    def __init__(self, scene: Any, logics: dict[str, Any]) -> None:
        super().__init__()
        self._scene = scene
        self._logics = logics
        self._readers: dict[str, Callable[[str, dict], Any]] = {
            "VolumeFile": self._read_volume,
            "SegmentationFile": self._read_segmentation,
            "SceneFile": self._read_scene,
            "MarkupsFile": self._read_markups,
        }

    def fileType(self, path: str) -> str:
        """Type of a file by the longest suffix that is known."""
        fitting = [suffix for suffix in FILE_TYPES if str(path).lower().endswith(suffix)]
        if not fitting:
            raise HostError(f"{path}: the host knows no reader for this file")
        return FILE_TYPES[max(fitting, key=len)]

    def loadNodes(self, file_type: str, properties: dict, loaded: Any = None, messages: Any = None) -> bool:
        path = properties["fileName"]
        reader = self._readers.get(file_type)
        if reader is None and file_type not in STORED_CLASSES:
            raise HostError(f"{path}: the host cannot read a {file_type}")
        is_there = Path(path).exists()
        node = (reader(path, properties) if reader else self._read_stored(file_type, path)) if is_there else None
        if node is None:
            if messages is not None:
                messages.AddMessage(vtkCommand.ErrorEvent, f"{path} cannot be read")
            return False
        if node is not self._scene:
            if properties.get("name") not in (None, "", node.GetName()):
                node.SetName(self._scene.GenerateUniqueName(properties["name"]))
            if loaded is not None:
                loaded.AddItem(node)
        return True

    def _read_volume(self, path: str, properties: dict) -> Any:
        options = LABELMAP_OPTION * bool(properties.get("labelmap"))
        options |= SINGLE_FILE_OPTION * bool(properties.get("singleFile"))
        name = properties.get("name") or Path(path).name.split(".")[0]
        return self._logics["Volumes"].AddArchetypeVolume(path, name, options)

    def _read_segmentation(self, path: str, properties: dict) -> Any:
        name = properties.get("name") or Path(path).name.split(".")[0]
        return self._logics["Segmentations"].LoadSegmentationFromFile(path, True, name)

    def _read_markups(self, path: str, properties: dict) -> Any:
        identifier = self._logics["Markups"].LoadMarkups(path)
        return self._scene.GetNodeByID(identifier) if identifier else None

    def _read_scene(self, path: str, properties: dict) -> Any:
        if path.lower().endswith(".mrb"):
            return self._scene if self._scene.ReadFromMRB(path, bool(properties.get("clear", True))) else None
        self._scene.SetURL(path)
        load = self._scene.Connect if properties.get("clear", True) else self._scene.Import
        return self._scene if load() else None

    def _read_stored(self, file_type: str, path: str) -> Any:
        node = self._scene.AddNewNodeByClass(STORED_CLASSES[file_type], Path(path).name.split(".")[0])
        node.AddDefaultStorageNode(path)
        if node.GetStorageNode().ReadData(node):
            return node
        self._scene.RemoveNode(node)
        return None

    def fileWriterFileType(self, node: Any, path: str = "") -> str:
        return node.GetClassName()

    def saveNodes(self, file_type: str, properties: dict, messages: Any = None) -> bool:
        path = properties["fileName"]
        if file_type == "SceneFile":
            return self._write_scene(path)
        node = self._scene.GetNodeByID(properties["nodeID"])
        if node.GetStorageNode() is None:
            node.AddDefaultStorageNode(path)
        storage = node.GetStorageNode()
        storage.SetFileName(path)
        if "useCompression" in properties:
            storage.SetUseCompression(properties["useCompression"])
        return bool(storage.WriteData(node))

    def _write_scene(self, path: str) -> bool:
        if path.lower().endswith(".mrb"):
            return bool(self._scene.WriteToMRB(path, None))
        if not path.lower().endswith(".mrml"):
            return bool(self._scene.SaveSceneToSlicerDataBundleDirectory(path, None))
        self._scene.SetURL(path)
        self._scene.SetRootDirectory(str(Path(path).parent))
        return bool(self._scene.Commit())
