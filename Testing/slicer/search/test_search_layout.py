"""The panel at 400 x 900 pixels: nothing is scrolled and nothing cut off, in every state and in longer words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .conftest import MODULE, FakeProcess
from .states import STATES

NAME = "DiNTSSearch"
LAPTOP = (400, 900)  # pixels
SMALL = (400, 500)
FOOTER = ("startButton", "stopButton", "progressBar", "statusLabel")
PLOT_SHARE = 0.5  # of a plot's width and height that its curves have, at least
NARROW = 300  # pixels
pytestmark = pytest.mark.shown


@pytest.fixture
def panel(words: str, host: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The panel of a laptop, with fake processes."""
    FakeProcess.started = []
    panel = host.open_module(MODULE, *LAPTOP).panel
    panel.logic._makeProcess, panel.missing = FakeProcess, ""
    for line in (panel.search.memory, panel.search.time):
        monkeypatch.setattr(line, "want", lambda *arguments: None)
    panel.refresh()
    yield panel
    host.close_module(NAME)


@pytest.mark.parametrize("state", STATES)
def test_one_step_is_open_and_nothing_is_cut_off_or_scrolled(
    panel: Any, words: str, host: Any, tmp_path: Path, state: str
) -> None:
    STATES[state](panel, tmp_path)
    buttons = [*(section.button for section in panel.sections), panel.ui.logBox]
    assert [button.collapsed for button in buttons].count(False) == 1
    assert host.cut_off(NAME) == []
    if words == "English":
        assert host.scrolled(NAME) == []


@pytest.mark.parametrize("state", ["searching", "retraining", "failed"])
def test_start_and_progress_are_in_sight_in_a_small_window(panel: Any, host: Any, tmp_path: Path, state: str) -> None:
    from Testing.host.convert import unwrap
    from Testing.host.driving import panel_window

    window = panel_window(NAME)
    window.resize(*SMALL)
    STATES[state](panel, tmp_path)
    assert [text for text in host.scrolled(NAME) if not text.startswith("scrollArea")] == []
    for widget in (unwrap(getattr(panel.ui, name)) for name in FOOTER):
        if widget.isVisible():
            bottom = widget.mapTo(window, widget.rect().bottomLeft()).y()
            assert 0 < bottom < window.height()


@pytest.mark.parametrize("state", ["searching", "retraining"])
def test_the_axes_of_a_plot_can_be_read_at_300_pixels(panel: Any, host: Any, tmp_path: Path, state: str) -> None:
    from Testing.host.convert import unwrap
    from Testing.host.driving import panel_window
    from Testing.host.widgets.plots import qMRMLPlotView

    STATES[state](panel, tmp_path)
    window = panel_window(NAME)
    window.resize(NARROW + window.width() - unwrap(panel.ui.scrollArea).viewport().width(), LAPTOP[1])
    host.process_events()
    for view in (view for view in window.findChildren(qMRMLPlotView) if view.isVisible()):
        axes = view.axes()
        assert axes.area.width() >= PLOT_SHARE * view.width()
        assert axes.area.height() >= PLOT_SHARE * view.height()
        assert min(len(axes.x_numbers), len(axes.y_numbers)) >= 3
        assert all(axes.titles)
        assert view.rect().contains(axes.area.toAlignedRect())
