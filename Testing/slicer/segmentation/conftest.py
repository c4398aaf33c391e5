"""A folder of tiny models, and the panel DiNTSSegmentation with it."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .fake_engine import TELLTALE, FakeProcess, paint

REPOSITORY = Path(__file__).resolve().parents[3]
MODULE = REPOSITORY / "DiNTSSegmentation" / "DiNTSSegmentation.py"
PANEL_SIZE = (400, 1000)  # pixels
SECONDS = 60.0  # that a run may take, with the start of the worker on a busy machine

MODELS = {  # file: what makes it different from the others
    "body.zip": ["--name", "Body"],
    "hippocampus.zip": [
        "--name",
        "Hippocampus",
        "--modality",
        "MR",
        "--labels",
        "Anterior,Posterior",
        "--spacing",
        "2",
    ],
    "slow.zip": ["--name", "Slow", "--spacing", "3.5"],
    "pair.zip": ["--name", "Pair", "--modality", "MR", "--channels", "T1,T2", "--labels", "tumor"],
}


@pytest.fixture(scope="session")
def model_files(engine: None, tmp_path_factory: pytest.TempPathFactory, running_host: Any) -> Path:
    """Folder of the models in `MODELS`, and two damaged ones; tests must not change it."""
    folder = tmp_path_factory.mktemp("models")
    library = MODULE.parent / "DiNTSSegmentationLib"
    calls = "; ".join(f"main([{str(folder / name)!r}, *{arguments!r}])" for name, arguments in MODELS.items())
    paths = os.pathsep.join([str(library), str(REPOSITORY / "DiNTSEngine")])
    environment = {**os.environ, "PYTHONPATH": paths}
    subprocess.run([sys.executable, "-c", f"from tiny_model import main; {calls}"], env=environment, check=True)
    whole = (folder / "body.zip").read_bytes()
    (folder / "cut.zip").write_bytes(whole[: len(whole) // 2])
    (folder / "flipped.zip").write_bytes(with_flipped_weights(whole))
    return folder


def with_flipped_weights(content: bytes) -> bytes:
    """A model whose manifest is whole and whose weights are not those that it names."""
    copy = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(copy, "w") as target:
        for name in source.namelist():
            member = source.read(name)
            if name == "manifest.json":
                member = member.replace(b'"Body"', b'"Flipped"')
            elif name.endswith("fold1.safetensors"):
                member = member[:-100] + bytes(100)
            target.writestr(name, member)
    return copy.getvalue()


@pytest.fixture
def models_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of installed models, for this test alone, and none that came with the engine."""
    from dints.model import folder as folders

    folder = tmp_path / "models"
    folder.mkdir()
    monkeypatch.setenv("DINTS_MODELS", str(folder))
    monkeypatch.setattr(folders, "SHIPPED_FOLDER", tmp_path / "shipped")
    return folder


@pytest.fixture
def install(models_folder: Path, model_files: Path) -> Any:
    """Function that installs some of the models by their file names."""

    def add(*names: str) -> None:
        for name in names:
            (models_folder / name).symlink_to(model_files / name)

    return add


@pytest.fixture(scope="session")
def shared_worker(running_host: Any) -> Iterator[None]:
    """Ends the worker that tests share when all of them are done."""
    for folder in (REPOSITORY / "DiNTSEngine", MODULE.parent):
        if str(folder) not in sys.path:
            sys.path.insert(0, str(folder))  # as Slicer does for every module before it loads the first
    yield
    from DiNTSLib.worker import endSharedWorker

    endSharedWorker()


