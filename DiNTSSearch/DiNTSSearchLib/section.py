"""What the four sections of the panel have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING

import ctk
from slicer.i18n import tr as _

from DiNTSSearchLib.pipeline import Pipeline, Results

if TYPE_CHECKING:
    from DiNTSSearchLib.panel import SearchPanel


class Section(ABC):
    """A step of the way to a model. `refresh` shows its present state; the panel calls it whenever something changed.

    Args:
        button: the ctkCollapsibleButton around the section's widgets; its text shows the state.
    """

    def __init__(self, panel: SearchPanel, title: str, button: ctk.ctkCollapsibleButton) -> None:
        self.panel, self.ui, self.logic = panel, panel.ui, panel.logic
        self.title, self.button = title, button
        self.error = ""  # of the last attempt

    @property
    def isRunning(self) -> bool:
        return self.panel.runningSection is self

    @abstractmethod
    def refresh(self) -> None:
        """Shows the state of the run in the section's widgets."""

    @abstractmethod
    def state(self) -> str:
        """A few words for the section's title."""

    @abstractmethod
    def action(self) -> str:
        """What the start button says while the section is open."""

    @abstractmethod
    def whyNot(self) -> str:
        """Why the action is not possible now; "" if it is."""

    @abstractmethod
    def onStart(self) -> None:
        """The start button was clicked while the section is open."""

    def forget(self) -> None:
        """Another run was opened: what was said and chosen about the one before does not hold for it."""
        self.error = ""

    def stopped(self) -> str:
        """What to say when the user stopped the section's job."""
        return _("Stopped. It can be resumed, also after a restart.")

    def explain(self, sentence: str) -> str:
        """What to show for an error of the engine."""
        return sentence

    def showState(self) -> None:
        """State into the section's title."""
        state = self.state()
        self.button.text = f"{self.title}: {state}" if state else self.title

    def start(self, begin: Callable[..., Pipeline], onDone: Callable[[Results], None] | None = None) -> None:
        """Starts a job of this section: `begin` is a call of the logic that takes `onEvent` and `onFinished`."""
        self.error = ""
        self.panel.startJob(self, begin, onDone or (lambda results: None))


def counted(count: int, one: str, many: str) -> str:
    """A text for a number of things; `many` has a place for `count`."""
    return one if count == 1 else many.format(count=count)
