"""The input: one volume selector for each channel of the model, and whether it is a sequence."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from types import SimpleNamespace

import qt
import slicer
from slicer.i18n import tr as _

from DiNTSLib.plain_text import plain
from DiNTSSegmentationLib.sequences import browserOf

NO_IMAGES = ["vtkMRMLLabelMapVolumeNode", "vtkMRMLVectorVolumeNode"]  # scalar volumes in MRML, but not to be segmented
WITHOUT_MODEL = ("volume",)


class InputSection:
    """Makes the selectors.

    Args:
        ui: the panel's widgets.
        onChanged: called with the list of chosen volumes, None where none is chosen.
    """

    def __init__(
        self, ui: SimpleNamespace, onChanged: Callable[[list[slicer.vtkMRMLScalarVolumeNode | None]], None]
    ) -> None:
        self.ui, self._onChanged = ui, onChanged
        self.channels: tuple[str, ...] = ()
        self.selectors: list[slicer.qMRMLNodeComboBox] = []
        self._isFilling = False
        self._labelWidth = 0
        self.setChannels(WITHOUT_MODEL)

    @property
    def volumes(self) -> list[slicer.vtkMRMLScalarVolumeNode | None]:
        return [selector.currentNode() for selector in self.selectors]

    @property
    def isSequence(self) -> bool:
        """Whether the first volume shows a frame of a sequence."""
        return browserOf(self.selectors[0].currentNode()) is not None

    @property
    def frames(self) -> int:
        """Of the sequence that the first volume shows a frame of; 1 if it shows none."""
        browser = browserOf(self.selectors[0].currentNode())
        return browser.GetMasterSequenceNode().GetNumberOfDataNodes() if browser else 1

    def setChannels(self, channels: tuple[str, ...]) -> None:
        """Shows a selector for each; what was chosen stays chosen."""
        channels = channels or WITHOUT_MODEL
        if channels == self.channels:
            return
        previous, self.channels = self.volumes, channels
        form = self.ui.channelArea.layout()
        while form.rowCount():
            form.removeRow(0)
        self.selectors = [self._selector(channel, number) for number, channel in enumerate(channels)]
        for channel, selector in zip(channels, self.selectors, strict=True):
            form.addRow(self._label(channel), selector)
        # What takes the keys is within a selector. Widgets that are not in the .ui file would be reached last.
        stops = [self.ui.removeButton, *(selector.focusProxy() or selector for selector in self.selectors)]
        for before, after in pairwise(stops):
            qt.QWidget.setTabOrder(before, after)
        self.show(previous)

    def show(self, volumes: list[slicer.vtkMRMLScalarVolumeNode | None]) -> None:
        """Selects volumes; for the first channel the one in the views where none is given."""
        self._isFilling = True
        for number, selector in enumerate(self.selectors):
            volume = volumes[number] if number < len(volumes) else None
            selector.setCurrentNode(volume or (self._default() if number == 0 else None))
        self._isFilling = False
        self._onSelected()

    def setLabelWidth(self, width: int) -> None:
        """Aligns the selectors with the fields of the other sections."""
        self._labelWidth = width
        channels, self.channels = self.channels, ()
        self.setChannels(channels)

    def update(self) -> None:
        """Whether the frames of a sequence can be segmented."""
        self.ui.allFramesBox.visible = self.isSequence

    def _label(self, channel: str) -> qt.QLabel:
        label = qt.QLabel(f"{channel[:1].upper()}{channel[1:]}:")
        label.textFormat = qt.Qt.PlainText
        label.minimumWidth = self._labelWidth
        return label

    def _selector(self, channel: str, number: int) -> slicer.qMRMLNodeComboBox:
        """The first channel always has a volume if there is one: a click less."""
        selector = slicer.qMRMLNodeComboBox()
        selector.nodeTypes = ["vtkMRMLScalarVolumeNode"]
        selector.hideChildNodeTypes = NO_IMAGES
        selector.noneEnabled = number > 0
        selector.noneDisplay = _("Choose a volume")
        selector.addEnabled = False
        selector.removeEnabled = False
        selector.toolTip = plain(_("The volume with the model's channel “{channel}”.").format(channel=channel))
        selector.setMRMLScene(slicer.mrmlScene)
        selector.connect("currentNodeChanged(vtkMRMLNode*)", self._onSelected)
        return selector

    def _onSelected(self, _node: slicer.vtkMRMLScalarVolumeNode | None = None) -> None:
        if not self._isFilling:
            self.update()
            self._onChanged(self.volumes)

    def _default(self) -> slicer.vtkMRMLScalarVolumeNode | None:
        """The volume that the slice views show, else the first one: they may show what is not to be segmented."""
        identifier = slicer.app.applicationLogic().GetSelectionNode().GetActiveVolumeID()
        active = slicer.mrmlScene.GetNodeByID(identifier) if identifier else None
        first = self.selectors[0]
        listed = [first.nodeFromIndex(number) for number in range(first.nodeCount())]
        return active if active in listed else next(iter(listed), None)
