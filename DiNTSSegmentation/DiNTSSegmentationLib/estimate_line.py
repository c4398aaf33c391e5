"""The line that says what a run will take."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import qt
from slicer.i18n import tr as _

from DiNTSLib.durations import duration

ESTIMATE_DELAY = 500  # milliseconds without a change before the worker is asked
GIBIBYTE = 2**30


class EstimateLine:
    """Asks for memory and time a moment after the last change, and shows the answer to the last question only.

    Args:
        ask: hands the answer to what it is given, and returns what the answer depends on.
        computer: name of the other computer that is chosen; "" is this one.
    """

    def __init__(
        self,
        ui: SimpleNamespace,
        ask: Callable[[Callable[[dict[str, Any]], None]], object],
        computer: Callable[[], str] = lambda: "",
    ) -> None:
        self.label, self._ask, self._computer = ui.estimateLabel, ask, computer
        self._question = 0
        self._asked: object = None
        self._timer = qt.QTimer()
        self._timer.setSingleShot(True)
        self._timer.setInterval(ESTIMATE_DELAY)
        self._timer.connect("timeout()", self._onTimeout)
        self._write("")

    def restart(self) -> None:
        self._question += 1
        self._timer.start()

    def stop(self) -> None:
        self._question += 1
        self._timer.stop()
        self._write("")

    def _onTimeout(self) -> None:
        question = self._question
        asked = self._ask(lambda values: self.show(values) if question == self._question else None)
        if asked != self._asked:  # the answer may take a while, or not come
            self._asked = asked
            self._write("")

    def show(self, values: dict[str, Any]) -> None:
        """What the engine answered."""
        self._write(estimateText(values, self._computer()))

    def _write(self, text: str) -> None:
        """The line is there only with a text: it shares its place with the reason why Apply is disabled."""
        self.label.text = text
        self.label.visible = bool(text)


def estimateText(values: dict[str, Any], computer: str = "") -> str:
    """The worker's estimate in a sentence; a warning where the GPU's memory will not do.

    Args:
        computer: name of the one that it holds for; "" is this one.
    """
    text = _("Needs up to {memory:.1f} GiB; ").format(memory=values["memory"] / GIBIBYTE)
    windows = values["windows"]
    text += _("1 window") if windows == 1 else _("{windows} windows").format(windows=windows)
    if values["seconds"] is not None:
        about = _("; at most {time}") if values["at_most"] else _("; about {time}")
        text += about.format(time=duration(values["seconds"]))
    text += _("; on the GPU") if values["device"].startswith("cuda") else _("; on the CPU")
    text += _(" of {computer}").format(computer=computer) if computer else ""
    available = values["device_memory"]
    if available is not None and values["memory"] > available:
        text += _(", which has {memory:.1f} GiB: it will go on in smaller steps").format(memory=available / GIBIBYTE)
    return text + "."
