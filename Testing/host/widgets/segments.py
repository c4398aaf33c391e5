"""Widgets that show the segments of a segmentation node."""

from __future__ import annotations

from typing import Any

import slicer
from PySide6.QtCore import Property, QItemSelection, Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from ..observing import Observations
from ..registry import host_class
from .kept import kept_property
from .views import qMRMLWidget

VISIBILITY, COLOR, NAME = range(3)
SURFACE = "Closed surface"  # name of the representation shown in 3D


@host_class("slicer")
class qMRMLSegmentsTableView(qMRMLWidget):
    """Table of segments: visibility, colour, name."""

    selectionChanged = Signal(QItemSelection, QItemSelection)

    def __init__(self, *args: object) -> None:
        super().__init__(*args)
        self._node = None
        self._observations = Observations(self)
        self._hidden: list[str] = []
        self._header_visible = True
        self._table = QTableWidget(0, 3, self)
        self._table.setHorizontalHeaderLabels(["", "", "Name"])
        self._table.verticalHeader().hide()
        self._table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        header = self._table.horizontalHeader()
        header.setSectionResizeMode(NAME, QHeaderView.ResizeMode.Stretch)
        for column in (VISIBILITY, COLOR):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._table)
        self._table.itemChanged.connect(self._edited)
        self._table.selectionModel().selectionChanged.connect(self.selectionChanged)

    def tableWidget(self) -> QTableWidget:
        return self._table

    def segmentationNode(self) -> Any:
        return self._node

    def setSegmentationNode(self, node: Any) -> None:
        self._observations.clear()
        self._node = node
        if node is not None:
            events = (slicer.vtkSegmentation.SegmentAdded, slicer.vtkSegmentation.SegmentRemoved)
            for event in (*events, slicer.vtkSegmentation.SegmentModified, node.DisplayModifiedEvent):
                self._observations.add(node, event, "_show")
        self._show()

    def displayedSegmentIDs(self) -> list[str]:
        if self._node is None:
            return []
        return [name for name in self._node.GetSegmentation().GetSegmentIDs() if name not in self._hidden]

    def _show(self) -> None:
        selected = self.selectedSegmentIDs()
        names = self.displayedSegmentIDs()
        self._table.blockSignals(True)
        self._table.setRowCount(len(names))
        for row, name in enumerate(names):
            self._show_row(row, name)
        self._table.blockSignals(False)
        self.setSelectedSegmentIDs(selected)

    def _show_row(self, row: int, name: str) -> None:
        segment = self._node.GetSegmentation().GetSegment(name)
        display = self._node.GetDisplayNode()
        visible = display is None or display.GetSegmentVisibility(name)
        shown = QTableWidgetItem()
        shown.setCheckState(Qt.CheckState.Checked if visible else Qt.CheckState.Unchecked)
        color = QTableWidgetItem()
        color.setBackground(QColor.fromRgbF(*segment.GetColor()))
        color.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable)
        title = QTableWidgetItem(segment.GetName())
        title.setData(Qt.ItemDataRole.UserRole, name)
        for column, item in ((VISIBILITY, shown), (COLOR, color), (NAME, title)):
            self._table.setItem(row, column, item)

    def _edited(self, item: QTableWidgetItem) -> None:
        name = self.segmentIDForRow(item.row())
        if item.column() == NAME:
            self._node.GetSegmentation().GetSegment(name).SetName(item.text())
        elif item.column() == VISIBILITY and self._node.GetDisplayNode() is not None:
            self._node.GetDisplayNode().SetSegmentVisibility(name, item.checkState() == Qt.CheckState.Checked)

    def segmentIDForRow(self, row: int) -> str:
        return self._table.item(row, NAME).data(Qt.ItemDataRole.UserRole)

    def rowForSegmentID(self, name: str) -> int:
        names = self.displayedSegmentIDs()
        return names.index(name) if name in names else -1

    def selectedSegmentIDs(self) -> list[str]:
        return [self.segmentIDForRow(index.row()) for index in self._table.selectionModel().selectedRows()]

    def setSelectedSegmentIDs(self, names: list[str]) -> None:
        self._table.clearSelection()
        for row in (self.rowForSegmentID(name) for name in names):
            if row >= 0:
                self._table.selectRow(row)

    def clearSelection(self) -> None:
        self._table.clearSelection()

    def setHideSegments(self, names: list[str]) -> None:
        self._hidden = list(names)
        self._show()

    def hideSegments(self) -> list[str]:
        return self._hidden

    def setSelectionMode(self, mode: int) -> None:
        self._table.setSelectionMode(QAbstractItemView.SelectionMode(mode))

    def setReadOnly(self, value: bool) -> None:
        triggers = QAbstractItemView.EditTrigger
        self._table.setEditTriggers(triggers.NoEditTriggers if value else triggers.DoubleClicked)

    def setHeaderVisible(self, visible: bool) -> None:
        self._header_visible = visible
        self._table.horizontalHeader().setVisible(visible)

    def setVisibilityColumnVisible(self, visible: bool) -> None:
        self._table.setColumnHidden(VISIBILITY, not visible)

    def setColorColumnVisible(self, visible: bool) -> None:
        self._table.setColumnHidden(COLOR, not visible)

    def _is_read_only(self) -> bool:
        return self._table.editTriggers() == QAbstractItemView.EditTrigger.NoEditTriggers

    filterBarVisible = kept_property(bool, False)
    jumpToSelectedSegmentEnabled = kept_property(bool, False)
    layerColumnVisible = kept_property(bool, False)
    opacityColumnVisible = kept_property(bool, True)
    statusColumnVisible = kept_property(bool, False)
    textFilter = kept_property(str, "")
    segmentCount = Property(int, lambda self: len(self.displayedSegmentIDs()))
    readOnly = Property(bool, _is_read_only, setReadOnly)
    headerVisible = Property(bool, lambda self: self._header_visible, setHeaderVisible)
    selectionMode = Property(int, lambda self: self._table.selectionMode().value, setSelectionMode)
    visibilityColumnVisible = Property(
        bool, lambda self: not self._table.isColumnHidden(VISIBILITY), setVisibilityColumnVisible
    )
    colorColumnVisible = Property(bool, lambda self: not self._table.isColumnHidden(COLOR), setColorColumnVisible)


