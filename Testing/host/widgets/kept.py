"""Properties that a panel may set and read and that change nothing here: looks, hints and policies."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Property


def kept_property(kind: Any, default: Any) -> Property:
    """A Qt property of type `kind` that only remembers what was written."""
    values: dict[str, str] = {}

    def key() -> str:
        return values.setdefault("key", f"_kept_{id(values)}")

    def read(self: Any) -> Any:
        return vars(self).get(key(), default)

    def write(self: Any, value: Any) -> None:
        vars(self)[key()] = value

    return Property(kind, read, write)
