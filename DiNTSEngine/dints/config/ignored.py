"""Voxels that nobody annotated: no class, and left out of losses, sampling and scores.

nnU-Net names such a label "ignore" and gives it the highest value; others write that nothing was annotated.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

IGNORED = 255  # class index of such voxels; class indices are stored in 8 bits
IGNORED_NAME = "ignore"
SAYING_SO = re.compile(
    r"ignored?([ _-]?(label|region|mask))?|(un|not[ _-]?)(annotated|labell?ed)|void|don'?t[ _-]?care", re.IGNORECASE
)


def says_ignored(name: str) -> bool:
    """Whether a label of this name stands for voxels without annotation."""
    return SAYING_SO.fullmatch(name.strip()) is not None


def without_ignored(labels: Mapping[int, str]) -> tuple[dict[int, str], tuple[int, ...]]:
    """(labels that are classes, values of those that are none, as their names tell); 0 is always a class."""
    ignored = tuple(value for value, name in sorted(labels.items()) if value and says_ignored(name))
    return {value: name for value, name in labels.items() if value not in ignored}, ignored
