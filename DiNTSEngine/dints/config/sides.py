"""Left and right among label names: what a mirror image of a body does to its labels."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

OTHER_SIDE = {"left": "right", "l": "r", "lt": "rt", "lh": "rh", "lft": "rgt", "links": "rechts", "gauche": "droite"}
OTHER_SIDE |= {"sinistra": "destra", "izquierda": "derecha", "izquierdo": "derecho", "sinister": "dexter", "sin": "dex"}
OTHER_SIDE |= {right: left for left, right in OTHER_SIDE.items()}
WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")  # of kidney_left, KidneyLeft, "Left kidney", R_kidney


@dataclass(frozen=True)
class Sides:
    """What an R-L flip makes of each class, by class index in the order of the label values."""

    classes: tuple[int, ...]  # that of the other side; its own where a class has no side
    unpaired: tuple[str, ...]  # names with a side whose other side is no label

    @property
    def any(self) -> bool:
        """Whether some label has a side."""
        return bool(self.unpaired) or self.classes != tuple(range(len(self.classes)))

    @property
    def mirrorable(self) -> bool:
        """Whether a mirror image can be labelled: not where the mirror image of a label is none."""
        return not self.unpaired


def sides_of(labels: Mapping[int, str]) -> Sides:
    """The sides that label names tell, in the usual ways of writing them; the background has none."""
    values = sorted(labels)
    words = {value: tuple(word.lower() for word in WORDS.findall(labels[value])) for value in values if value != 0}
    value_of = {own: value for value, own in words.items()}
    classes, unpaired = list(range(len(values))), []
    for value, own in words.items():
        mirrored = tuple(OTHER_SIDE.get(word, word) for word in own)
        if mirrored == own:
            continue
        if mirrored in value_of:
            classes[values.index(value)] = values.index(value_of[mirrored])
        else:
            unpaired.append(labels[value])
    return Sides(tuple(classes), tuple(unpaired))
