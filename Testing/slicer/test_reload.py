"""Modules that are reloaded while they are shown, by their button and by name."""

from __future__ import annotations

from typing import Any

import pytest

PANELS = ("DiNTSSegmentation", "DiNTSSearch")


@pytest.mark.shown
@pytest.mark.parametrize("how", ["button", "name"])
@pytest.mark.parametrize("name", PANELS)
def test_a_module_that_is_reloaded_is_bound_again(host: Any, name: str, how: str) -> None:
    import slicer

    before = host.open_module(name)
    try:
        before.onReload() if how == "button" else slicer.util.reloadScriptedModule(name)
        host.process_events()
        after = getattr(slicer.modules, f"{name}Widget")
        assert after is not before
        assert not before.panel.isBound
        assert after.panel.isBound
    finally:
        host.close_module(name)


@pytest.mark.parametrize("name", PANELS)
def test_a_module_that_is_reloaded_while_another_is_shown_is_bound_when_it_is_entered(host: Any, name: str) -> None:
    import slicer

    window = host.open_module(name)
    try:
        window.exit()
        window.parent.hide()
        slicer.util.reloadScriptedModule(name)
        after = getattr(slicer.modules, f"{name}Widget")
        assert not after.panel.isBound
        with pytest.raises(RuntimeError, match="not bound"):
            _ = after.panel.parameters
        after.enter()
        assert after.panel.isBound
    finally:
        host.close_module(name)
