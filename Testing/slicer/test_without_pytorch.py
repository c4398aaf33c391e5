"""Applications without PyTorch, and the rule that it never gets into the application where it is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
NOTHING_INSTALLED = """
    import importlib.metadata as metadata, sys
    find = metadata.version
    def version(name):
        if name in ("torch", "PyYAML", "safetensors"):
            raise metadata.PackageNotFoundError(name)
        return find(name)
    metadata.version = version
    sys.modules.update(torch=None, yaml=None, safetensors=None)
"""


@pytest.fixture
def run_program(running_host: Any, tiny_model: Path, tmp_path: Path) -> Any:
    """Function that runs a program in another application, where one model is installed; it must not fail."""
    shutil.copy(tiny_model, tmp_path)
    paths = os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "DiNTSEngine")])
    environment = {**os.environ, "DINTS_MODELS": str(tmp_path), "PYTHONPATH": paths, "QT_QPA_PLATFORM": "offscreen"}

    def run(*parts: str) -> None:
        command = [sys.executable, "-c", "\n".join(map(textwrap.dedent, parts))]
        done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    return run


def test_the_segmentation_panel_opens_and_says_what_must_be_installed(run_program: Any) -> None:
    program = """
        import Testing.host as host
        host.start()
        panel = host.open_module("DiNTSSegmentation", 400, 800)
        reason = panel.ui.reasonLabel.text
        assert reason == "torch, PyYAML, safetensors must be installed first.", reason
        assert host.is_shown(panel.ui.installButton)
        assert not panel.ui.applyButton.enabled
        with host.answering(lambda dialog: dialog.close()) as titles:
            host.click(panel.ui.installButton)
        assert titles == ["DiNTS: what is installed"], titles
        host.close_module("DiNTSSegmentation")
        host.raise_errors()
    """
    run_program(NOTHING_INSTALLED, program)


def test_the_search_panel_opens_and_says_what_must_be_installed(run_program: Any) -> None:
    program = """
        import Testing.host as host
        host.start()
        panel = host.open_module("DiNTSSearch", 400, 800).panel
        assert "DiNTS needs torch" in panel.ui.engineLabel.text, panel.ui.engineLabel.text
        assert host.is_shown(panel.ui.engineButton)
        assert not panel.ui.tryButton.enabled
        with host.answering(lambda dialog: dialog.close()) as titles:
            host.click(panel.ui.engineButton)
        assert titles == ["DiNTS: what is installed"], titles
        host.close_module("DiNTSSearch")
        host.raise_errors()
    """
    run_program(NOTHING_INSTALLED, program)


def test_the_application_never_imports_pytorch(run_program: Any) -> None:
    """Neither the panels, with a model and a volume ready, nor anything that they are made of."""
    program = """
        import importlib, numpy, pkgutil, sys
        import Testing.host as host
        host.start()
        import slicer
        slicer.util.addVolumeFromArray(numpy.zeros((20, 20, 20), numpy.int16))
        names = ("DiNTSEngine", "DiNTSSegmentation", "DiNTSSearch")
        panels = {name: host.open_module(name, 400, 800) for name in names}
        host.wait_until(lambda: panels["DiNTSSegmentation"].ui.applyButton.enabled)
        for package in ("DiNTSLib", "DiNTSSegmentationLib", "DiNTSSearchLib"):
            modules = pkgutil.iter_modules(importlib.import_module(package).__path__, package + ".")
            for module in modules:
                if not module.name.endswith(".tiny_model"):  # runs in a process of its own
                    importlib.import_module(module.name)
        assert "torch" not in sys.modules
        for name in names:
            host.close_module(name)
        host.raise_errors()
    """
    run_program(program)
