"""YAML from strangers: plain values, or one ValueError that says in a line what is wrong.

Apart from `json_text`, because Slicer gets PyYAML only with the engine's other needs.
"""

from __future__ import annotations

from typing import Any

import yaml

from dints.errors import short

LONGEST_YAML = 100_000  # characters; our settings have some 3,000, and PyYAML reads about 100,000 a second
DEEPEST_YAML = 50  # brackets within brackets; the time that PyYAML takes grows with the square of their number


def parse_yaml(text: str) -> Any:
    """The value of a YAML text without tags and aliases of its own."""
    if len(text) > LONGEST_YAML:
        raise ValueError(f"it is longer than {LONGEST_YAML} characters")
    try:
        return yaml.load(text, _PlainLoader)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    # A value that does not fit the type that it is marked with raises any of the others.
    except (yaml.YAMLError, ArithmeticError, AttributeError, LookupError, TypeError) as error:
        raise ValueError(short(error)) from error


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
