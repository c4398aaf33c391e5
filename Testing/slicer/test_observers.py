"""What observes the scene: nothing after a panel was closed, and nothing that the garbage collector can break."""

from __future__ import annotations

import gc
import subprocess
import sys
from typing import Any

import pytest

PANELS = ("DiNTSSegmentation", "DiNTSSearch", "DiNTSEngine")

COLLECTED = """
import gc, slicer, vtk
from Testing.host.observing import Observations

class Owner:
    def __init__(self, node):
        self.node, self.itself, self.observations = node, self, Observations(self)
        self.observations.add(node, "ModifiedEvent", "show")

    def show(self):
        raise AssertionError("it is gone")

kept = vtk.vtkCollection()
kept.AddItem(slicer.vtkMRMLScriptedModuleNode())
Owner(kept.GetItemAsObject(0))
assert gc.collect()
kept.GetItemAsObject(0).Modified()
"""  # `kept` holds the node in C++, where the garbage collector does not see it


@pytest.mark.parametrize("name", PANELS)
def test_a_closed_panel_observes_nothing(host: Any, name: str) -> None:
    widget = host.open_module(name)
    parameters = getattr(getattr(widget, "panel", None), "parameters", None)
    node = parameters.parameterNode if parameters else None
    assert node is None or node.HasObserver("ModifiedEvent")
    del parameters  # which observes the node as well
    host.close_module(name)
    assert node is None or not node.HasObserver("ModifiedEvent")
    assert getattr(widget, "Observations", []) == []


@pytest.mark.parametrize("name", PANELS[:2])
def test_a_panel_that_is_left_removes_no_observer_but_its_own(host: Any, name: str, monkeypatch: Any) -> None:
    """Another's observer came just before the panel's: what the tags are is up to Slicer."""
    widget, seen = host.open_module(name), []
    parameters = type(widget.panel.parameters)
    node = widget.panel.parameters.parameterNode

    def connect(self: Any, mapping: dict[str, Any], whole: Any = parameters.connectParametersToGui) -> int:
        tag = whole(self, mapping)
        self.parameterNode.AddObserver("ModifiedEvent", lambda caller, event: seen.append(event))
        return tag

    monkeypatch.setattr(parameters, "connectParametersToGui", connect)
    widget.exit()
    widget.enter()
    widget.exit()
    seen.clear()
    node.Modified()
    assert seen == ["ModifiedEvent"]


def test_a_collected_observer_is_not_called(running_host: Any) -> None:
    subprocess.run([sys.executable, "-c", COLLECTED], check=True, cwd=running_host.session.REPOSITORY)


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="None is immortal")
def test_calls_of_qt_use_up_no_none(running_host: Any) -> None:
    """PySide6 6.12 gives back a reference to None too many for each; the interpreter ends when none are left."""
    import qt

    label, calls = qt.QLabel(), 10_000
    gc.collect()
    before = sys.getrefcount(None)
    for _call in range(calls):
        label.setText("")
    assert sys.getrefcount(None) > before - calls // 2
