"""The whole way by clicks, with the real engine: demo data, search, stop, close, reopen, resume, train, export."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dints.run_layout import RunLayout, read_log

from ..conftest import is_overloaded
from .conftest import MODULE, PANEL_SIZE, SECONDS, TINY, change_setting, start

PROC = Path("/proc")
PAUSE_SECONDS = 0.1  # that the window may stand still; in waiting, in one of two attempts: see `stays_responsive`
SEGMENTATION_MODULE = "DiNTSSegmentation"
TELLTALE = "Doe^Jane"  # a patient's name, which nothing above the level of debugging may log
KIDNEY_COLOR = (16, 32, 48)
ITERATIONS = 30  # of the search: enough to stop it on the way
ON_THE_PANEL = ("sampling.patch", "search.iterations")


@pytest.fixture
def driven(engine: None, host: Any) -> Iterator[list[Any]]:
    """A list with the open panel, which a test may close and open again."""
    panels = [host.open_module(MODULE, *PANEL_SIZE).panel]
    yield panels
    host.close_module("DiNTSSearch")


def wait(host: Any, panel: Any) -> None:
    host.wait_until(lambda: not panel.isBusy, SECONDS)
    assert [section.error for section in panel.sections] == [""] * 4


def engine_processes(run: Path) -> list[str]:
    """Command lines of the engine's processes on a run."""
    if not PROC.is_dir():
        pytest.skip("processes are listed in /proc, which is not there")
    found = []
    for file in PROC.glob("[0-9]*/cmdline"):
        try:
            words = file.read_bytes().decode(errors="replace").split("\0")
        except OSError:  # it ended meanwhile
            continue
        if "dints" in words and str(run) in words:
            found.append(" ".join(words))
    return found


