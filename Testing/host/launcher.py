"""`PythonSlicer`: the launcher of Slicer's Python, found on PATH and in `slicerHome`/bin as in Slicer."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

INTERPRETER_VARIABLE = "SLICER_HOST_PYTHON"  # Python that PythonSlicer runs, where it is not the host's own


def install_launcher(home: Path) -> Path:
    """Write the launcher and put its folder in front of PATH; returns its path.

    Like Slicer's, it starts Python as a child process: ending the launcher alone leaves Python running.
    """
    interpreter = os.environ.get(INTERPRETER_VARIABLE, sys.executable)
    folder = home / "bin"
    folder.mkdir(parents=True, exist_ok=True)
    launcher = folder / "PythonSlicer"
    launcher.write_text(f'#!/bin/sh\n"{interpreter}" "$@"\nexit $?\n', encoding="utf-8")
    launcher.chmod(launcher.stat().st_mode | stat.S_IXUSR)
    os.environ["PATH"] = os.pathsep.join([str(folder), os.environ.get("PATH", "")])
    return launcher
