"""What the four sections of the panel have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING

import ctk
import qt
from slicer.i18n import tr as _

from DiNTSSearchLib.pipeline import Pipeline, Results

if TYPE_CHECKING:
    from DiNTSSearchLib.panel import SearchPanel

ERROR_STYLE = "color: #e53935; font-weight: bold"  # readable on light and dark


class Section(ABC):
    """A step of the way to a model. `refresh` shows its present state; the panel calls it whenever something changed.

    Args:
        button: the ctkCollapsibleButton around the section's widgets; its text shows the state.
        reasonLabel: says why the action is not possible, or what went wrong.
        stopButton: None where there is none.
    """

    def __init__(
        self,
        panel: SearchPanel,
        title: str,
        button: ctk.ctkCollapsibleButton,
        reasonLabel: qt.QLabel,
        stopButton: qt.QPushButton | None = None,
    ) -> None:
        self.panel, self.ui, self.logic = panel, panel.ui, panel.logic
        self.title, self.button, self.reasonLabel, self.stopButton = title, button, reasonLabel, stopButton
        self.error = ""  # of the last attempt
        if stopButton is not None:
            stopButton.connect("clicked()", panel.stop)

    @property
    def isRunning(self) -> bool:
        return self.panel.runningSection is self

    @abstractmethod
    def refresh(self) -> None:
        """Shows the state of the run in the section's widgets."""

    def forget(self) -> None:
        """Another run was opened: what was said and chosen about the one before does not hold for it."""
        self.error = ""

    def stopped(self) -> str:
        """What to say when the user stopped the section's job."""
        return _("Stopped. It can be resumed from the last checkpoint.")

    def explain(self, sentence: str) -> str:
        """What to show for an error of the engine."""
        return sentence

    def showState(self, state: str, reason: str) -> None:
        """State into the section's title; an error, or else the reason, below the buttons."""
        self.button.text = f"{self.title}: {state}" if state else self.title
        self.reasonLabel.text = self.error or reason
        self.reasonLabel.styleSheet = ERROR_STYLE if self.error else ""
        self.reasonLabel.visible = bool(self.reasonLabel.text) and not self.button.collapsed
        if self.stopButton is not None:
            self.stopButton.enabled = self.isRunning

    def start(self, begin: Callable[..., Pipeline], onDone: Callable[[Results], None] | None = None) -> None:
        """Starts a job of this section: `begin` is a call of the logic that takes `onEvent` and `onFinished`."""
        self.error = ""
        self.panel.startJob(self, begin, onDone or (lambda results: None))


def counted(count: int, one: str, many: str) -> str:
    """A text for a number of things; `many` has a place for `count`."""
    return one if count == 1 else many.format(count=count)
