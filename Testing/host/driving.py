"""Driving a panel from a test: opening it, real mouse and key events, waiting, photographing."""

from __future__ import annotations

import os
import runpy
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import shiboken6
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QColor, QDragEnterEvent, QDropEvent, QPalette
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QComboBox, QScrollArea, QStyleFactory, QWidget

from .convert import unwrap
from .errors import HostError
from .loop import wait_a_turn
from .proxy import delete_pending
from .qt_options import without_qt_options
from .session import REPOSITORY, module_folders, start

PANELS_VARIABLE, HIDDEN = "SLICER_HOST_PANELS", "hidden"  # panels that were opened are not shown
PANEL_SIZE = (500, 800)  # pixels: Slicer's usual module panel

_windows: dict[str, QScrollArea] = {}


def find_module(name: str) -> Path:
    """File of a module by path, or by the name of one of the repository's modules."""
    path = Path(name) if name.endswith(".py") else REPOSITORY / name / f"{name}.py"
    if not path.is_file():
        raise HostError(f"{path}: no such module")
    return path.resolve()


def open_module(name: str | Path, width: int = PANEL_SIZE[0], height: int = PANEL_SIZE[1]) -> Any:
    """Load a module and show its panel in a window of its own; returns the panel (the module's Widget object)."""

    module = load_module(find_module(str(name)))
    if module.categories == ["Testing"]:
        raise HostError(f"{module.name}: outside developer mode Slicer does not show modules of the category Testing")
    if module.name not in _windows:
        window = QScrollArea()
        window.setWidgetResizable(True)
        window.setWidget(unwrap(module.widgetRepresentation()))
        _windows[module.name] = window
    window = _windows[module.name]
    window.setWindowTitle(module.title or module.name)
    window.resize(width, height)
    window.show()
    QTest.qWaitForWindowExposed(window)
    panel = module.widgetRepresentation().self()
    getattr(panel, "enter", lambda: None)()
    process_events()
    window.setHidden(os.environ.get(PANELS_VARIABLE) == HIDDEN)
    return panel


def panel_window(module: str) -> QScrollArea:
    """The window that shows a module's panel."""
    return _windows[module]


def load_module(path: Path) -> Any:
    """Load a scripted module and those of the repository's modules that it names as dependencies."""
    import slicer

    module = unwrap(slicer.app.moduleManager()).load(path)
    for name in module.dependencies:
        if (REPOSITORY / name / f"{name}.py").is_file() and not slicer.app.moduleManager().isModuleLoaded(name):
            load_module(find_module(name))
    return module


def run_script(script: str, *arguments: str) -> int:
    """Run a script as `Slicer --no-main-window --python-script` does; returns what it gave to `slicer.util.exit`.

    All of the repository's modules are loaded before, as Slicer loads all modules. Qt has taken its options by then.
    """
    application = unwrap(start())
    for folder in module_folders():
        if (folder / f"{folder.name}.py").is_file():
            load_module(find_module(folder.name))
    sys.argv = [script, *without_qt_options(arguments)]
    runpy.run_path(script, run_name="__main__")
    return application.exit_code


def close_module(name: str) -> None:
    """Close the panel's window and unload the module, as when Slicer exits."""
    import slicer

    window = _windows.pop(name)
    panel = slicer.app.moduleManager().module(name).widgetRepresentation().self()
    getattr(panel, "exit", lambda: None)()
    window.takeWidget()
    unwrap(slicer.app.moduleManager()).unload(name)
    window.close()
    process_events()


def open_main_window() -> Any:
    """Show Slicer's main window, so that `slicer.util.mainWindow()` and `slicer.app.layoutManager()` find something."""
    import slicer

    from .main_window import make_main_window

    application = unwrap(slicer.app)
    if "window" not in application.parts:
        application.parts["layouts"], application.parts["window"] = make_main_window(application)
    return slicer.util.mainWindow()


def close_main_window() -> None:
    """Back to `--no-main-window`. The panels that were in the window stay loaded."""
    import slicer

    application = unwrap(slicer.app)
    application.parts.pop("layouts")
    window = application.parts.pop("window")
    window.moduleSelector().release()
    window.close()
    shiboken6.delete(window)


def process_events() -> None:
    """Let Qt deliver what is waiting."""
    delete_pending()
    QApplication.processEvents()


