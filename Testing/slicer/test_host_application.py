"""The application, the scene and the tools that tests of panels use."""

from __future__ import annotations

import gc
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

DEMO = Path(__file__).parent / "demo" / "HostDemo" / "HostDemo.py"
REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def slicer(host: Any) -> Any:
    import slicer

    return slicer


def test_there_is_no_main_window_unless_a_test_asks_for_one(host: Any, slicer: Any) -> None:
    assert slicer.util.mainWindow() is None
    assert slicer.app.layoutManager() is None
    assert host.open_main_window() is slicer.util.mainWindow()
    assert slicer.app.layoutManager().sliceViewNames() == ("Red", "Green", "Yellow")
    host.close_main_window()
    assert slicer.util.mainWindow() is None


def test_selecting_a_module_enters_it_and_leaving_exits_it(host: Any, slicer: Any) -> None:
    host.open_module(DEMO)
    panel = slicer.modules.HostDemoWidget
    host.close_module("HostDemo")
    assert panel.parameters is None
    assert not hasattr(slicer.modules, "HostDemoWidget")
    assert not hasattr(slicer.modules, "hostdemo")


def test_settings_and_temporary_files_are_the_sessions_own(slicer: Any) -> None:
    import qt

    slicer.app.userSettings().setValue("Tests/key", "value")
    assert qt.QSettings().value("Tests/key") == "value"
    assert Path(slicer.app.temporaryPath).is_dir()
    assert Path(slicer.app.userSettings().fileName()).is_relative_to(Path(slicer.app.temporaryPath).parent)


def test_python_slicer_is_a_launcher_on_the_path(slicer: Any) -> None:
    process = slicer.util.launchConsoleProcess(["PythonSlicer", "-c", "print('started')"], useStartupEnvironment=False)
    assert process.communicate()[0] == "started\n"
    assert process.returncode == 0


def test_the_startup_environment_is_that_of_the_process(slicer: Any) -> None:
    assert slicer.util.startupEnvironment()["PATH"]


def test_slicers_own_modules_have_logics(slicer: Any) -> None:
    assert slicer.modules.segmentations.logic().IsA("vtkSlicerSegmentationsModuleLogic")
    assert slicer.util.getModuleLogic("Volumes").GetMRMLScene() is slicer.mrmlScene
    with pytest.raises(AttributeError):
        slicer.modules.nosuchmodule  # noqa: B018 (reading it is the test)


def test_data_nodes_have_subject_hierarchy_items(slicer: Any) -> None:
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    volume = slicer.util.addVolumeFromArray(np.zeros((2, 2, 2)), name="CT")
    item = hierarchy.GetItemByDataNode(volume)
    assert hierarchy.GetItemName(item) == "CT"
    slicer.mrmlScene.RemoveNode(volume)
    assert hierarchy.GetItemByDataNode(volume) == 0


def test_a_volume_is_saved_and_loaded(slicer: Any, tmp_path: Path) -> None:
    voxels = np.arange(24.0).reshape(2, 3, 4)
    path = tmp_path / "volume.nii.gz"
    assert slicer.util.saveNode(slicer.util.addVolumeFromArray(voxels), str(path))
    loaded = slicer.util.loadVolume(str(path), {"name": "Loaded"})
    assert loaded.GetName() == "Loaded"
    assert np.array_equal(slicer.util.arrayFromVolume(loaded), voxels)


def test_a_file_that_is_not_there_raises(slicer: Any, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"missing\.nrrd"):
        slicer.util.loadVolume(str(tmp_path / "missing.nrrd"))


def test_a_real_scan_is_loaded(slicer: Any, hippocampus: Path) -> None:
    scan = sorted((hippocampus / "imagesTr").glob("*.nii.gz"))[0]
    labels = hippocampus / "labelsTr" / scan.name
    volume = slicer.util.loadVolume(str(scan))
    segmentation = slicer.util.loadSegmentation(str(labels))
    assert volume.GetImageData().GetNumberOfPoints() > 0
    assert segmentation.GetSegmentation().GetNumberOfSegments() == 2


def test_a_question_is_answered_by_its_button(host: Any, slicer: Any) -> None:
    with host.answering("Yes") as titles:
        assert slicer.util.confirmYesNoDisplay("Go on?", windowTitle="Question")
    assert titles == ["Question"]
    with host.answering("Cancel"):
        assert not slicer.util.confirmOkCancelDisplay("Go on?")


def test_a_dialog_that_never_opened_is_an_error(host: Any) -> None:
    with pytest.raises(host.HostError, match="no dialog"), host.answering("OK"):
        pass


def test_a_hidden_or_disabled_widget_cannot_be_clicked(host: Any) -> None:
    import qt

    button = qt.QPushButton("Apply")
    with pytest.raises(host.HostError, match="hidden"):
        host.click(button)
    button.show()
    button.enabled = False
    with pytest.raises(host.HostError, match="disabled"):
        host.click(button)


