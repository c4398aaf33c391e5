"""The panel takes the settings that the engine takes: in its widgets, in its table, and from runs that it opens."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from dints.config import Config, all_settings
from dints.config.listing import default

from .conftest import change_setting, write_run

SMALLEST = ["search.levels=1", "search.finest=1"]  # with which a patch may be as small as can be
WIDGETS = {
    "training.folds": ("foldsBox",),
    "search.memory_budget": ("budgetSlider",),
    "search.iterations": ("iterationsBox",),
    "sampling.patch": ("patchXBox", "patchYBox", "patchZBox"),
}
ENDS = {  # the least and the most of each setting that has a widget
    "training.folds": ("2", "1000"),
    "search.memory_budget": ("5.0e-324", "1.0"),
    "search.iterations": ("1", "1000000000"),
    "sampling.patch": ("[2, 2, 2]", "[2, 33554432, 2]"),
}


def write_settings(folder: Path, overrides: list[str]) -> Config:
    """A run of other settings in place of those of `write_run`."""
    config = Config.load(write_run(folder) / "config.yaml").with_overrides(overrides)
    config.save(folder / "config.yaml")
    return config


def value(config: Config, key: str) -> Any:
    section, name = key.split(".")
    return getattr(getattr(config, section), name)


def open_table(panel: Any) -> Any:
    panel.ui.advancedBox.collapsed = False
    return panel.ui.settingsTable


def shown_in_table(panel: Any, key: str) -> str:
    table = open_table(panel)
    return next(table.item(row, 1).text() for row in range(table.rowCount) if table.item(row, 0).text() == key)


@pytest.mark.parametrize("key", WIDGETS)
def test_the_ends_that_are_tested_are_those_of_the_engine(key: str) -> None:
    known = all_settings()[key]
    ends = [value(Config().with_overrides([*SMALLEST, f"{key}={text}"]), key) for text in ENDS[key]]
    least, most = (list(end) if isinstance(end, tuple) else [end] for end in ends)
    assert min(least) == (known.low if known.low > -math.inf else math.nextafter(known.above, 1))
    assert max(most) == known.high


@pytest.mark.parametrize(
    "override",
    [
        "training.folds=25",
        "search.memory_budget=0.03",
        "sampling.patch=[1024, 32, 32]",
        "search.iterations=2000000",
        *(f"{key}={end}" for key, ends in ENDS.items() for end in ends),
    ],
)
def test_a_run_of_any_legal_settings_is_opened(faked: Any, tmp_path: Path, override: str) -> None:
    config = write_settings(tmp_path / "run", [*SMALLEST, override])
    faked.parameters.runFolder = str(tmp_path / "run")
    assert faked.run.settings == config
    assert faked.parameters.folds == config.training.folds
    assert faked.parameters.memoryBudget == config.search.memory_budget
    for key, names in WIDGETS.items():
        shown = [getattr(faked.ui, name).value for name in names]
        expected = value(config, key)
        assert shown == pytest.approx(list(expected) if isinstance(expected, tuple) else [expected], abs=0.001)
    assert faked.search.changes() == {}


@pytest.mark.parametrize("budget", ["0.1234", "0.03", "1.0e-05", "0.99999"])
def test_a_budget_of_many_decimals_is_not_changed_by_its_slider(checked: Any, tmp_path: Path, budget: str) -> None:
    file = tmp_path / "new" / "config.yaml"
    Config.load(file).with_overrides([f"search.memory_budget={budget}"]).save(file)
    checked.loadSettings()
    checked.refresh()
    assert checked.search.changes() == {}
    checked.ui.budgetSlider.value = 0.25
    assert checked.search.changes() == {"search.memory_budget": "0.25"}


@pytest.mark.parametrize("key", ["training.folds", "search.iterations", "sampling.patch"])
def test_widgets_end_where_the_engine_ends(faked: Any, key: str) -> None:
    known = all_settings()[key]
    for name in WIDGETS[key]:
        widget = getattr(faked.ui, name)
        assert (widget.minimum, widget.maximum) == (known.low, known.high)


def test_a_budget_of_nothing_is_refused_before_the_start(checked: Any, host: Any) -> None:
    checked.ui.budgetSlider.value = 0.0
    assert "search.memory_budget must be above 0" in checked.ui.reasonLabel.text
    assert not checked.ui.startButton.enabled


def test_new_scenes_begin_with_the_papers_settings(faked: Any) -> None:
    paper = Config()
    for key, names in WIDGETS.items():
        expected = value(paper, key)
        shown = [getattr(faked.ui, name).value for name in names]
        assert shown == (list(expected) if isinstance(expected, tuple) else [expected])


def test_every_setting_has_a_widget_or_a_line_of_the_table(checked: Any) -> None:
    table = open_table(checked)
    lines = [table.item(row, 0).text() for row in range(table.rowCount)]
    assert sorted([*lines, *WIDGETS, "race.enabled"]) == sorted(all_settings())  # the list of approaches


def test_the_table_explains_each_setting(checked: Any) -> None:
    table = open_table(checked)
    for row in range(table.rowCount):
        key = table.item(row, 0).text()
        known = all_settings()[key]
        for part in (known.meaning, known.unit, known.limits, default(key)):
            assert part in table.item(row, 1).toolTip()


@pytest.mark.parametrize("key", [key for key in all_settings() if key not in {*WIDGETS, "race.enabled"}])
def test_what_the_table_shows_can_be_entered_there(checked: Any, host: Any, key: str) -> None:
    """Also texts that YAML would read as something else."""
    config = checked.run.settings
    change_setting(host, checked, key, f" {shown_in_table(checked, key)} ")
    assert checked.search.error == ""
    assert checked.search.changed(checked.search.changes()) == config


def test_settings_that_fit_only_together_can_be_entered(checked: Any, host: Any) -> None:
    for name in WIDGETS["sampling.patch"]:
        host.type_text(getattr(checked.ui, name), "128")
    change_setting(host, checked, "search.levels", "6")
    assert checked.ui.reasonLabel.text == ""
    assert checked.ui.startButton.enabled


def test_texts_that_look_like_something_else_are_shown_as_yaml(checked: Any, host: Any, tmp_path: Path) -> None:
    file = tmp_path / "new" / "config.yaml"
    Config.load(file).with_overrides(['task.description="1: 2"']).save(file)
    checked.loadSettings()
    checked.refresh()
    assert shown_in_table(checked, "task.description") == "'1: 2'"
