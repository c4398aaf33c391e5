"""How the architecture comes about: search, race or zoo; a race as it runs; and whether the search paid."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from .conftest import start, write_run
from .states import write_comparison, write_race

SEARCH, RACE, ZOO = "as time allows", "search and race", "from the zoo"


def texts(table: Any, column: int = 0) -> list[str]:
    return [table.item(row, column).text() for row in range(table.rowCount)]


def option(arguments: list[str], name: str) -> list[str]:
    return [after for before, after in itertools.pairwise(arguments) if before == name]


def test_a_search_has_no_race_unless_it_is_chosen(checked: Any, host: Any, processes: list[Any]) -> None:
    assert checked.ui.approachBox.currentText == SEARCH
    start(host, checked, checked.search)
    assert not any("race" in change for change in option(processes[-1].arguments, "--set"))


def test_a_race_is_a_setting_of_the_search(checked: Any, host: Any, processes: list[Any]) -> None:
    checked.open(checked.search)
    host.choose(checked.ui.approachBox, RACE)
    start(host, checked, checked.search)
    assert processes[-1].arguments[0] == "search"
    assert "race.enabled=true" in option(processes[-1].arguments, "--set")


def test_the_zoo_is_listed_with_figures_and_its_choice_is_taken(
    checked: Any, host: Any, processes: list[Any], tmp_path: Path
) -> None:
    checked.open(checked.search)
    host.process_events()
    assert not checked.ui.zooFrame.visible
    host.choose(checked.ui.approachBox, ZOO)
    host.process_events()
    names = texts(checked.ui.zooTable)
    assert checked.ui.zooFrame.visible
    assert names[:2] == ["unet", "u-shape"]
    assert any(name.startswith("hippocampus") for name in names)
    assert "Dice" in checked.ui.zooText.text
    assert checked.ui.startButton.text == "Take architecture"
    checked.ui.zooTable.cellClicked(1, 0)
    assert checked.parameters.zoo == "u-shape"
    start(host, checked, checked.search)
    arguments = processes[-1].arguments
    assert arguments[0] == "search"
    assert option(arguments, "--architecture") == ["u-shape"]
    assert option(arguments, "--data") == [str(tmp_path)]


def test_going_back_to_a_search_forgets_what_was_taken(checked: Any, host: Any) -> None:
    checked.open(checked.search)
    host.choose(checked.ui.approachBox, ZOO)
    host.choose(checked.ui.approachBox, SEARCH)
    assert (checked.parameters.zoo, checked.parameters.race) == ("", False)
    assert checked.ui.startButton.text == "Start search"


def test_an_architecture_that_the_patch_does_not_fit_is_not_taken(
    checked: Any, host: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from DiNTSSearchLib import approach

    from dints import Architecture, SearchSpace
    from dints.zoo.catalogue import Entry

    checked.open(checked.search)
    host.choose(checked.ui.approachBox, ZOO)
    checked.ui.zooTable.cellClicked(1, 0)
    assert checked.search.whyNot() == ""
    deep = Architecture.random(SearchSpace(layers=6, levels=6), 0)
    entry = Entry("deep", "found elsewhere", "scans", "", deep)
    monkeypatch.setattr(approach, "listed", lambda space: [entry])
    checked.parameters.zoo = "deep"
    assert checked.search.whyNot() == "deep takes patches of multiples of 64, at least 128."


def test_an_architecture_that_the_zoo_does_not_have_starts_no_search(checked: Any, host: Any) -> None:
    """A scene may name one of another version."""
    checked.open(checked.search)
    checked.parameters.zoo = "of <b>before</b>"
    assert checked.ui.approachBox.currentText == ZOO
    assert checked.ui.reasonLabel.text == "of <b>before</b> is not in the zoo of this version. Choose another one."
    assert checked.ui.startButton.text == "Take architecture"
    assert not checked.ui.startButton.enabled
    assert texts(checked.ui.zooTable)[:2] == ["unet", "u-shape"]
    assert not checked.ui.zooTable.selectedItems()
    checked.ui.zooTable.cellClicked(1, 0)
    assert checked.ui.startButton.enabled


@pytest.mark.parametrize(("cases", "advised"), [(1, True), (29, True), (30, False), (200, False)])
def test_with_few_cases_the_zoo_is_advised_with_the_figure(checked: Any, host: Any, cases: int, advised: bool) -> None:
    checked.run.check = {**checked.run.check, "cases": checked.run.check["cases"] * cases}
    advice = checked.search.approach.advice()
    assert bool(advice) == advised
    assert not advised or f"a race ranks on {int(0.4 * cases)} of {cases}" in advice


def test_a_race_is_shown_as_a_table_and_a_plot_while_it_runs(faked: Any, host: Any, tmp_path: Path) -> None:
    import slicer

    run = write_run(tmp_path / "run")
    (run / "search" / "architecture.json").rename(run / "search" / "current.json")
    faked.parameters.runFolder = str(run)
    faked.open(faked.search)
    start(host, faked, faked.search)
    assert not faked.ui.raceTable.visible
    assert "(race)" not in faked.ui.searchButton.text
    write_race(run / "search" / "race")
    faked.refresh()
    host.process_events()
    table = faked.ui.raceTable
    assert table.visible
    assert not faked.ui.architectureLabel.visible
    assert (table.item(0, 2).text(), table.item(0, 3).text()) == ("0.850", "2")
    assert [texts(table, 3).count(heat) for heat in ("1", "2")] == [13, 7]
    assert faked.ui.searchButton.text == "2. Search: race"
    curves = [node.GetName() for node in slicer.util.getNodesByClass("vtkMRMLPlotSeriesNode")]
    assert sum(name.startswith("search_price") for name in curves) == 20
    host.choose(faked.ui.searchChartBox, "loss")
    assert not table.visible
    assert faked.ui.architectureLabel.visible


def test_the_neighbours_of_a_leader_stand_before_all_others(host: Any, tmp_path: Path) -> None:
    from DiNTSSearchLib.opened_run import OpenedRun

    from dints.files.storage import write_json

    run = write_run(tmp_path / "run")
    write_race(run / "search" / "race")
    near = [{"name": name, "origin": "near", "filters": 4} for name in ("search_price_0", "search_price_0_near_1")]
    write_json(run / "search" / "race" / "near" / "standings.json", near)
    names = [racer.name for racer in OpenedRun(run).race]
    assert names[:2] == ["search_price_0", "search_price_0_near_1"]
    assert len(names) == len(set(names)) == 21


def test_damaged_standings_are_said_and_cost_the_race_alone(faked: Any, host: Any, tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    (run / "search" / "race").mkdir()
    (run / "search" / "race" / "standings.json").write_text("[1]")
    faked.parameters.runFolder = str(run)
    assert "standings.json: is damaged" in faked.ui.engineLabel.text
    assert faked.run.search.finished


def test_whether_the_search_paid_is_asked_with_a_button_and_shown_with_its_sentence(
    faked: Any, host: Any, processes: list[Any], tmp_path: Path
) -> None:
    run = write_run(tmp_path / "run")
    faked.parameters.runFolder = str(run)
    faked.open(faked.export)
    host.process_events()
    assert not faked.ui.comparisonTable.visible
    host.click(faked.ui.compareButton)
    assert processes[-1].arguments[:3] == ["compare", "--run", str(run)]
    assert not faked.ui.compareButton.enabled
    write_comparison(run / "compare")
    processes[-1].finish()
    assert faked.ui.verdictLabel.text.startswith("The search paid: the searched network is (+0.0120")
    assert texts(faked.ui.comparisonTable)[:2] == ["searched", "3D U-Net"]
    assert faked.ui.comparisonTable.item(1, 2).text() == "+0.012 (+0.004 to +0.020)"
    assert faked.ui.compareButton.enabled


def test_a_network_that_failed_is_the_last_line_and_says_why(faked: Any, tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    (run / "compare").mkdir()
    write_comparison(run / "compare", "wide one")
    faked.parameters.runFolder = str(run)
    faked.open(faked.export)
    table = faked.ui.comparisonTable
    assert texts(table)[-1] == "wide one"
    assert table.item(table.rowCount - 1, 2).text() == "failed"
    assert "the loss became nan" in table.item(table.rowCount - 1, 0).toolTip()


def test_nothing_is_compared_before_a_fold_is_trained(checked: Any) -> None:
    assert not checked.ui.compareButton.enabled


@pytest.mark.parametrize("damage", ["{", "[]", '{"verdict": "x", "networks": [{"caption": "a"}]}'])
def test_a_damaged_comparison_is_said_and_costs_itself_alone(faked: Any, tmp_path: Path, damage: str) -> None:
    run = write_run(tmp_path / "run")
    (run / "compare").mkdir()
    (run / "compare" / "compare.json").write_text(damage)
    faked.parameters.runFolder = str(run)
    assert "compare.json" in faked.ui.engineLabel.text
    assert faked.run.comparison is None
    assert faked.run.search.finished
