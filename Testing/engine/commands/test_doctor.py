"""`dints doctor`: bytes for programs, GiB for people."""

from __future__ import annotations

import json
import re

import pytest

from dints.cli import main
from dints.commands import doctor_command


def test_people_read_gibibytes(capsys):
    assert main(["doctor"]) == 0
    lines = dict(line.split(": ", 1) for line in capsys.readouterr().out.splitlines())
    for name in ("memory", "free_disk"):
        assert re.fullmatch(r"\d+\.\d GiB", lines[name])
    assert not re.search(r"\d{7}", " ".join(value for name, value in lines.items() if name != "system"))


def test_programs_read_bytes(capsys):
    assert main(["doctor", "--events"]) == 0
    facts = json.loads(capsys.readouterr().out.splitlines()[0])["values"]["facts"]
    assert all(isinstance(facts[name], int) and facts[name] > 2**20 for name in ("memory", "free_disk"))


@pytest.mark.parametrize(
    ("gpus", "expected"), [([], "none"), ([{"name": "GPU", "memory": 3 * 2**30}] * 2, "GPU (3.0 GiB), GPU (3.0 GiB)")]
)
def test_gpus_are_named_with_their_memory(gpus, expected):
    assert doctor_command._readable("gpus", gpus) == expected
