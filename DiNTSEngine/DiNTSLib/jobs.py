"""What the engine's worker is given to do, from its turn to its result."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dints.files.storage import remove_leftovers
from DiNTSLib.background import submit
from DiNTSLib.events import OnEvent, OnFinished

REASONS = (ValueError, LookupError, OSError, MemoryError)  # why a job cannot be prepared or its result not be read

Message = dict[str, Any]  # what the engine's worker is asked, see `dints.service.worker`


def reason(error: BaseException) -> str:
    """What an error says; some, such as those of lacking memory, have a name only."""
    return str(error) or type(error).__name__


@dataclass(frozen=True)
class SubmittedJob:
    """What waits for its turn."""

    number: int
    prepare: Callable[[], Message | None]
    onEvent: OnEvent
    onFinished: OnFinished
    load: Callable[[], None] | None


@dataclass
class JobAtWork:
    """What has its turn: its inputs are written, then the process has it, then its result is read."""

    job: SubmittedJob
    message: Message
    isSent: bool = False
    isCancelling: bool = False
    isSilent: bool = False
    isGivenUp: bool = False
    loading: Future[None] | None = None

    @property
    def inputs(self) -> list[str]:
        """Files that must be there before the process is told."""
        return [str(path) for path in self.message.get("inputs", [])]

    def clearAway(self) -> None:
        """Removes what its process may have left half written."""
        if "output" in self.message:
            submit(remove_leftovers, Path(self.message["output"]).parent)
