"""Search without a panel: commands, jobs in stages, what is read from a run's folder, plots and pictures."""

from __future__ import annotations

import runpy
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .conftest import REPOSITORY, TINY, FakeProcess

SCRIPT = REPOSITORY / "DiNTSSearch" / "Resources" / "Scripts" / "search_and_train.py"
RUN_FILES = ("check.json", "config.yaml", "search/architecture.json", "train/fold0/best.pt", "evaluation/scores.csv")


@pytest.fixture
def logic(host: Any, processes: list[FakeProcess]) -> Any:
    from DiNTSSearchLib.logic import DiNTSSearchLogic

    return DiNTSSearchLogic(FakeProcess)


def test_a_blocking_call_returns_the_results(
    logic: Any, processes: list[FakeProcess], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = {"event": "result", "name": "report", "values": {"path": "report.html"}}
    monkeypatch.setattr(FakeProcess, "waitForFinished", lambda own, seconds: (own.onEvent(result), own.finish()))
    assert logic.report(tmp_path)["report"] == {"path": "report.html"}
    assert processes[0].arguments == ["report", "--run", str(tmp_path)]


def test_a_blocking_call_raises_the_engines_sentence(
    logic: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from DiNTSSearchLib.logic import EngineError

    monkeypatch.setattr(FakeProcess, "waitForFinished", lambda own, seconds: own.finish(2, "no such run; start one"))
    with pytest.raises(EngineError, match="no such run; start one"):
        logic.report(tmp_path)


def test_a_call_with_callbacks_returns_at_once(logic: Any, processes: list[FakeProcess], tmp_path: Path) -> None:
    endings: list[tuple[int, str]] = []
    job = logic.report(tmp_path, onFinished=lambda *ending: endings.append(ending))
    assert (job.isRunning, endings) == (True, [])
    processes[0].finish()
    assert (job.isRunning, endings) == (False, [(0, "")])


def test_a_run_that_exists_is_resumed_without_settings(
    logic: Any, processes: list[FakeProcess], run_folder: Path
) -> None:
    logic.search(run_folder, data="elsewhere", changes={"search.seed": "1"})
    assert processes[0].arguments == ["search", "--run", str(run_folder), "--device", "auto"]


def test_a_run_is_never_checked_over(logic: Any, run_folder: Path) -> None:
    with pytest.raises(ValueError, match="holds a run already"):
        logic.check("data", run_folder)


def test_a_model_is_never_replaced_silently(logic: Any, run_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "model.zip").write_bytes(b"")
    with pytest.raises(ValueError, match="exists already"):
        logic.export(run_folder, path=tmp_path / "model.zip")


def test_renamed_labels_are_given_to_the_engine(logic: Any, processes: list[FakeProcess], run_folder: Path) -> None:
    logic.export(run_folder, name="Abdomen: left", labels={1: "liver"})
    assert processes[0].arguments[-3:] == ["--name=Abdomen: left", "--label", "1=liver"]
    assert Path(processes[0].arguments[5]).name == "Abdomen_left.zip"


def test_notes_and_a_name_that_begin_with_a_hyphen_are_no_options(
    logic: Any, processes: list[FakeProcess], run_folder: Path
) -> None:
    from dints.cli import build_parser

    logic.export(run_folder, name="-t1", notes="-draft")
    arguments = build_parser("models").parse_args(processes[0].arguments)
    assert (arguments.name, arguments.notes) == ("-t1", "-draft")


def test_one_failure_ends_the_other_commands_of_a_job(
    logic: Any, processes: list[FakeProcess], run_folder: Path
) -> None:
    endings: list[tuple[int, str]] = []
    devices = ["cuda:0", "cuda:1"]
    job = logic.retrain(run_folder, [0, 1], devices, onFinished=lambda *ending: endings.append(ending))
    processes[0].finish(1, "out of memory")
    assert [process.isRunning for process in processes] == [False, False]
    assert endings == [(1, "out of memory")]
    assert not job.isRunning


def test_folds_on_one_device_are_one_command(logic: Any, processes: list[FakeProcess], run_folder: Path) -> None:
    logic.retrain(run_folder)
    assert [process.arguments[0] for process in processes] == ["train", "evaluate", "suspects"]
    assert processes[0].arguments[4] == "0,1"


def test_plots_follow_the_logs(host: Any, run_folder: Path) -> None:
    import slicer
    from DiNTSSearchLib.opened_run import OpenedRun
    from DiNTSSearchLib.plots import RunPlots

    plots, run = RunPlots(), OpenedRun(run_folder)
    run.readLogs()
    plots.show(run, 0.5)
    chart = plots.chartNode("memory_fraction")
    series = [chart.GetNthPlotSeriesNode(index) for index in range(2)]
    assert [node.GetName() for node in series] == ["Share of the full network", "budget"]
    columns = [slicer.util.arrayFromTableColumn(node.GetTableNode(), node.GetYColumnName()) for node in series]
    assert np.allclose(columns[0], [0.4, 0.5, 0.6, 0.7])
    assert np.allclose(columns[1], 0.5)
    assert chart.GetXAxisTitle() == "Step"
    timed = RunPlots()
    timed.clear()
    timed.show(run, None)  # where the budget is one of seconds
    assert timed.chartNode("memory_fraction").GetNumberOfPlotSeriesNodes() == 1


def test_plots_come_back_after_the_scene_was_closed(host: Any, run_folder: Path) -> None:
    import slicer
    from DiNTSSearchLib.opened_run import OpenedRun
    from DiNTSSearchLib.plots import RunPlots

    plots = RunPlots()
    run = OpenedRun(run_folder)
    run.readLogs()
    plots.show(run, 0.5)
    slicer.mrmlScene.Clear(False)
    plots.show(run, 0.5)
    assert plots.chartNode("loss").GetNumberOfPlotSeriesNodes() == 1


def test_four_plot_views_are_arranged_in_the_main_window(host: Any, run_folder: Path) -> None:
    import slicer
    from DiNTSSearchLib.plots import LAYOUT, RunPlots

    plots = RunPlots()
    assert not plots.showInViews()
    layout = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLayoutNode")
    assert plots.showInViews()
    assert layout.GetViewArrangement() == LAYOUT
    description = ElementTree.fromstring(layout.GetLayoutDescription(LAYOUT))
    tags = [view.get("singletontag") for view in description.iter("view")]
    views = [slicer.mrmlScene.GetSingletonNode(tag, "vtkMRMLPlotViewNode") for tag in tags]
    assert [view.GetPlotChartNode().GetTitle().split(": ")[1] for view in views] == [
        "loss",
        "validation Dice",
        "discretization gap G",
        "memory and budget",
    ]
    assert not any(" " in view.GetID() for view in views)  # spaces separate IDs


@pytest.fixture
def main_window(host: Any) -> Iterator[Any]:
    yield host.open_main_window()
    host.close_main_window()


def test_every_plot_view_has_a_label_of_its_own(main_window: Any, host: Any, run_folder: Path) -> None:
    import slicer
    from DiNTSSearchLib.plots import RunPlots

    plots = RunPlots()
    panels_own = plots.panelView("DiNTSSearchPanel", "loss")
    assert plots.showInViews()
    layouts = slicer.app.layoutManager()
    labels = [layouts.plotWidget(index).viewLabel for index in range(layouts.plotViewCount)]
    assert labels == ["1", "2", "3", "4"]
    assert panels_own.GetLayoutLabel() not in labels


def test_views_of_an_earlier_scene_get_labels_of_their_own(main_window: Any, host: Any, run_folder: Path) -> None:
    import slicer
    from DiNTSSearchLib.plots import LAYOUT_CHARTS, VIEW_PREFIX, RunPlots

    RunPlots().showInViews()
    for name in LAYOUT_CHARTS:
        slicer.mrmlScene.GetSingletonNode(f"{VIEW_PREFIX}{name}", "vtkMRMLPlotViewNode").SetLayoutLabel("1")
    RunPlots().showInViews()
    layouts = slicer.app.layoutManager()
    assert len({layouts.plotWidget(index).viewLabel for index in range(4)}) == 4


def test_the_panels_own_plot_view_is_none_of_the_main_windows(host: Any, run_folder: Path) -> None:
    import slicer
    from DiNTSSearchLib.plots import RunPlots

    left = slicer.mrmlScene.GetSingletonNode("DiNTSSearchPanel", "vtkMRMLPlotViewNode")
    if left is not None:  # of a panel that was open before: views outlive the closing of a scene
        slicer.mrmlScene.RemoveNode(left)
    owners = []

    def remember(scene: Any, event: str) -> None:
        view = scene.GetSingletonNode("DiNTSSearchPanel", "vtkMRMLPlotViewNode")
        if view is not None:
            owners.append(view.GetParentLayoutNode())

    tag = slicer.mrmlScene.AddObserver(slicer.mrmlScene.NodeAddedEvent, remember)
    RunPlots().panelView("DiNTSSearchPanel", "loss")
    slicer.mrmlScene.RemoveObserver(tag)
    assert owners
    assert None not in owners


def test_the_headless_script_searches_trains_and_exports(
    engine: None, host: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from dints.data.phantom import write_phantoms

    data = write_phantoms(tmp_path / "data", cases=6, unlabelled=0, size=(24, 24, 20))
    main = runpy.run_path(str(SCRIPT))["main"]
    changes = [part for key, value in TINY.items() for part in ("--set", f"{key}={value}")]
    arguments = ["--data", str(data), "--run", str(tmp_path / "run"), "--preset", "phantom", *changes]
    main(
        [*arguments, "--folds", "0", "--device", "cpu", "--model-name", "Tiny", "--output", str(tmp_path / "tiny.zip")]
    )
    assert capsys.readouterr().out.splitlines()[-1] == f"Tiny: {tmp_path / 'tiny.zip'}"
    assert all((tmp_path / "run" / name).is_file() for name in RUN_FILES)


def test_the_headless_script_says_what_is_wrong(engine: None, host: Any, tmp_path: Path) -> None:
    main = runpy.run_path(str(SCRIPT))["main"]
    with pytest.raises(RuntimeError, match="is not a folder"):
        main(["--data", str(tmp_path / "nothing"), "--run", str(tmp_path / "run")])


def test_the_modules_own_test_passes(engine: None, panel: Any) -> None:
    import slicer

    slicer.selfTests["DiNTSSearch"]()
