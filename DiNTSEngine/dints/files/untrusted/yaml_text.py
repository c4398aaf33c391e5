"""YAML from strangers: plain values, or one ValueError that says in a line what is wrong.

Of what YAML 1.1 makes of plain words, only what people mean: `no` and `on` are texts, as are days, and 010 and 1:30,
which are not 8 and 90.

Apart from `json_text`, because Slicer gets PyYAML only with the engine's other needs.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable
from typing import Any

import yaml

from dints.errors import brief, short

LONGEST_YAML = 100_000  # characters; our settings have some 3,000, and PyYAML reads about 100,000 a second
# What plain words are, with the characters that they begin with; all others are texts.
PLAIN_VALUES = (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?(0|[1-9][0-9_]*|0x[0-9a-fA-F]+)", "-+0123456789"),
    ("float", r"([-+]?[0-9][0-9_]*\.[0-9_]*|\.[0-9]+)([eE][-+][0-9]+)?|[-+]?\.inf|\.nan", "-+.0123456789"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
)
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
    """Without aliases: a few lines of them can stand for more values than any memory holds. Each key stands once."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  # as the base class has it; filled below

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("it refers to values elsewhere (*alias), which is not supported")
        return super().compose_node(parent, index)

    def fetch_flow_collection_start(self, token: type[yaml.Token]) -> None:
        if self.flow_level == DEEPEST_YAML:
            raise yaml.YAMLError("it is nested too deeply")
        super().fetch_flow_collection_start(token)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        values = super().construct_mapping(node, deep)
        if len(values) < len(node.value):
            names = Counter(key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode))
            raise yaml.YAMLError(f"it gives {brief(names.most_common(1)[0][0])} twice")
        return values


for kind, pattern, first in PLAIN_VALUES:
    _PlainLoader.add_implicit_resolver(f"tag:yaml.org,2002:{kind}", re.compile(f"^(?:{pattern})$"), list(first))
