"""The list of models, which opens on demand below the button that names the chosen one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace

import qt
from slicer.i18n import tr as _

from DiNTSLib.plain_text import onButton, plain
from DiNTSSegmentationLib.models import ModelEntry, distinctTitles

PATH_ROLE = 0x0100  # Qt::UserRole: the model's path in an item of the list
NAME_COLUMN, MODALITY_COLUMN, FOLDS_COLUMN, DICE_COLUMN = range(4)
ARROW_SPACE = 36  # pixels of the button beside its text


class ModelButton(qt.QToolButton):
    """Names the chosen model in one line, however narrow the panel is, and opens the list."""

    def __init__(self) -> None:
        super().__init__()
        self._text = ""
        self.checkable = True
        self.toolButtonStyle = qt.Qt.ToolButtonTextBesideIcon
        self.setArrowType(qt.Qt.DownArrow)
        self.setSizePolicy(qt.QSizePolicy.Ignored, qt.QSizePolicy.Fixed)

    def setTitle(self, text: str) -> None:
        """Shows a text as far as there is room for it."""
        self._text = text
        self._elide()

    def resizeEvent(self, event: qt.QResizeEvent) -> None:
        self._elide()

    def _elide(self) -> None:
        elided = qt.QFontMetrics(self.font).elidedText(self._text, qt.Qt.ElideMiddle, self.width - ARROW_SPACE)
        self.text = onButton(elided)


class ModelList:
    """Shows the models that a search leaves. Arrow keys choose; a click, Return or Escape closes it as well.

    Args:
        ui: the panel's widgets.
        onChosen: called with the path of the model that was chosen.
    """

    def __init__(self, ui: SimpleNamespace, onChosen: Callable[[str], None]) -> None:
        self.ui, self._onChosen = ui, onChosen
        self.button = ModelButton()
        self._entries: Sequence[ModelEntry] = ()
        self._path = ""  # of the chosen model, which a search may leave out of the list
        self._isFilling = False
        ui.modelButtonArea.layout().addWidget(self.button)
        ui.modelFrame.visible = False
        self._prepareColumns()
        self.button.connect("toggled(bool)", self._onToggled)
        ui.modelSearch.connect("textChanged(QString)", self._fill)
        ui.modelSearch.connect("returnPressed()", self._onReturn)
        ui.modelTree.connect("itemSelectionChanged()", self._onSelection)
        for signal in ("itemClicked(QTreeWidgetItem*,int)", "itemActivated(QTreeWidgetItem*,int)"):
            ui.modelTree.connect(signal, lambda: self.close())
        self._onKey("Down", ui.modelSearch, qt.Qt.WidgetShortcut, self._enterTree)
        self._onKey("Esc", ui.modelFrame, qt.Qt.WidgetWithChildrenShortcut, self.close)

    def show(self, entries: Sequence[ModelEntry]) -> None:
        """Lists models."""
        self._entries = entries
        self._fill()

    def mark(self, path: str) -> None:
        """The model at `path` is the chosen one; the button names it."""
        self._path = path
        if [item.data(NAME_COLUMN, PATH_ROLE) for item in self.ui.modelTree.selectedItems()] != [path]:
            self._fill()
        for entry, title in zip(self._entries, distinctTitles(self._entries), strict=True):
            if entry.path == path:
                self.button.setTitle(title)
                self.button.toolTip = plain(entry.hint(title))
                return
        self.button.setTitle(_("Choose a model") if self._entries else _("No model is installed"))
        self.button.toolTip = _("Opens the list of the models on this computer.")

    def open(self) -> None:
        self.button.checked = True

    def close(self) -> None:
        self.button.checked = False

    def _prepareColumns(self) -> None:
        header = self.ui.modelTree.header()
        header.setStretchLastSection(False)
        for column in (MODALITY_COLUMN, FOLDS_COLUMN, DICE_COLUMN):
            header.setSectionResizeMode(column, qt.QHeaderView.ResizeToContents)
        header.setSectionResizeMode(NAME_COLUMN, qt.QHeaderView.Stretch)

    def _onKey(self, key: str, widget: qt.QWidget, context: int, function: Callable[[], None]) -> None:
        shortcut = qt.QShortcut(qt.QKeySequence(key), widget)
        shortcut.setContext(context)
        shortcut.connect("activated()", function)

    def _onToggled(self, isOpen: bool) -> None:
        self.ui.modelFrame.visible = isOpen
        self.button.setArrowType(qt.Qt.UpArrow if isOpen else qt.Qt.DownArrow)
        self.ui.modelSearch.clear()
        if isOpen:
            self.ui.modelSearch.setFocus()
            if self.ui.modelTree.currentItem() is not None:
                self.ui.modelTree.scrollToItem(self.ui.modelTree.currentItem())
        else:
            self.button.setFocus()

    def _enterTree(self) -> None:
        tree = self.ui.modelTree
        tree.setFocus()
        if not tree.selectedItems() and tree.topLevelItemCount:
            tree.setCurrentItem(tree.topLevelItem(0))

    def _onReturn(self) -> None:
        """Takes the first model that the search left, unless the chosen one is among them."""
        tree = self.ui.modelTree
        if tree.topLevelItemCount:
            if not tree.selectedItems():
                tree.setCurrentItem(tree.topLevelItem(0))
            self.close()

    def _fill(self) -> None:
        self._isFilling = True
        self.ui.modelTree.clear()
        for entry, title in zip(self._entries, distinctTitles(self._entries), strict=True):
            if entry.matches(self.ui.modelSearch.text):
                item = self._item(entry, title)
                self.ui.modelTree.addTopLevelItem(item)
                if entry.path == self._path:
                    self.ui.modelTree.setCurrentItem(item)
        self._isFilling = False

    @staticmethod
    def _item(entry: ModelEntry, title: str) -> qt.QTreeWidgetItem:
        dice = "" if entry.dice is None else f"{entry.dice:.2f}"
        folds = _("damaged") if entry.problem else str(entry.folds)
        item = qt.QTreeWidgetItem([title, entry.modality, folds, dice])
        item.setData(NAME_COLUMN, PATH_ROLE, entry.path)
        item.setToolTip(NAME_COLUMN, plain(entry.hint(title)))
        return item

    def _onSelection(self) -> None:
        items = self.ui.modelTree.selectedItems()
        if items and not self._isFilling:
            self._onChosen(items[0].data(NAME_COLUMN, PATH_ROLE))