@host_class("slicer")
class qMRMLSegmentationShow3DButton(QPushButton):
    """Creates or removes the closed surface of a segmentation."""

    def __init__(self, *args: object) -> None:
        super().__init__(next((a for a in args if isinstance(a, QWidget)), None))
        self._node = None
        self._locked = False
        self._observations = Observations(self)
        self.setText("Show 3D")
        self.setCheckable(True)
        self.setEnabled(False)
        self.clicked.connect(self._switch)

    def segmentationNode(self) -> Any:
        return self._node

    def setSegmentationNode(self, node: Any) -> None:
        self._observations.clear()
        self._node = node
        if node is not None:
            events = (slicer.vtkSegmentation.SegmentAdded, slicer.vtkSegmentation.SegmentRemoved)
            for event in (*events, slicer.vtkSegmentation.ContainedRepresentationNamesModified):
                self._observations.add(node, event, "_follow")
        self._follow()

    def _follow(self) -> None:
        segmentation = self._node.GetSegmentation() if self._node is not None else None
        self.setEnabled(segmentation is not None and segmentation.GetNumberOfSegments() > 0)
        self.setChecked(segmentation is not None and segmentation.ContainsRepresentation(SURFACE))

    def _switch(self, shown: bool) -> None:
        if shown:
            self._node.CreateClosedSurfaceRepresentation()
        else:
            self._node.RemoveClosedSurfaceRepresentation()

    def setLocked(self, locked: bool) -> None:
        self._locked = locked

    locked = Property(bool, lambda self: self._locked, setLocked)
