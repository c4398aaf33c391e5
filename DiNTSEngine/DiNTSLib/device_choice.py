"""Where the engine computes, as both panels offer it."""

from __future__ import annotations

from enum import Enum

from slicer.i18n import tr as _


class DeviceChoice(Enum):
    """The values are the engine's words; the names are kept in scenes."""

    AUTOMATIC = "auto"
    GPU = "cuda"
    CPU = "cpu"
    AUTO = "auto"  # another name of the first, in scenes of DiNTS Search

    def label(self) -> str:
        return {"auto": _("Automatic"), "cuda": _("GPU"), "cpu": _("CPU")}[self.value]
