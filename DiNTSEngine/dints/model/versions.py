"""Versions of models: which belong together, and which one a name means."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dints.errors import InputError
from dints.files.storage import read_json, write_json

CHOICES = ".in_use.json"  # in the models folder: {family: id of the version in use}


def chosen_versions(home: Path) -> dict[str, str]:
    """Id of the version that was chosen, by family; what is damaged counts as no choice."""
    path = home / CHOICES
    try:
        values = read_json(path) if path.is_file() else {}
    except InputError:
        return {}
    return {str(key): str(value) for key, value in values.items()} if isinstance(values, dict) else {}


def choose(home: Path, family: str, model: str) -> None:
    """Lets the name of a family mean the version of this id."""
    write_json(home / CHOICES, chosen_versions(home) | {family: model})


def with_versions(entries: Sequence[dict[str, Any]], chosen: dict[str, str]) -> list[dict[str, Any]]:
    """Entries with the versions of a family together, oldest first, and "in_use" in each; others keep their order.

    In use is the version that was chosen, else the newest; of the same version twice the first.
    """
    families: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for entry in entries:  # a copy by another name is a model of its own
        families.setdefault((entry.get("family", entry["path"]), entry.get("name", "")), []).append(entry)
    listed = []
    for (family, _name), own in families.items():
        own = sorted(own, key=lambda entry: entry.get("version", 1))
        used = _in_use(own, chosen.get(family))
        listed += [entry | {"in_use": entry is used} for entry in own]
    return listed


def _in_use(versions: Sequence[dict[str, Any]], chosen: str | None) -> dict[str, Any]:
    wanted = next((entry for entry in versions if entry.get("id") == chosen), None) if chosen else None
    return wanted or max(versions, key=lambda entry: entry.get("version", 1))
