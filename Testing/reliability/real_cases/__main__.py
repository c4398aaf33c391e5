"""Runs a folder of files and habits of other tools: `python -m Testing.reliability.real_cases CASES [--only NAME ...]`.

A case is a folder of CASES. It is copied, and the steps that `expected.yaml` has under its name are done in the copy; a
case that is not there may bring an `expected.yaml` of its own, with a list of steps. A step is a shell command with
`run`, the exit codes that are right (`codes`, 0 unless it says otherwise), a regular expression that must be found in
what is said (`says`), and the name of a function of `outcomes.py` that looks at the files (`holds`).

One line each: name, "right" or what is not, and the last that was said. Ends with 1 if one is not right.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from . import outcomes

EXPECTED = "expected.yaml"
ENGINE = Path(__file__).resolve().parents[3] / "DiNTSEngine"
LONGEST_LINE = 160  # characters of the last line that is shown
LONGEST_NAME = 60  # of a command


@dataclass(frozen=True)
class Step:
    """A shell command and what is right of it."""

    run: str
    codes: tuple[int, ...] = (0,)
    says: str = ""
    holds: str = ""

    @classmethod
    def parse(cls, entry: dict[str, Any]) -> Step:
        return cls(**{**entry, "codes": tuple(entry.get("codes", cls.codes))})

    def fault(self, folder: Path, environment: dict[str, str]) -> tuple[str, str]:
        """What is not right after the command ("" if all is), and all that it said."""
        done = subprocess.run(self.run, shell=True, cwd=folder, env=environment, text=True, capture_output=True)
        said, name = done.stdout + done.stderr, f"`{self.run[:LONGEST_NAME]}`"
        if done.returncode not in self.codes:
            return f"{name} ends with {done.returncode}", said
        if not re.search(self.says, said):
            return f"{name} does not say {self.says!r}", said
        return (getattr(outcomes, self.holds)(folder, said) if self.holds else ""), said


def steps_of(case: Path, known: dict[str, Any]) -> list[Step]:
    """What is expected of a case; [] where nothing is."""
    own = case / EXPECTED
    entries = known.get(case.name) or (yaml.safe_load(own.read_text()) if own.is_file() else [])
    return [Step.parse(entry) for entry in entries]


def run_case(case: Path, steps: list[Step], variables: dict[str, str]) -> tuple[str, str]:
    """(what is not right, "" if all is; the last line that was said)."""
    fault = said = ""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "case"
        shutil.copytree(case, folder, copy_function=shutil.copyfile)  # cases may be read-only, copies are not
        folder.chmod(0o755)
        for inner in folder.rglob("*/"):
            inner.chmod(0o755)
        command = Path(temporary) / "dints"
        command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m dints "$@"\n')
        command.chmod(0o755)
        path = {"PATH": f"{temporary}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ENGINE)}
        for step in steps:
            fault, text = step.fault(folder, {**os.environ, **variables, **path})
            said += text
            if fault:
                break
    return fault, next((line for line in reversed(said.splitlines()) if line.strip()), "")[:LONGEST_LINE]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", type=Path, help="folder of cases")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="names of cases")
    arguments = parser.parse_args()
    known = yaml.safe_load(Path(__file__).with_name(EXPECTED).read_text())
    variables = known.pop("variables")
    right = judged = 0
    for case in sorted(path for path in arguments.cases.iterdir() if path.is_dir()):
        if arguments.only and case.name not in arguments.only:
            continue
        steps = steps_of(case, known)
        if not steps:
            print(f"{case.name}: nothing is expected of it", flush=True)
            continue
        fault, last = run_case(case, steps, variables)
        judged, right = judged + 1, right + (not fault)
        print(f"{case.name}: {f'WRONG, {fault}' if fault else 'right'} | {last}", flush=True)
    print(f"{right} of {judged} are right")
    return 0 if right == judged else 1


if __name__ == "__main__":
    sys.exit(main())