@pytest.fixture
def own_worker(shared_worker: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The application's worker is one that the test begins and that ends with it. The shared one stays warm."""
    import DiNTSLib.worker as workers

    monkeypatch.setattr(workers, "_shared", [])
    yield
    workers.endSharedWorker()


@pytest.fixture
def logic(host: Any, shared_worker: None) -> Any:
    """The module's logic, without a panel."""
    from DiNTSSegmentationLib.logic import DiNTSSegmentationLogic

    return DiNTSSegmentationLogic()


@pytest.fixture
def ct(host: Any, shared_data: Path) -> Any:
    """Thirty slices of a real body CT as a volume node."""
    import slicer

    volume = slicer.util.loadVolume(str(shared_data / "ct" / "example_ct_crop.nii.gz"))
    volume.SetName("example_ct")
    return volume


@pytest.fixture
def whole_ct(host: Any, shared_data: Path) -> Any:
    """All of it, for tests in which the engine must be at work for a while."""
    import slicer

    return slicer.util.loadVolume(str(shared_data / "ct" / "example_ct.nii.gz"))


@pytest.fixture
def open_panel(host: Any, shared_worker: None, models_folder: Path) -> Iterator[Any]:
    """Function that opens the panel; it is closed after the test."""
    opened = []

    import qt

    qt.QSettings().remove("DiNTS/DataSet")

    def open_it() -> Any:
        opened.append(host.open_module(MODULE, *PANEL_SIZE))
        return opened[-1]

    yield open_it
    if opened:
        host.close_module("DiNTSSegmentation")


@pytest.fixture
def finish(host: Any) -> Any:
    """Function that waits until all runs of a panel are over."""

    def wait(panel: Any) -> None:
        host.wait_until(lambda: panel.logic.queue.current is None, SECONDS)
        host.process_events()

    return wait


@pytest.fixture
def panel(install: Any, ct: Any, open_panel: Any) -> Any:
    """The panel with the model "Body" and a CT, ready to apply."""
    install("body.zip")
    return open_panel()


@pytest.fixture
def apply(host: Any, finish: Any) -> Any:
    """Function that clicks Apply and waits for the result."""

    def run(panel: Any) -> None:
        host.click(panel.ui.applyButton)
        finish(panel)

    return run


@pytest.fixture
def choose_model(host: Any) -> Any:
    """Function that opens the panel's list and clicks a model in it."""
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest
    from Testing.host.convert import unwrap

    def choose(panel: Any, name: str) -> None:
        host.click(panel.panel.models.list.button)
        tree = unwrap(panel.ui.modelTree)
        item = next(iter(tree.findItems(name, Qt.MatchFlag.MatchExactly)))
        if tree.isVisible():
            QTest.mouseClick(tree.viewport(), Qt.MouseButton.LeftButton, pos=tree.visualItemRect(item).center())
        else:  # in a hidden window, where nothing has a place
            tree.setCurrentItem(item)
            tree.itemClicked.emit(item, 0)
        host.process_events()

    return choose


@pytest.fixture
def search_models(host: Any) -> Any:
    """Function that types into the search field of the open list."""
    from PySide6.QtTest import QTest
    from Testing.host.convert import unwrap

    def search(panel: Any, text: str) -> None:
        field = unwrap(panel.ui.modelSearch)
        field.clear()
        QTest.keyClicks(field, text)
        host.process_events()

    return search


@pytest.fixture
def processes(host: Any, monkeypatch: pytest.MonkeyPatch) -> list[FakeProcess]:
    from DiNTSSegmentationLib import background_command

    FakeProcess.started = []
    monkeypatch.setattr(background_command, "EngineProcess", FakeProcess)
    return FakeProcess.started


@pytest.fixture
def window(host: Any) -> Iterator[Any]:
    yield host.open_main_window()
    host.close_main_window()


@pytest.fixture
def corrected(host: Any, panel: Any, ct: Any, tmp_path: Path) -> Any:
    """The panel with an open section, a scan, a drawn segmentation of it, and a folder for the data set."""
    import slicer

    ct.SetName(TELLTALE)
    segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", f"{TELLTALE} segmentation")
    segmentation.SetReferenceImageGeometryParameterFromVolumeNode(ct)
    for name in ("kidney", "new\nfinding"):
        segmentation.GetSegmentation().AddEmptySegment(name, name)
    paint(segmentation, "kidney", ct, 3)
    paint(segmentation, "new\nfinding", ct, 6)
    panel.panel.parameters.segmentation = segmentation
    host.click(panel.ui.learnSection)
    panel.ui.dataSetEdit.currentPath = str(tmp_path / "corrections")
    host.wait_until(lambda: panel.ui.addButton.enabled)
    return panel
