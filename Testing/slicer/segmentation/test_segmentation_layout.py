"""The panel at 400 x 900 pixels and in a window of Slicer: what a user sees without scrolling, in every state."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from .conftest import MODULE
from .states import LONG_TITLE, MODELS, ON_THE_WAY, STATES, finished, listing, models

NAME = "DiNTSSegmentation"
LAPTOP = (400, 900)  # pixels
IN_SLICER = (480, 680)  # the panel in a window of 1600 x 1000
SMALL = (400, 500)
WAY = [state.__name__ for state in ON_THE_WAY]
AT_ONCE = {*WAY, "listing", "described", "damaged", "edited", "finished"}  # states that a laptop shows whole
FOOTER = ("applyButton", "reasonArea", "statusLabel", "progressBar", "cancelButton")


pytestmark = pytest.mark.shown
in_english = pytest.mark.parametrize("words", [False], ids=["English"], indirect=True)


@pytest.fixture
def panel(words: str, host: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The panel of a laptop with fifty models, which asks no engine."""
    from DiNTSSegmentationLib import model_section, panel

    monkeypatch.setattr(model_section, "installedModels", models)
    monkeypatch.setattr(panel.dependencies, "missing", lambda: [])
    opened = host.open_module(MODULE, *LAPTOP).panel
    monkeypatch.setattr(opened.logic, "estimate", lambda *arguments: None)
    yield opened
    host.close_module(NAME)


def resize(host: Any, size: tuple[int, int]) -> Any:
    from Testing.host.driving import panel_window

    window = panel_window(NAME)
    window.resize(*size)
    host.process_events()
    return window


def is_in_sight(host: Any, widget: Any) -> bool:
    """Whether all of a widget is where a user sees it."""
    from Testing.host.convert import unwrap

    host.scrolled(NAME)  # everything has its place then
    raw = unwrap(widget)
    return raw.isVisible() and raw.visibleRegion().boundingRect() == raw.rect()


@pytest.mark.parametrize("state", STATES)
def test_nothing_is_cut_off_or_scrolled_on_a_laptop(panel: Any, words: str, host: Any, state: str) -> None:
    STATES[state](panel)
    assert host.cut_off(NAME) == []
    if words == "English" and state in AT_ONCE:
        assert host.scrolled(NAME) == []


@pytest.mark.parametrize("state", WAY)
def test_nothing_is_scrolled_in_a_window_of_slicer(panel: Any, host: Any, state: str) -> None:
    resize(host, IN_SLICER)
    STATES[state](panel)
    assert host.scrolled(NAME) == []


@pytest.mark.parametrize("size", [IN_SLICER, SMALL], ids=["in Slicer", "small"])
@pytest.mark.parametrize("state", ["ready", "described", "running", "finished", "failed", "batch"])
def test_apply_and_progress_are_always_in_sight(panel: Any, host: Any, state: str, size: tuple[int, int]) -> None:
    resize(host, size)
    STATES[state](panel)
    assert [text for text in host.scrolled(NAME) if not text.startswith("scrollArea")] == []
    widgets = [getattr(panel.ui, name) for name in FOOTER]
    assert [widget.objectName for widget in widgets if host.is_shown(widget) and not is_in_sight(host, widget)] == []
    assert is_in_sight(host, panel.ui.applyButton)


@pytest.mark.parametrize("size", [LAPTOP, IN_SLICER], ids=["laptop", "in Slicer"])
def test_results_come_up_by_themselves(panel: Any, host: Any, size: tuple[int, int]) -> None:
    resize(host, size)
    assert panel.ui.resultsSection.collapsed
    finished(panel)
    assert not panel.ui.resultsSection.collapsed
    host.wait_until(lambda: is_in_sight(host, panel.ui.resultsSection))
    assert is_in_sight(host, panel.ui.applyButton)


@in_english
def test_the_footer_keeps_its_height_from_the_reason_to_the_prediction(panel: Any, host: Any) -> None:
    height = panel.ui.footer.height
    assert panel.ui.reasonLabel.text == "Choose a volume for “MRI”."
    STATES["ready"](panel)
    host.scrolled(NAME)
    assert panel.ui.estimateLabel.text
    assert panel.ui.footer.height <= height + 2 * panel.ui.applyButton.height
    panel.estimate.stop()
    host.scrolled(NAME)
    assert panel.ui.footer.height == height


@in_english
def test_a_long_name_is_elided_and_whole_in_the_tool_tip(panel: Any, host: Any) -> None:
    STATES["long_name"](panel)
    host.scrolled(NAME)
    button = panel.models.list.button
    assert "…" in button.text
    assert button.text[:5] == LONG_TITLE[:5]
    assert button.toolTip.startswith(LONG_TITLE)
    assert "/models/1.zip" in button.toolTip
    shorter = len(button.text)
    resize(host, (700, 900))
    assert len(button.text) > shorter
    host.click(button)
    item = panel.ui.modelTree.selectedItems()[0]
    assert item.text(0) == LONG_TITLE
    assert item.toolTip(0).startswith(LONG_TITLE)


@in_english
def test_the_list_of_fifty_models_is_used_with_the_keyboard(panel: Any, host: Any) -> None:
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest
    from PySide6.QtWidgets import QApplication
    from Testing.host.convert import unwrap

    def press(text: str) -> None:
        keys = {"Return": Qt.Key.Key_Return, "Down": Qt.Key.Key_Down, "Escape": Qt.Key.Key_Escape}
        field = QApplication.focusWidget()
        QTest.keyClick(field, keys[text]) if text in keys else QTest.keyClicks(field, text)
        host.process_events()

    models, frame = panel.models, unwrap(panel.ui.modelFrame)
    unwrap(panel.ui.modelSearch).window().activateWindow()
    assert not frame.isVisible()
    listing(panel)
    assert frame.isVisible()
    assert panel.ui.modelTree.topLevelItemCount == MODELS
    press("model 41")
    press("Return")
    assert not frame.isVisible()
    assert models.chosen.name == "model 41"
    models.list.open()
    assert panel.ui.modelSearch.text == ""
    assert is_in_sight(host, panel.ui.modelTree)
    press("model 2")
    press("Down")
    press("Down")
    assert models.chosen.name == "model 12"  # after "2.zip"
    press("Escape")
    assert not frame.isVisible()
    models.list.open()
    press("no such model")
    press("Return")
    assert frame.isVisible()
    assert models.chosen.name == "model 12"


@in_english
def test_the_tab_key_goes_through_the_panel_as_it_stands(panel: Any, host: Any) -> None:
    """Widgets that are not in the .ui file, the model's button and the selectors of volumes, came after all others."""
    from Testing.host.convert import unwrap

    STATES["ready"](panel)
    ui, button = panel.ui, panel.models.list.button
    stops = [ui.tryButton, button, ui.detailsButton, *panel.inputs.selectors, ui.allFramesBox, ui.regionSelector]
    chain, widget = [], unwrap(ui.tryButton)
    while widget not in chain:
        chain.append(widget)
        widget = widget.nextInFocusChain()
    widgets = [unwrap(stop) for stop in [*stops, ui.applyButton]]
    places = [chain.index(widget.focusProxy() or widget) for widget in widgets]
    assert places == sorted(places)
