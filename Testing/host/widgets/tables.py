"""qMRMLTableView: a vtkMRMLTableNode in a table. Unless the node says otherwise, names are its first row."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QTableView, QWidget
from vtkmodules.vtkCommonCore import vtkCommand

from ..observing import Observations
from ..registry import host_class


@host_class("slicer")
class qMRMLTableView(QTableView):
    """Shows a table node, read-only, and follows its changes."""

    mrmlSceneChanged = Signal(object)
    selectionChangedInTable = Signal()

    def __init__(self, *args: object) -> None:
        super().__init__(next((a for a in args if isinstance(a, QWidget)), None))
        self._scene = None
        self._node = None
        self._observations = Observations(self)
        self.setModel(QStandardItemModel(self))

    def mrmlScene(self) -> object:
        return self._scene

    def setMRMLScene(self, scene: object) -> None:
        self._scene = scene
        self.mrmlSceneChanged.emit(scene)

    def mrmlTableNode(self) -> object:
        return self._node

    def setMRMLTableNode(self, node: object) -> None:
        self._observations.clear()
        self._node = node
        if node is not None:
            self._observations.add(node, vtkCommand.ModifiedEvent, "_show")
        self._show()

    def _show(self) -> None:
        model = self.model()
        model.clear()
        table = self._node.GetTable() if self._node is not None else None
        if table is None:
            return
        columns = range(table.GetNumberOfColumns())
        names = [self._node.GetColumnName(column) for column in columns]
        if self._node.GetUseColumnTitleAsColumnHeader():
            model.setHorizontalHeaderLabels(names)
        else:
            model.setHorizontalHeaderLabels([chr(ord("A") + column) for column in columns])
            model.appendRow([QStandardItem(name) for name in names])
        for row in range(table.GetNumberOfRows()):
            model.appendRow([QStandardItem(self._node.GetCellText(row, column)) for column in columns])
