"""How wide a candidate of a race may be so that a window takes no longer than `race.seconds` on this computer.

Ours, not the paper's, whose budget is memory (Eq. 8 to 10).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from dints.cost.seconds import WindowTimer
from dints.cost.width import most_filters
from dints.errors import InputError, is_out_of_memory
from dints.files.storage import read_json, write_json
from dints.space.architecture import MAX_FILTERS
from dints.zoo.catalogue import AnyDesign


class TimedWidths:
    """Measures each candidate once: measured again it might be given another width, and an interrupted race goes on
    with the networks that it began with.

    Args:
        seconds: that a window may take.
        file: keeps the widths by the candidates' names.

    Raises:
        InputError: the file is damaged.
    """

    def __init__(self, timer: WindowTimer, seconds: float, file: Path) -> None:
        self._timer, self._seconds, self._file = timer, seconds, file
        self._known: dict[str, int] = _read(file) if file.is_file() else {}

    def __call__(self, name: str, design: AnyDesign, most: int) -> int:
        """The largest number of filters, up to `most`; 0 if one takes too long."""
        if name not in self._known:
            allowed = most_filters(lambda filters: filters <= most and self._is_fast(replace(design, filters=filters)))
            self._known[name] = allowed
            write_json(self._file, self._known)
        return min(most, self._known[name])

    def _is_fast(self, design: AnyDesign) -> bool:
        try:
            return self._timer.whole(design) <= self._seconds
        except (MemoryError, RuntimeError) as error:
            if is_out_of_memory(error):
                return False
            raise


def _read(file: Path) -> dict[str, int]:
    values = read_json(file)
    if isinstance(values, dict) and all(type(own) is int and 0 <= own <= MAX_FILTERS for own in values.values()):
        return values
    raise InputError(f"{file}: holds no numbers of filters; delete it, and they are measured again")
