"""Scripts that run inside the application: their options must be none that Qt takes for its own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
SCRIPTS = sorted(REPOSITORY.glob("DiNTS*/Resources/Scripts/*.py"))


@pytest.mark.parametrize("script", SCRIPTS, ids=[script.name for script in SCRIPTS])
def test_no_option_of_a_script_is_taken_by_qt(script: Path) -> None:
    from Testing.host.qt_options import is_qt_option

    options = re.findall(r'add_argument\("(--[\w-]+)"', script.read_text(encoding="utf-8"))
    assert options
    assert [option for option in options if is_qt_option(option)] == []


@pytest.mark.parametrize(
    ("given", "left"),
    [
        (["--name", "Liver", "--data", "demo"], ["--data", "demo"]),
        (["-name", "Liver", "a.nii.gz"], ["a.nii.gz"]),
        (["--style=fusion", "--names", "x"], ["--names", "x"]),
        (["--reverse", "x", "--title"], ["x"]),
        (["--model-name", "Liver"], ["--model-name", "Liver"]),
    ],
)
def test_the_host_takes_what_qt_takes(given: list[str], left: list[str]) -> None:
    from Testing.host.qt_options import without_qt_options

    assert without_qt_options(given) == left
