"""What processes of the engine tell: events, one JSON object a line, and sentences on how they ended."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from slicer.i18n import tr as _

Event = dict[str, Any]
OnEvent = Callable[[Event], None]
OnFinished = Callable[[int, str], None]

FIELDS: dict[str, dict[str, type]] = {  # that an event must have; see `dints.events.JsonReporter`
    "progress": {"stage": str, "step": int, "total": int},
    "message": {"text": str},
    "warning": {"text": str},
    "result": {"name": str, "values": dict},
    "error": {"text": str, "code": int},
}
EXIT_DONE, EXIT_FAILED, EXIT_CANCELLED = 0, 1, 130  # 130: as shells say "interrupted"
KILLED = (-9, 137)  # exit codes of what the system ended, its own and the one that a launcher hands on
LONGEST_QUOTATION = 200  # characters of a log in a sentence


def parseEvent(line: str) -> Event | None:
    """The event of a line; None for what is none, such as a library's own output, or not whole."""
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(event, dict) or not isinstance(event.get("event"), str):
        return None
    fields = FIELDS.get(event["event"], {})
    return event if all(isinstance(event.get(name), kind) for name, kind in fields.items()) else None


def endSentence(exitCode: int, log: Sequence[str]) -> str:
    """Why a process ended that said nothing itself, with the last line of its log, and what to do."""
    if exitCode in KILLED:
        text = _("The engine was ended by the system (code {code}), probably because memory ran out")
        return text.format(code=exitCode) + _("; close other programs and try again.")
    text = _("The engine ended unexpectedly (code {code})").format(code=exitCode)
    last = next(filter(None, map(_printable, reversed(log))), "")
    return (f"{text}: {last}" if last else text) + _("; try again.")


def _printable(line: str) -> str:
    """What can be shown of a line in a sentence; a library may have written anything."""
    shown = "".join(sign for sign in line if sign.isprintable() and sign != "\N{REPLACEMENT CHARACTER}")
    return shown.strip()[:LONGEST_QUOTATION]
