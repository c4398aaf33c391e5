"""Left and right among label names: what a mirror image of a body does to its labels."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

LEFT, RIGHT = "<", ">"  # take the place of the words
SIDES = {
    LEFT: "left l lt lh lft links linke linker linkes gauche sinistra sinistro izquierda izquierdo sinister "
    "esquerdo esquerda vänster vänstra venstre lewy lewa lewe "
    "左 левый левая левое",
    RIGHT: "right r rt rh rgt rechts rechte rechter rechtes droite droit destra destro derecha derecho dexter "
    "direito direita höger högra højre høyre prawy prawa prawe "
    "右 правый правая правое",
}
# Words that are a side only beside a label that is the other side: they mean other things as well.
ONLY_IN_PAIRS = {LEFT: "sin sn li", RIGHT: "dex dx re"}
UNDECOMPOSED = str.maketrans("øØłŁ", "oOlL")  # letters with a stroke, which Unicode does not take apart


def _without_accents(text: str) -> str:
    """What `WORDS` knows the letters of: "Läsion" is one word, and not "L"."""
    decomposed = unicodedata.normalize("NFKD", text.translate(UNDECOMPOSED))
    return "".join(character for character in decomposed if not unicodedata.combining(character))


SIDE_OF, PAIRED_SIDE_OF = (
    {_without_accents(word): side for side, words in table.items() for word in words.split()}
    for table in (SIDES, ONLY_IN_PAIRS)
)
# Of kidney_left, KidneyLeft, "Left kidney", R_kidney; L1 is one word, as that of a vertebra.
WORDS = re.compile(r"[lLrR]\d+|左|右|[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+|[^\W\d_]+")
JOINED = re.compile(r"(left|right)(?=\w)|(?<=\w)(left|right)|[lr](?=\d)")  # within a word: leftkidney, L1
# Organs whose left and right parts are unlike: the mirror image of one is not the other. Brains have ventricles, too.
LOPSIDED = re.compile(
    r"heart|cardi|herz|myo[ck]ard|ventri[ck]|atri[aou]|vorhof|oreillette|aur[ií]cula|[ck]oronar|liver|hepat|leber|foie|"
    r"fegato|h[ií]gado",
    re.IGNORECASE,
)
BRAIN = re.compile(r"lateral|brain|cerebr", re.IGNORECASE)
EXCHANGE = str.maketrans(LEFT + RIGHT, RIGHT + LEFT)
# Ends of the other axes of RAS volumes. Bodies are not symmetric along these: a mirror image shows no other label.
ENDS = {
    1: (("anterior", "posterior"), ("ant", "post"), ("ventral", "dorsal"), ("front", "back")),
    2: (("superior", "inferior"), ("sup", "inf"), ("cranial", "caudal"), ("upper", "lower"), ("top", "bottom")),
}


@dataclass(frozen=True)
class Sides:
    """What an R-L flip makes of each class, by class index in the order of the label values."""

    classes: tuple[int, ...]  # that of the other side; its own where a class has no side
    unpaired: tuple[str, ...]  # names with a side whose mirror image is no label

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
    structures = [value for value in values if value != 0]
    names = {value: _marked(labels[value], with_doubtful=True) for value in structures}
    value_of = {name: value for value, name in reversed(names.items())}
    classes, unpaired = list(range(len(values))), []
    for value, name in names.items():
        other = value_of.get(_mirrored(name), value)
        sure = _marked(labels[value])
        has_other = other != value and value_of[name] == value  # of two labels of one name, the first has a partner
        if has_other and not _is_lopsided(labels[value]):
            classes[values.index(value)] = values.index(other)
        elif has_other or _mirrored(sure) != sure:
            unpaired.append(labels[value])
    return Sides(tuple(classes), tuple(unpaired))


def ends_of(labels: Mapping[int, str]) -> dict[int, tuple[str, str]]:
    """Axes whose two ends label names tell apart, each with the first two such names."""
    names = {tuple(_words(name)): name for value, name in sorted(labels.items()) if value != 0}
    found: dict[int, tuple[str, str]] = {}
    for axis, pairs in ENDS.items():
        for one, other in pairs:
            for words, name in names.items():
                opposite = names.get(tuple(other if word == one else word for word in words), name)
                if opposite != name:
                    found.setdefault(axis, (name, opposite))
    return found


def _is_lopsided(name: str) -> bool:
    return LOPSIDED.search(name) is not None and BRAIN.search(name) is None


def _words(name: str) -> list[str]:
    return [word.casefold() for word in WORDS.findall(_without_accents(name))]


def _marked(name: str, with_doubtful: bool = False) -> tuple[str, ...]:
    """The words of a name in the order of the alphabet, those for a side as `LEFT` and `RIGHT`."""
    words = _words(name)
    if with_doubtful:
        words = [_marked_within(PAIRED_SIDE_OF.get(word, word)) for word in words]
    return tuple(sorted(SIDE_OF.get(word, word) for word in words))


def _marked_within(word: str) -> str:
    return word if word in SIDE_OF else JOINED.sub(lambda match: SIDE_OF[match[0]], word)


def _mirrored(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(word.translate(EXCHANGE) for word in words))
