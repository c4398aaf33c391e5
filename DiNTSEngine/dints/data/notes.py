"""What was taken from a list of cases and its names, in sentences: what could have been meant otherwise."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from dints.config.ignored import says_ignored
from dints.config.sides import ends_of, sides_of
from dints.data.datalist import DataList
from dints.data.segments import UNNAMED, folded, segments_of
from dints.errors import brief

NAMED_VALUES = 20  # of those that nothing names
AXES = ("R-L", "A-P", "S-I")
BACKGROUND = re.compile(
    r"background|bg|hintergrund|clear label|none|nothing|empty|air|rest|other|outside|exterior|unknown|"
    r"un(labell?ed|annotated|assigned|classified|segmented)|void|ignore|label 0|0",
)


def notes(datalist: DataList) -> list[str]:
    """Sentences for the user of a data set, without its name."""
    said = []
    if datalist.folds:
        said.append(f"its own division into {len(datalist.folds)} folds is used")
    if datalist.held_out:
        said.append(f"{len(datalist.held_out)} labelled cases are held out of search and training, as its list says")
    named = sum(1 for case in datalist.cases if case.label and segments_of(case.label))
    if named:
        said.append(f"labels of {named} cases are read by the names of their segments, whatever their values")
    return [*said, *_ignored(datalist), *_names(datalist.labels), *_sides(datalist.labels)]


def _ignored(datalist: DataList) -> Iterator[str]:
    if datalist.ignored:
        values = ", ".join(map(str, datalist.ignored))
        yield f"voxels of value {values} are ignored: no loss, no patch centres and no score counts them"
    for value, name in datalist.labels.items():
        if value and says_ignored(name):
            yield f"label {value} is learned though it is called {brief(name)}; move it to task.ignored"


def _names(labels: Mapping[int, str]) -> Iterator[str]:
    """On values that nothing names, and on names that may have been given to the wrong values."""
    unnamed = [str(value) for value, name in labels.items() if value and UNNAMED.fullmatch(name)]
    if unnamed:
        shown = ", ".join(unnamed[:NAMED_VALUES]) + (", ..." if unnamed[NAMED_VALUES:] else "")
        yield (
            f"nothing names its label values {shown}: each is a structure of its own; name them in "
            'labels.yaml ("ignore" for voxels that nobody annotated)'
        )
    if not BACKGROUND.fullmatch(folded(labels.get(0, "background"))):
        yield f"value 0 is called {brief(labels[0])} and is the background here: it is neither learned nor scored"
    first: dict[str, int] = {}
    for value, name in labels.items():
        if value and folded(name) in ("background", "clear label"):
            yield f"label {value} is learned as a structure though it is called {brief(name)}"
        if first.setdefault(folded(name), value) != value:
            yield f"labels {first[folded(name)]} and {value} are both called {brief(name)}; give each a name of its own"


def _sides(labels: Mapping[int, str]) -> Iterator[str]:
    """On what mirror images of the body would confuse."""
    sides = sides_of(labels)
    names = [labels[value] for value in sorted(labels)]
    pairs = [f"{names[own]} and {names[other]}" for own, other in enumerate(sides.classes) if own < other]
    if pairs:
        yield f"left and right are told apart ({'; '.join(pairs)}): flips along R-L exchange them"
    if sides.unpaired:
        yield f"{', '.join(sides.unpaired)} have no label that is their mirror image: there are no flips along R-L"
    for axis, (one, other) in ends_of(labels).items():
        yield (
            f"{one} and {other} are told apart along {AXES[axis]}: settings derived from the data flip nothing along "
            f"it; leave {axis} out of augmentation.flip_axes in others"
        )
