"""JSON and YAML from strangers: plain values, or one ValueError that says in a line what is wrong."""

from __future__ import annotations

import json
import reprlib
from typing import Any, NoReturn

import yaml

LONGEST_YAML = 100_000  # characters; our settings have some 3,000, and PyYAML reads about 100,000 a second
DEEPEST_YAML = 50  # brackets within brackets; the time that PyYAML takes grows with the square of their number


def parse_json(text: str | bytes) -> Any:
    """The value of a JSON text; unlike Python's own reader, this one refuses NaN and infinity as the format does."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def parse_yaml(text: str) -> Any:
    """The value of a YAML text without tags and aliases of its own."""
    if len(text) > LONGEST_YAML:
        raise ValueError(f"it is longer than {LONGEST_YAML} characters")
    try:
        return yaml.load(text, _PlainLoader)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    except (yaml.YAMLError, ArithmeticError, AttributeError, LookupError, TypeError) as error:
        raise ValueError(
            " ".join(str(error).split())
        ) from error  # values that do not fit their type raise any of these


def brief(value: Any) -> str:
    """A value as messages quote it: one short line, whatever it holds."""
    try:
        return " ".join(reprlib.repr(value).split())
    except ValueError:  # Python does not write whole numbers of thousands of digits
        return "a number of thousands of digits"


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number")


class _PlainLoader(yaml.SafeLoader):
    """Without aliases: a few lines of them can stand for more values than any memory holds."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("it refers to values elsewhere (*alias), which is not supported")
        return super().compose_node(parent, index)

    def fetch_flow_collection_start(self, token: type[yaml.Token]) -> None:
        if self.flow_level == DEEPEST_YAML:
            raise yaml.YAMLError("it is nested too deeply")
        super().fetch_flow_collection_start(token)
