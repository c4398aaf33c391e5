"""The panels on other users' screens: their tests pass at 125 and 200 %, and while another module is shown.

Each condition is one of a whole process, so each takes one. The tests of the layouts themselves have the longer words.
Which lines they reach is not counted: the same tests reach them in this process, where it is.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent
REPOSITORY = FOLDER.parents[1]
SCALE = "QT_SCALE_FACTOR"
LAYOUT = sorted(str(path) for path in FOLDER.glob("*/test_*_layout.py"))  # what must be seen whole
WORK = [  # that needs no look at it
    *("search/test_search_panel.py", "search/test_opened_run.py", "search/test_pairs.py"),
    *("segmentation/test_first_use.py", "segmentation/test_runs.py"),
]
CONDITIONS = {
    "at 125 %": ({SCALE: "1.25"}, LAYOUT),
    "at 200 %": ({SCALE: "2"}, LAYOUT),
    "while another module is shown": ({"SLICER_HOST_PANELS": "hidden"}, WORK),
}
RATIO = """
import Testing.host as host
host.start()
from PySide6.QtWidgets import QApplication
print(QApplication.instance().devicePixelRatio())
"""


def run(command: list[str], environment: dict[str, str]) -> str:
    """What a Python process writes; it must not fail."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_PROCESS")}
    done = subprocess.run(
        [sys.executable, *command],
        env={"QT_QPA_PLATFORM": "offscreen", **inherited, **environment},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("condition", CONDITIONS)
def test_the_tests_of_the_panels_pass(condition: str) -> None:
    environment, files = CONDITIONS[condition]
    plugins = ["-p", "no:cacheprovider", "-p", "no:hypothesispytest"]
    run(["-m", "pytest", "-q", *plugins, *(str(FOLDER / file) for file in files)], environment)


@pytest.mark.parametrize("scale", ["1.25", "2"])
def test_the_host_is_scaled(scale: str) -> None:
    assert float(run(["-c", RATIO], {SCALE: scale})) == float(scale)