def wait_until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Run the event loop until `condition()`; HostError after `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise HostError(f"nothing happened within {seconds} s")
        wait_a_turn()


def click(widget: Any) -> None:
    """Click a widget with the mouse, where the user would: on a button's indicator or label, else in the middle.

    HostError where a user could not click it: it is hidden or disabled.
    """
    raw = reachable(widget)
    if not raw.isVisible() and isinstance(raw, QAbstractButton):  # in a hidden window, where nothing has a place
        raw.click()
        process_events()
        return
    middle = raw.rect().center()
    at = middle if not isinstance(raw, QAbstractButton) or raw.hitButton(middle) else QPoint(12, 10)
    QTest.mouseClick(raw, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at)
    process_events()


def double_click_cell(table: Any, row: int, column: int) -> None:
    """Double-click a cell of a table."""
    raw = reachable(table)
    cell = raw.model().index(row, column)
    raw.scrollTo(cell)
    place = raw.visualRect(cell).center()
    for press in (QTest.mouseClick, QTest.mouseDClick):
        press(raw.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
    process_events()


def type_text(widget: Any, text: str) -> None:
    """Type into a line edit or spin box, in place of what is there, and press Return."""
    raw = reachable(widget)
    target = raw.focusProxy() or raw
    target.setFocus()
    QTest.keyClick(target, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClicks(target, text)
    QTest.keyClick(target, Qt.Key.Key_Return)
    process_events()


def choose(widget: Any, text: str) -> None:
    """Choose the entry `text` of a combo box or node selector with the arrow keys."""
    raw = reachable(widget)
    combo = raw if isinstance(raw, QComboBox) else raw.findChild(QComboBox)
    wanted = combo.findText(text)
    if wanted < 0:
        raise HostError(f"no entry '{text}' among {[combo.itemText(i) for i in range(combo.count())]}")
    QTest.mouseClick(combo, Qt.MouseButton.LeftButton)
    view = combo.view()
    view.setCurrentIndex(combo.model().index(wanted, combo.modelColumn(), combo.rootModelIndex()))
    QTest.keyClick(view, Qt.Key.Key_Return)
    process_events()


def drop_files(widget: Any, *paths: str | Path) -> bool:
    """Drag files over a widget and drop them; True where the widget took them."""
    raw = reachable(widget)
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    place = raw.rect().center()
    how = (Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    entering = QDragEnterEvent(place, *how)
    entering.ignore()
    QApplication.sendEvent(raw, entering)
    if not entering.isAccepted():
        return False
    dropping = QDropEvent(QPointF(place), *how)
    QApplication.sendEvent(raw, dropping)
    process_events()
    return dropping.isAccepted()


def reachable(widget: Any) -> QWidget:
    """The Qt widget, scrolled into view; HostError where the user could not get at it."""
    raw = unwrap(widget)
    if not raw.isVisibleTo(raw.window()):
        raise HostError(f"{type(raw).__name__} '{raw.objectName()}' is hidden")
    if not raw.isEnabled():
        raise HostError(f"{type(raw).__name__} '{raw.objectName()}' is disabled")
    process_events()  # what was just shown has its place now
    ancestor = raw.parentWidget()
    while ancestor is not None:
        if isinstance(ancestor, QScrollArea):
            ancestor.ensureWidgetVisible(raw)
        ancestor = ancestor.parentWidget()
    return raw


def photograph(widget: Any, path: str | Path) -> Path:
    """Save a picture of a widget, or of a module's panel with everything that scrolling would show."""
    raw = unwrap(widget if not hasattr(widget, "parent") or hasattr(type(widget), "_raw_class") else widget.parent)
    process_events()
    if not raw.grab().save(str(path)):
        raise HostError(f"{path} cannot be written")
    return Path(path)


def set_theme(dark: bool) -> None:
    """Slicer's light or dark look: the Fusion style with a palette."""
    QApplication.setStyle(QStyleFactory.create("Fusion"))
    roles = QPalette.ColorRole
    dark_colors = {
        roles.Window: "#353535",
        roles.WindowText: "#ffffff",
        roles.Base: "#232323",
        roles.AlternateBase: "#353535",
        roles.Text: "#ffffff",
        roles.Button: "#353535",
        roles.ButtonText: "#ffffff",
        roles.ToolTipBase: "#353535",
        roles.ToolTipText: "#ffffff",
        roles.PlaceholderText: "#a0a0a0",
        roles.Highlight: "#2a82da",
        roles.HighlightedText: "#000000",
        roles.Link: "#56a5ec",
    }
    light_colors = {roles.Window: "#efefef", roles.Base: "#ffffff", roles.Button: "#efefef"}
    palette = QPalette(QColor("#353535" if dark else "#efefef"))
    for role, color in (dark_colors if dark else light_colors).items():
        palette.setColor(role, QColor(color))
    for role in (roles.WindowText, roles.Text, roles.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, QColor("#7f7f7f"))
    QApplication.setPalette(palette)


__all__ = [
    "choose",
    "click",
    "close_main_window",
    "close_module",
    "double_click_cell",
    "drop_files",
    "find_module",
    "load_module",
    "open_main_window",
    "open_module",
    "panel_window",
    "photograph",
    "process_events",
    "reachable",
    "run_script",
    "set_theme",
    "type_text",
    "wait_until",
]
