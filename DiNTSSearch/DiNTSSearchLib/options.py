"""Options of the engine's commands."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from DiNTSLib.device_list import otherComputer

PAPER = "paper"  # in place of hours: as long as the settings take


def timed(hours: str, preset: str, settings: str | Path | None, changes: Mapping[str, str] | None) -> list[str]:
    """Options of a run that is as long as its settings take, or that is to fit a time; "" leaves that to the engine."""
    if hours == PAPER:
        return ([] if settings is None else ["--config", str(settings)]) + overrides(changes)
    limit = ["--hours", hours] if hours else []
    return (["--config", preset] if preset else []) + limit + overrides(changes)


def place(device: str) -> list[str]:
    """Options that say where a command works."""
    computer = otherComputer(device)
    return ["--on", computer] if computer else ["--device", device]


def overrides(changes: Mapping[str, str] | None) -> list[str]:
    return [part for key, value in (changes or {}).items() for part in ("--set", f"{key}={value}")]