def test_a_network_is_found_trained_and_exported_by_clicks(
    host: Any,
    driven: list[Any],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    run = tmp_path / TELLTALE / "run"
    make_demo_data(host, driven[0], run)
    pauses = [search_and_stop(host, driven[0], run), resume_after_reopening(host, driven, run)]
    assert max(pause.longest_at_work for pause in pauses) < 2 * PAUSE_SECONDS  # once only, a processor may be slow
    assert min(pause.longest_at_work for pause in pauses) < PAUSE_SECONDS
    assert min(pause.longest for pause in pauses) < PAUSE_SECONDS or is_overloaded()
    train_two_folds(host, driven[0])
    export(host, driven[0])
    load_a_case(host, driven[0])
    segment_with_the_model(host)
    said = [record.getMessage() for record in caplog.records if record.levelno > logging.DEBUG]
    assert not [text for text in (*said, *capfd.readouterr()) if TELLTALE in text]


def make_demo_data(host: Any, panel: Any, run: Path) -> None:
    """With the try stopped as soon as it begins to search."""
    host.type_text(panel.ui.runFolderEdit.comboBox(), str(run))
    host.click(panel.ui.tryButton)
    host.wait_until(lambda: panel.search.isRunning, SECONDS)
    panel.job.cancel()
    host.wait_until(lambda: not panel.isBusy, SECONDS)
    assert panel.ui.dataButton.text == "1. Data: 14 cases, ready"
    assert panel.ui.casesTable.rowCount == 14 + 1  # how the channel is scaled
    assert panel.ui.presetBox.currentText == "phantom"
    host.type_text(panel.ui.iterationsBox, str(ITERATIONS))
    for axis in "XYZ":
        host.type_text(getattr(panel.ui, f"patch{axis}Box"), "16")
    for key, text in TINY.items():
        if key not in ON_THE_PANEL:
            change_setting(host, panel, key, text)
    change_setting(host, panel, "search.checkpoint_every", "1000")  # what stopping saves, nothing else does
    assert panel.search.error == ""
    host.wait_until(lambda: "MiB" in panel.ui.memoryText.text, SECONDS)


def search_and_stop(host: Any, panel: Any, run: Path) -> Any:
    with host.PauseMeter() as meter:
        start(host, panel, panel.search)
        host.wait_until(lambda: panel.ui.progressBar.maximum == ITERATIONS and panel.ui.progressBar.value >= 3, SECONDS)
    assert engine_processes(run)
    host.click(panel.ui.stopButton)
    wait(host, panel)
    assert engine_processes(run) == []
    done = len(read_log(RunLayout(run).search.log))
    assert 3 <= done < ITERATIONS
    assert panel.ui.searchButton.text == f"2. Search: stopped at {done} of {ITERATIONS}"
    return meter


def resume_after_reopening(host: Any, panels: list[Any], run: Path) -> Any:
    import slicer

    host.close_module("DiNTSSearch")
    slicer.mrmlScene.Clear(False)
    panel = panels[0] = host.open_module(MODULE, *PANEL_SIZE).panel
    host.type_text(panel.ui.runFolderEdit.comboBox(), str(run))
    assert panel.ui.startButton.text == "Resume search"
    steps = [row["step"] for row in read_log(RunLayout(run).search.log)]
    assert panel.ui.iterationsBox.value == ITERATIONS
    with host.PauseMeter() as meter:
        start(host, panel, panel.search)
        wait(host, panel)
    assert panel.ui.searchButton.text == "2. Search: finished"
    assert [row["step"] for row in read_log(RunLayout(run).search.log)][: len(steps)] == steps  # none was repeated
    assert panel.ui.architectureLabel.pixmap.width() > 0
    (series,) = [node for node in slicer.util.getNodesByClass("vtkMRMLPlotSeriesNode") if node.GetName() == "Loss"]
    assert series.GetTableNode().GetNumberOfRows() == ITERATIONS
    return meter


def train_two_folds(host: Any, panel: Any) -> None:
    for fold in (2, 3, 4):
        panel.ui.foldsTable.item(fold, 0).setCheckState(0)
        host.process_events()
    start(host, panel, panel.retrain)
    wait(host, panel)
    assert panel.ui.retrainButton.text == "3. Retrain: 2 of 5 folds"
    assert panel.ui.scoresTable.item(0, 0).text() == "mean"
    assert panel.ui.scoresTable.rowCount > 2


def export(host: Any, panel: Any) -> None:
    import qt

    from dints.model.installed import installed_models

    host.type_text(panel.ui.modelNameEdit, "Demo organs")
    panel.ui.labelsTable.item(0, 1).setText("Left liver lobe")
    panel.ui.labelsTable.cellWidget(1, 2).color = qt.QColor(*KIDNEY_COLOR)
    host.process_events()
    start(host, panel, panel.export)
    wait(host, panel)
    (model,) = installed_models()
    assert model["name"] == "Demo organs"
    assert model["labels"] == {"1": "Left liver lobe", "2": "kidney", "3": "aorta"}
    assert model["folds"] == 2


def load_a_case(host: Any, panel: Any) -> None:
    panel.open(panel.retrain)
    import slicer

    name = panel.ui.scoresTable.item(1, 0).text()
    host.double_click_cell(panel.ui.scoresTable, 1, 0)
    assert panel.retrain.error == ""
    names = {node.GetName() for node in slicer.util.getNodesByClass("vtkMRMLSegmentationNode")}
    assert names == {f"{name} reference", f"{name} prediction"}
    assert slicer.util.getNode(name).GetImageData() is not None


def segment_with_the_model(host: Any) -> None:
    """In the other panel: one click, for the model and the volume that the case left in the scene are chosen."""
    import slicer

    from DiNTSLib.worker import endSharedWorker

    panel = host.open_module(SEGMENTATION_MODULE, *PANEL_SIZE).panel
    try:
        assert panel.models.chosen.title == "Demo organs"
        host.click(panel.ui.applyButton)
        run = panel.logic.queue.current
        host.wait_until(lambda: run.isFinished, SECONDS)
        assert (run.error, run.state.value) == ("", "done")
        segments = slicer.mrmlScene.GetNodeByID(run.results.segmentation).GetSegmentation()
        names = [segments.GetNthSegment(index).GetName() for index in range(segments.GetNumberOfSegments())]
        assert names == ["Left liver lobe", "kidney", "aorta"]
        assert [round(255 * part) for part in segments.GetNthSegment(1).GetColor()] == list(KIDNEY_COLOR)
    finally:
        host.close_module(SEGMENTATION_MODULE)
        endSharedWorker()
