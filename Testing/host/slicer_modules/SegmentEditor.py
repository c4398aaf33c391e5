"""Slicer's own module of that name: its panel has the editor, which gets its parameter node when it is shown."""

import slicer
from slicer.ScriptedLoadableModule import ScriptedLoadableModule, ScriptedLoadableModuleWidget

NODE = "vtkMRMLSegmentEditorNode"


class SegmentEditor(ScriptedLoadableModule):
    """Describes the module."""

    def __init__(self, parent):
        super().__init__(parent)
        parent.title = "Segment Editor"
        parent.categories = ["", "Segmentation"]


class SegmentEditorWidget(ScriptedLoadableModuleWidget):
    """The panel."""

    def setup(self):
        super().setup()
        self.editor = slicer.qMRMLSegmentEditorWidget()
        self.editor.setMRMLScene(slicer.mrmlScene)
        self.layout.addWidget(self.editor)

    def enter(self):
        node = slicer.mrmlScene.GetSingletonNode("SegmentEditor", NODE)
        if node is None:
            node = slicer.mrmlScene.CreateNodeByClass(NODE)
            node.UnRegister(None)
            node.SetSingletonTag("SegmentEditor")
            node = slicer.mrmlScene.AddNode(node)
        self.editor.setMRMLSegmentEditorNode(node)

    def exit(self):
        pass
