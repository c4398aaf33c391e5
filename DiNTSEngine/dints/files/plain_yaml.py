"""YAML of our own: settings as texts and as lines."""

from __future__ import annotations

import math
from typing import Any

import yaml

UNICODE_LINE_ENDS = "\x85\u2028\u2029"


def to_yaml(value: Any) -> str:
    """A plain value as a YAML text, keys in their order."""
    text = yaml.safe_dump(value, sort_keys=False, allow_unicode=True)
    # PyYAML writes these as they are, but reads them as ends of lines.
    return yaml.safe_dump(value, sort_keys=False) if any(end in text for end in UNICODE_LINE_ENDS) else text


def to_line(value: Any) -> str:
    """A plain value as YAML in one line, as it is written on a command line: `[96, 96, 96]`, `adamw`."""
    flow: dict[str, Any] = {"default_flow_style": True, "sort_keys": False, "width": math.inf}
    line: str = yaml.safe_dump(value, **flow, allow_unicode=True).removesuffix("\n").removesuffix("\n...")
    if line.isprintable():
        return line
    quoted: str = yaml.safe_dump(value, **flow, default_style='"').rstrip("\n")
    return quoted
