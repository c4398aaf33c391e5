"""Runs that came to the other computer of the tests, and what works on them."""

from __future__ import annotations

import os
from pathlib import Path


def guests(server) -> list[Path]:
    return list((server.home / ".dints" / "guests" / "runs").glob("*"))


def processes(run: Path) -> list[str]:
    """Command lines that name a run of the other computer."""
    found = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if os.access(path, os.R_OK)]
    return [line.decode(errors="replace") for line in found if run.name.encode() in line]
