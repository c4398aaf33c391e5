"""What Slicer 5.8.1 lists for each class: the members that the host may offer.

`api.json` is derived from the listing read off a running Slicer (see `update_api.py`). Classes that the listing lacks
but that values of listed classes lead to (a layout's items, a process's bytes) are in its "supplement", by hand.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

API_FILE = Path(__file__).with_name("api.json")

VALUE_MARK = "className"  # listed with the class itself only where QObject's members were not left out


@dataclass(frozen=True)
class Listing:
    """Names of one class. `members` holds those of classes whose instances could not be listed, of unknown kind."""

    properties: frozenset[str] = frozenset()
    methods: frozenset[str] = frozenset()
    enums: frozenset[str] = frozenset()
    signals: frozenset[str] = frozenset()
    members: frozenset[str] = frozenset()

    @property
    def names(self) -> frozenset[str]:
        """Every name that may be read on an instance."""
        return self.properties | self.methods | self.enums | self.members

    def joined(self, other: Listing) -> Listing:
        return Listing(*(getattr(self, field) | getattr(other, field) for field in self.__dataclass_fields__))


def read_listing(entry: dict) -> Listing:
    """One class of the JSON file, without what it inherits from QWidget or QObject."""
    keys = ("property", "method", "enum", "signal", "static")
    return Listing(*(frozenset(entry.get(key, ())) for key in keys))


@lru_cache(maxsize=1)
def _file() -> dict:
    return json.loads(API_FILE.read_text(encoding="ascii"))


def class_names() -> tuple[str, ...]:
    """Full names (`qt.QLabel`, `ctk.ctkCheckBox`, `slicer.qMRMLWidget`) of all classes in the file."""
    return tuple(_file()["classes"]) + tuple(_file()["supplement"])


def is_supplement(name: str) -> bool:
    return name in _file()["supplement"]


@cache
def listing(name: str) -> Listing:
    """All members of class `name`, with those of QWidget or QObject where the class is one of these."""
    classes = _file()["classes"]
    entry = _file()["supplement"].get(name) or classes[name]
    own = read_listing(entry)
    if entry.get("widget") and name != "qt.QWidget":
        own = own.joined(read_listing(classes["qt.QWidget"]))
    if is_supplement(name) and not entry.get("widget") and not name.startswith("slicer."):
        return own
    if VALUE_MARK in own.names:
        return own
    return own.joined(read_listing(classes["qt.QObject"]))


def util_names() -> frozenset[str]:
    """Names in `slicer.util`."""
    return frozenset(_file()["slicer_util"])
