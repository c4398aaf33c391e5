"""The script that runs files and habits of other tools, on cases made here; those it was made for are elsewhere."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import SimpleITK as sitk
import yaml

from .real_cases import outcomes
from .real_cases.__main__ import EXPECTED, Step, steps_of

ROOT = Path(__file__).resolve().parents[2]


def case(folder: Path, name: str, *steps: dict) -> None:
    (folder / name).mkdir()
    sitk.WriteImage(sitk.Image([4, 4, 4], sitk.sitkInt16), str(folder / name / "scan.nii.gz"))
    if steps:
        (folder / name / EXPECTED).write_text(yaml.safe_dump(list(steps)))


def test_each_case_gets_a_line_and_one_that_is_not_right_ends_with_1(tmp_path: Path) -> None:
    case(tmp_path, "code", {"run": "dints check scan.nii.gz", "codes": [0]})
    case(tmp_path, "files", {"run": "sha256sum scan.nii.gz > before; echo > scan.nii.gz", "holds": "scan_is_kept"})
    case(tmp_path, "right", {"run": "dints check .", "codes": [2], "says": "arrange the data set"})
    case(tmp_path, "unknown")
    case(tmp_path, "words", {"run": "echo nothing", "says": "liver"})
    command = [sys.executable, "-m", "Testing.reliability.real_cases", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, check=False)
    lines = done.stdout.splitlines()
    assert [line.split(" | ")[0] for line in lines] == [
        "code: WRONG, `dints check scan.nii.gz` ends with 2",
        "files: WRONG, the scan is lost",
        lines[2].split(" | ")[0],
        "unknown: nothing is expected of it",
        "words: WRONG, `echo nothing` does not say 'liver'",
        "1 of 4 are right",
    ]
    assert lines[2].startswith("right: right | dints: .: has neither dataset.json")
    assert done.returncode == 1
    assert (tmp_path / "files" / "scan.nii.gz").read_bytes() != b"\n"


def test_every_step_that_is_expected_can_be_read_and_looked_at() -> None:
    known = yaml.safe_load((ROOT / "Testing" / "reliability" / "real_cases" / EXPECTED).read_text())
    known.pop("variables")
    steps = [step for name in known for step in steps_of(Path(name), known)]
    assert all(isinstance(step, Step) for step in steps)
    looks = {step.holds for step in steps if step.holds}
    functions = {
        name for name, value in vars(outcomes).items() if getattr(value, "__module__", "") == outcomes.__name__
    }
    assert looks == {name for name in functions if not name.startswith("_")}


@pytest.mark.parametrize("entry", [{"codes": [0]}, {"run": "true", "sayes": "x"}])
def test_a_step_that_is_none_is_refused(entry: dict) -> None:
    with pytest.raises(TypeError):
        Step.parse(entry)
