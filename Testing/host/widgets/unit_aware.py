"""What Slicer adds to CTK's number widgets: a scene and a quantity. The unit stays as the panel sets it."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Property


class UnitAware:
    """Mixed into a Qt widget."""

    _scene = None
    _quantity = ""

    def setMRMLScene(self, scene: Any) -> None:
        self._scene = scene

    def mrmlScene(self) -> Any:
        return self._scene

    def setQuantity(self, quantity: str) -> None:
        self._quantity = quantity


def quantity_property() -> Property:
    """The Qt property `quantity` of a `UnitAware` widget."""
    return Property(str, lambda self: self._quantity, lambda self, value: self.setQuantity(value))
