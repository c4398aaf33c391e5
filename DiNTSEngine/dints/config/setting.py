"""What is known of one setting, said in one line at its field: default, limits or choices, unit, meaning.

The checks of the configuration, the command line's help, `docs/settings.md` and the panels are made from it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple, TypeVar, cast

from dints.config.values import plain
from dints.errors import brief

METADATA = "setting"  # key in the metadata of a dataclass's field

Value = TypeVar("Value")


class Rule(NamedTuple):
    """What limits cannot say of a value: `words` complete the sentence "it must ..."."""

    holds: Callable[[Any], bool]
    words: str


@dataclass(frozen=True)
class Setting:
    """What may be given for one field of the configuration, and what it means.

    Limits and choices hold for a value, for each of several, and for the keys of a mapping. `low` and `high` may be
    given themselves, `above` and `below` may not.
    """

    default: Any
    meaning: str  # without a full stop
    unit: str = ""
    low: float = -math.inf
    high: float = math.inf
    above: float = -math.inf
    below: float = math.inf
    choices: tuple[str | int, ...] = ()
    entries: tuple[int, int] = (0, 2**63 - 1)  # how few and how many a list or mapping may have
    rule: Rule | None = None

    def refusal(self, value: Any) -> str | None:
        """Why a value of the right type cannot be taken, as "must ..., not ..."; None if it can."""
        for part in _parts(value):
            if self.choices and part not in self.choices:
                return f"must be {_any_of(self.choices)}, not {brief(part)}"
            if isinstance(part, int | float) and not self._is_within(part):
                return f"must {'lie' if self._is_closed else 'be'} {self.limits}, not {brief(part)}"
        if self.rule and not self.rule.holds(value):
            return f"must {self.rule.words}, not {brief(plain(value))}"
        if isinstance(value, tuple | dict) and not self.entries[0] <= len(value) <= self.entries[1]:
            return f"must have {self.entries[0]} to {self.entries[1]} entries, not {len(value)}"
        return None

    @property
    def limits(self) -> str:
        """What a number may be, in words: "between 1 and 100", "above 0 and at most 1"; "" if it may be any."""
        if self._is_closed:
            return f"between {self.low:.15g} and {self.high:.15g}"
        words = [
            f"at least {self.low:.15g}" if self.low > -math.inf else "",
            f"above {self.above:.15g}" if self.above > -math.inf else "",
            f"at most {self.high:.15g}" if self.high < math.inf else "",
            f"less than {self.below:.15g}" if self.below < math.inf else "",
        ]
        return " and ".join(filter(None, words))

    def accepted(self, kind: str) -> str:
        """All that may be given, in words; `kind` are those of the type, such as "a list of 3 numbers"."""
        limits = _any_of(self.choices) if self.choices else self.limits
        if not isinstance(self.default, str | int | float):  # several numbers or texts, or none
            limits = limits and f"each {limits}"
        elif self.choices:
            return f"{limits}, or a list of such" if "a list" in kind else limits
        counted = f"{self.entries[0]} to {self.entries[1]} entries" if self.entries != Setting.entries else ""
        rule = f"must {self.rule.words}" if self.rule else ""
        return ", ".join(filter(None, [kind, limits, counted, rule]))

    @property
    def _is_closed(self) -> bool:
        return -math.inf < self.low and self.high < math.inf

    def _is_within(self, number: float) -> bool:
        return self.low <= number <= self.high and self.above < number < self.below


def setting(default: Value, meaning: str, **known: Any) -> Value:
    """A field of a section, with what is known of it: the other fields of `Setting`."""
    metadata = {METADATA: Setting(default, meaning, **known)}
    if isinstance(default, dict):
        return cast(Value, field(default_factory=default.copy, metadata=metadata))
    return field(default=default, metadata=metadata)


def settings_of(section: Any) -> dict[str, Setting]:
    """What is known of each field of a section, by name."""
    return {own.name: own.metadata[METADATA] for own in fields(section)}


def _parts(value: Any) -> Sequence[Any]:
    """A value, several, the keys of a mapping, or nothing, as a list."""
    return [] if value is None else list(value) if isinstance(value, tuple | dict) else [value]


def _any_of(choices: Sequence[Any]) -> str:
    """ "a, b or c"."""
    *first, last = map(str, choices)
    return f"{', '.join(first)} or {last}" if first else last
