"""The application ends or is killed: what it started ends with it, and PyTorch never was in it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

SECONDS_TO_END = 5.0
START_SECONDS = 120.0  # of an application and its worker on a busy machine
SLEEP = "import time; time.sleep(600)"
WITH_A_CHILD = f"""if True:
    import subprocess, sys
    from dints.service.parent import end_with_parent
    end_with_parent()
    subprocess.run([sys.executable, "-c", {SLEEP!r}])
"""


def test_a_worker_ends_with_an_application_that_is_killed(
    running_host: Any, application: Any, tree_of: Any, long_segment: dict[str, Any]
) -> None:
    program = f"""
        from DiNTSLib.worker import sharedWorker
        seen = []
        sharedWorker().submit({long_segment!r}, seen.append, lambda *end: None)
        host.wait_until(lambda: [event for event in seen if event["event"] == "progress"], {START_SECONDS})
        print("running", flush=True)
        host.wait_until(lambda: False, 600)
    """
    killed = application(program)
    assert killed.stdout.readline() == "running\n"
    tree = tree_of(killed.pid)
    assert len(tree.remember()) >= 2  # PythonSlicer and the engine's Python
    killed.kill()
    running_host.wait_until(lambda: not tree.survivors(), SECONDS_TO_END)


def test_a_command_and_its_children_end_with_an_application_that_is_killed(
    running_host: Any, application: Any, tree_of: Any
) -> None:
    program = f"""
        from DiNTSLib.processes import EngineProcess
        process = EngineProcess([], print, print, {[sys.executable, "-c", WITH_A_CHILD]!r})
        process.start()
        host.wait_until(lambda: False, 600)
    """
    killed = application(program)
    tree = tree_of(killed.pid)
    running_host.wait_until(lambda: len(tree.remember()) == 2, START_SECONDS)
    killed.kill()
    running_host.wait_until(lambda: not tree.survivors(), SECONDS_TO_END)


def test_a_command_ends_with_an_application_that_ends(running_host: Any, application: Any, tree_of: Any) -> None:
    program = f"""
        from DiNTSLib.processes import EngineProcess
        process = EngineProcess([], print, print, {[sys.executable, "-c", SLEEP]!r})
        process.start()
        print("running", flush=True)
        sys.stdin.readline()
    """
    ending = application(program)
    assert ending.stdout.readline() == "running\n"
    tree = tree_of(ending.pid)
    assert tree.remember()
    ending.stdin.close()
    assert ending.wait(START_SECONDS) == 0
    running_host.wait_until(lambda: not tree.survivors(), SECONDS_TO_END)


def test_a_run_in_the_panel_ends_with_an_application_that_ends(
    running_host: Any, application: Any, tree_of: Any, tiny_model: Path, tmp_path: Path
) -> None:
    """Slicer is closed while it segments: no crash, no process, no scan on the disk."""
    program = f"""
        import numpy, os, qt, shutil, slicer
        os.environ["DINTS_MODELS"] = {str(tmp_path)!r}
        shutil.copy({str(tiny_model)!r}, {str(tmp_path)!r})
        slicer.util.addVolumeFromArray(numpy.random.default_rng(0).integers(-900, 900, (160,) * 3, numpy.int16))
        panel = host.open_module("DiNTSSegmentation")
        host.wait_until(lambda: panel.ui.applyButton.enabled)
        host.click(panel.ui.applyButton)
        host.wait_until(lambda: panel.ui.progressBar.value > 0, {START_SECONDS})
        print(panel.panel.progress.shown.cases[0]._folder.name, flush=True)
        sys.stdin.readline()
        from PySide6.QtWidgets import QApplication
        qt.QTimer.singleShot(0, QApplication.quit)
        QApplication.exec()
        host.raise_errors()
    """
    ending = application(program)
    scans = Path(ending.stdout.readline().rstrip("\n"))
    assert (scans / "0.nrrd").is_file()
    tree = tree_of(ending.pid)
    assert len(tree.remember()) >= 2  # PythonSlicer and the engine's Python
    ending.stdin.close()
    assert ending.wait(START_SECONDS) == 0
    running_host.wait_until(lambda: not tree.survivors(), SECONDS_TO_END)
    assert not scans.exists()


def test_pytorch_stays_out_of_the_application(application: Any) -> None:
    program = """
        sys.modules["yaml"] = None
        panel = host.open_module("DiNTSEngine")
        import DiNTSLib.dependencies, DiNTSLib.scene, DiNTSLib.terminology, DiNTSLib.worker
        assert "torch" not in sys.modules
        host.close_module("DiNTSEngine")
    """
    assert application(program).wait(START_SECONDS) == 0
