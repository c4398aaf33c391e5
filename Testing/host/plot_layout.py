"""The plot views of the layout that the scene asks for, beside each other in the main window."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import slicer
from PySide6.QtWidgets import QGridLayout, QWidget
from vtkmodules.vtkCommonCore import vtkCommand

from .observing import Observations
from .widgets.plots import qMRMLPlotWidget

PLOT_VIEW = "vtkMRMLPlotViewNode"
COLUMNS = 2


class PlotViews(QWidget):
    """Follows the layout node. Views of slices and 3D in the layout are left out.

    As in Slicer, what a layout says of a view (its label) is for nodes that the layout makes; a node that was there
    before keeps its own.
    """

    def __init__(self, scene: Any) -> None:
        super().__init__()
        self._scene = scene
        self._shown: tuple[str, ...] = ()
        self.widgets: list[qMRMLPlotWidget] = []
        self.node = scene.GetFirstNodeByClass("vtkMRMLLayoutNode") or scene.AddNewNodeByClass("vtkMRMLLayoutNode")
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._observations = Observations(self)
        self._observations.add(self.node, vtkCommand.ModifiedEvent, "_arrange")
        self._arrange()

    def _arrange(self) -> None:
        nodes = [self._node(view) for view in self._views()]
        identifiers = tuple(node.GetID() for node in nodes)
        if identifiers == self._shown:
            return
        self._shown = identifiers
        for widget in self.widgets:
            widget.deleteLater()
        self.widgets = [qMRMLPlotWidget() for _node in nodes]
        for place, (widget, node) in enumerate(zip(self.widgets, nodes, strict=True)):
            widget.setMRMLScene(self._scene)
            widget.setMRMLPlotViewNode(node)
            self._grid.addWidget(widget, *divmod(place, COLUMNS))

    def _views(self) -> Iterator[ElementTree.Element]:
        arrangement = self.node.GetViewArrangement()
        description = self.node.GetLayoutDescription(arrangement) if self.node.IsLayoutDescription(arrangement) else ""
        if description:
            views = ElementTree.fromstring(description).iter("view")
            yield from (view for view in views if view.get("class") == PLOT_VIEW)

    def _node(self, view: ElementTree.Element) -> Any:
        tag = view.get("singletontag")
        found = self._scene.GetSingletonNode(tag, PLOT_VIEW)
        if found is not None:
            return found
        node = slicer.vtkMRMLPlotViewNode()
        node.SetSingletonTag(tag)
        node.SetName(tag)
        label = view.find("property[@name='viewlabel']")
        node.SetLayoutLabel(label.text if label is not None else tag)
        return self._scene.AddNode(node)