def compute(seconds: float) -> None:
    """Takes this time of a processor, in this thread."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        sum(range(1000))


@pytest.mark.parametrize("hold_up", [time.sleep, compute], ids=["waiting", "computing"])
def test_a_pause_of_the_event_loop_is_measured(host: Any, hold_up: Callable[[float], None]) -> None:
    with host.PauseMeter() as meter:
        host.process_events()
        hold_up(0.2)
        host.process_events()
    assert 0.15 < meter.longest < 0.3


def test_a_pause_for_the_interpreter_is_measured(host: Any) -> None:
    """A thread that does not let go of it holds up the window, however busy the machine is."""
    stubborn = threading.Thread(target=re.compile("(a+)+c").match, args=["a" * 24 + "b"])  # tries all of 2^24 ways
    with host.PauseMeter() as meter:
        stubborn.start()
        host.process_events()
        stubborn.join()
        host.process_events()
    assert meter.longest > 0.1


def test_a_look_for_garbage_among_what_was_there_before_is_no_pause(host: Any) -> None:
    """What a thousand tests had left took 0.1 s, the longest that a window may stand still."""
    left = [[number] for number in range(5_000_000)]
    with host.PauseMeter() as meter:
        host.process_events()
        gc.collect()
        host.process_events()
    assert meter.longest < 0.1
    assert left


def test_an_exception_in_an_observer_is_collected(host: Any, slicer: Any) -> None:
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTextNode")

    def fail(caller: Any, event: str) -> None:
        raise KeyError(event)

    tag = node.AddObserver("ModifiedEvent", fail)
    node.Modified()
    node.RemoveObserver(tag)
    (error,) = host.take_errors()
    assert isinstance(error, KeyError)


def test_packages_are_not_installed(host: Any, slicer: Any) -> None:
    with pytest.raises(host.HostError, match="torch"):
        slicer.util.pip_install("torch")


def test_the_command_line_photographs_a_panel(host: Any, tmp_path: Path) -> None:
    picture = tmp_path / "panel.png"
    command = [
        sys.executable,
        "-m",
        "Testing.host",
        str(DEMO),
        "--screenshot",
        str(picture),
        "--width",
        "400",
        "--dark",
    ]
    done = subprocess.run(command, cwd=REPOSITORY, env=dict(os.environ), capture_output=True, text=True, check=False)
    assert (done.returncode, picture.is_file()) == (0, True), done.stderr


def test_a_script_runs_without_a_window(host: Any, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import sys, slicer\n"
        "assert slicer.util.mainWindow() is None\n"
        "print(sys.argv[1], slicer.mrmlScene.GetClassName())\n"
        "slicer.util.exit(3)\n"
    )
    command = [sys.executable, "-m", "Testing.host", "--python-script", str(script), "--name", "taken", "words"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (3, "words vtkMRMLScene\n"), done.stderr


def test_the_command_line_names_a_module_that_is_not_there(host: Any) -> None:
    command = [sys.executable, "-m", "Testing.host", "NoSuchModule"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "NoSuchModule" in done.stderr


def test_a_file_is_dropped_on_a_widget(host: Any, tmp_path: Path) -> None:
    import qt

    class Target(qt.QFrame):
        def __init__(self) -> None:
            super().__init__()
            self.acceptDrops = True
            self.dropped: list[str] = []

        def dragEnterEvent(self, event: Any) -> None:
            if event.mimeData().hasUrls():
                event.acceptProposedAction()

        def dropEvent(self, event: Any) -> None:
            self.dropped += [url.toLocalFile() for url in event.mimeData().urls()]
            event.acceptProposedAction()

    target = Target()
    target.show()
    assert host.drop_files(target, tmp_path / "model.zip")
    assert target.dropped == [str(tmp_path / "model.zip")]


def test_sample_data_is_registered_once(slicer: Any) -> None:
    import SampleData

    for _ in range(2):
        SampleData.SampleDataLogic.registerCustomSampleDataSource(
            category="DiNTS", sampleName="Scan", uris="https://example.org/scan.nrrd", fileNames="scan.nrrd"
        )
    (source,) = slicer.modules.sampleDataSources["DiNTS"]
    assert (source.uris, source.fileNames, source.checksums) == (
        ["https://example.org/scan.nrrd"],
        ["scan.nrrd"],
        [None],
    )


def test_startup_is_announced_by_its_signal(host: Any, slicer: Any) -> None:
    calls: list[str] = []
    assert slicer.app.connect("startupCompleted()", lambda: calls.append("started"))
    slicer.app.startupCompleted()
    assert calls == ["started"]


def test_parameters_that_came_after_5_8_are_refused(slicer: Any) -> None:
    with pytest.raises(TypeError, match=r"5\.8"):
        slicer.util.launchConsoleProcess(["true"], blocking=False)
