"""A stand-in for the Qt half of 3D Slicer, to open, click and photograph scripted modules without the application.

Real are the MRML half (the `slicer-core` package: nodes, logics, `slicer.util`) and the windows (PySide6). The host
supplies what lies between: the modules `qt` and `ctk`, `slicer.app`, `slicer.modules`, `slicer.mrmlScene`, the base
classes of scripted modules, typed parameter nodes, and Slicer's own widgets.

It keeps PythonQt's calling conventions, and is stricter than PySide6 where PythonQt is: a panel that works here is
written for Slicer. Every Qt object that a panel sees is a proxy (`proxy.py`) whose members are those that a running
Slicer 5.8.1 lists for that class (`api.json`) *and* that Qt 6 still has: Slicer comes with either. Anything else
raises AttributeError.

    import Testing.host as host
    host.start()                           # once a process; then `import qt, ctk, slicer` work
    panel = host.open_module("path/to/Module.py")
    host.click(panel.ui.applyButton)       # a real mouse event
    host.raise_errors()                    # exceptions in slots are printed, not propagated: collect them
"""

from .driving import (
    choose,
    click,
    close_main_window,
    close_module,
    double_click_cell,
    drop_files,
    open_main_window,
    open_module,
    photograph,
    process_events,
    set_theme,
    type_text,
    wait_until,
)
from .errors import HostError, raise_errors, take_errors
from .i18n import longer_texts
from .reading import as_read, cut_off, is_shown, scrolled
from .session import is_started, start
from .watching import PauseMeter, answering

__all__ = [
    "HostError",
    "PauseMeter",
    "answering",
    "as_read",
    "choose",
    "click",
    "close_main_window",
    "close_module",
    "cut_off",
    "double_click_cell",
    "drop_files",
    "is_shown",
    "is_started",
    "longer_texts",
    "open_main_window",
    "open_module",
    "photograph",
    "process_events",
    "raise_errors",
    "scrolled",
    "set_theme",
    "start",
    "take_errors",
    "type_text",
    "wait_until",
]
