"""CTK's and Slicer's widgets on PySide6. Plain Qt inside: only their proxies know PythonQt's conventions.

Each class has the name, the Qt properties, signals and methods of the class it stands in for, as far as panels use
them; what it lacks does not exist for a panel either.
"""

from . import (
    buttons,
    checkable_node_selector,
    collapsible,
    combo_boxes,
    node_selector,
    paths,
    plots,
    ranges,
    segment_editor,
    segments,
    sliders,
    spin_boxes,
    tables,
    text,
    views,
)

__all__ = [
    "buttons",
    "checkable_node_selector",
    "collapsible",
    "combo_boxes",
    "node_selector",
    "paths",
    "plots",
    "ranges",
    "segment_editor",
    "segments",
    "sliders",
    "spin_boxes",
    "tables",
    "text",
    "views",
]
