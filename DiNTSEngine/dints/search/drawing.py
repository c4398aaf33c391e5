"""Pictures of architectures, like the paper's Figure 7: levels by layers, with the edges coloured by operation.

Row d holds the feature nodes of level d, finest first, and column i those after layer i; column 0 are the stems. One
drawing serves the run's folder, the report and the panel, which shows it in a narrow column while a search runs.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from dints.errors import InputError
from dints.files.storage import atomic_path, write_text
from dints.geometry import Size
from dints.search.picture import Disc, Picture, Place, Polygon, Shape, Stroke, Text, picture_png, picture_svg
from dints.space.architecture import Architecture
from dints.space.operations import BY_NAME, TABLE
from dints.zoo.catalogue import AnyDesign
from dints.zoo.unet_design import UNetDesign

SUFFIXES = (".png", ".svg")

INK, ACTIVE, INACTIVE, STEM, WHITE = "#1a1a1a", "#1a1a1a", "#d0d0d0", "#7a7a7a", "#ffffff"

COLUMN, ROW, SMALLEST_ROW = 62.0, 54.0, 26.0  # pixels between nodes; a given width can narrow the columns
SMALLEST_WIDTH = 640.0  # of a drawing that chooses its own
BESIDE = 1.2  # from the levels' names to the middle of the image's bar, of the text's size
SMALLEST_STEM = 2.4  # from a bar of the image or the segmentation to the nodes, of the text's size; else a column
MARGIN, TITLE_HEIGHT, LEGEND_ROW = 12.0, 26.0, 18.0
TEXT, SMALL_TEXT, TITLE_TEXT = 12.0, 10.0, 15.0  # pixels
CHARACTER = 0.64  # width of a character, of the font's size; on the safe side
WIDEST_LINE, HEAD = 2.4, 0.45  # pixels; half the width of an arrow's head, of its length
LAYER, STEMS, NOT_SELECTED = "layer", "stems", "not selected"


def architecture_svg(architecture: AnyDesign, width: float | None = None, title: str = "") -> str:
    """The drawing as an SVG document: as wide as it needs to be, or `width` pixels."""
    return picture_svg(_picture(architecture, width, title))


def draw_architecture(architecture: AnyDesign, path: str | os.PathLike[str], title: str = "") -> None:
    """Writes a .png or .svg picture, atomically.

    InputError for another suffix, or if a PNG is asked for and matplotlib is not installed.
    """
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"{path}: pictures are written as {' or '.join(SUFFIXES)}; change the suffix")
    if path.suffix.lower() == ".svg":
        write_text(path, architecture_svg(architecture, title=title))
        return
    try:
        content = picture_png(_picture(architecture, None, title))
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


@dataclass(frozen=True)
class _Layout:
    """Where things stand."""

    layers: int
    resolutions: Sequence[str]  # of the levels
    width: float
    text: float  # size
    top: float  # of the grid of nodes
    left: float  # of the picture, to the middle of the image's bar
    stem: float  # from there to the stems' nodes, and from the last ones to the segmentation's
    column: float  # from one layer to the next

    @property
    def beside(self) -> float:
        """x where the levels' names end."""
        return self.left - BESIDE * self.text

    @property
    def row(self) -> float:
        return min(ROW, max(SMALLEST_ROW, self.column))

    @property
    def radius(self) -> float:
        """Of a node."""
        return min(7.0, self.column / 5)

    @property
    def bar(self) -> float:
        """Width of the bars of the image and the segmentation."""
        return self.text + 4

    @property
    def bar_ends(self) -> tuple[float, float]:
        """y of both ends of the bars, which are long enough for their names."""
        rows = (len(self.resolutions) - 1) * self.row
        excess = max(0.0, len("segmentation") * CHARACTER * self.text - rows) / 2
        return self.top - excess, self.top + rows + excess

    def node(self, column: int, level: int) -> Place:
        return self.left + self.stem + column * self.column, self.top + level * self.row


def _layout(layers: int, shrinks: Sequence[Size], width: float | None, titled: bool) -> _Layout:
    """`shrinks` are the voxels of the images along a voxel of each level."""
    resolutions = [_resolution(shrink) for shrink in shrinks]
    text = TEXT if width is None else SMALL_TEXT
    left = MARGIN + (max(map(len, (LAYER, *resolutions))) * CHARACTER + BESIDE) * text
    right = MARGIN + text
    if width is None:
        width = max(left + (layers + 2) * COLUMN + right, SMALLEST_WIDTH)
    stem = max((width - left - right) / (layers + 2), SMALLEST_STEM * text)
    top = MARGIN + (TITLE_HEIGHT if titled else 0) + 2.4 * text
    column = (width - left - right - 2 * stem) / layers
    layout = _Layout(layers, resolutions, width, text, top, left, stem, column)
    return replace(layout, top=2 * top - layout.bar_ends[0])


def _resolution(shrink: Size) -> str:
    """Of a level, as a part of the images'; axis by axis where they differ."""
    names = ["1" if axis == 1 else f"1/{axis}" for axis in shrink]
    return names[0] if len(set(names)) == 1 else " × ".join(names)


def _picture(design: AnyDesign, width: float | None, title: str) -> Picture:
    if isinstance(design, UNetDesign):
        return _unet(design, width, title)
    space = design.space
    layout = _layout(space.layers, [space.shrink(level) for level in range(space.levels)], width, bool(title))
    entries = [(operation.caption, operation.colour) for operation in TABLE] + [(NOT_SELECTED, INACTIVE)]
    first, last = (np.flatnonzero(design.node_activation[column]).tolist() for column in (0, -1))
    shapes = [*_headings(layout), *_edges(design, layout), *_stems(layout, first, last), *_nodes(design, layout)]
    return _labelled(layout, title, shapes, entries)


def _unet(design: UNetDesign, width: float | None, title: str) -> Picture:
    """The way down and up again, and what is concatenated."""
    turn = design.levels - 1
    layout = _layout(2 * turn, [design.shrink(level) for level in range(design.levels)], width, bool(title))
    path, across = BY_NAME["conv_3x3x3"].colour, BY_NAME["skip"].colour
    places = [layout.node(column, turn - abs(turn - column)) for column in range(2 * turn + 1)]
    shapes: list[Shape] = list(_stems(layout, [0], [0]))
    for level in range(turn):
        shapes += _arrow(places[level], places[-1 - level], across, layout, gap=layout.radius)
    for start, end in pairwise(places):
        shapes += _arrow(start, end, path, layout, gap=layout.radius)
    shapes += [Disc(place, layout.radius, ACTIVE) for place in places]
    return _labelled(layout, title, shapes, [("two conv 3×3×3", path), ("concatenation", across)])


def _labelled(layout: _Layout, title: str, shapes: Sequence[Shape], entries: Sequence[tuple[str, str]]) -> Picture:
    """The picture of a network with its title, the levels' resolutions and a legend of captions and colours."""
    labels = [
        Text((layout.beside, layout.node(0, level)[1]), resolution, layout.text, INK, anchor="end")
        for level, resolution in enumerate(layout.resolutions)
    ]
    if title:
        size = min(TITLE_TEXT, (layout.width - 2 * MARGIN) / (len(title) * CHARACTER))
        labels.append(Text((layout.width / 2, MARGIN + TITLE_TEXT / 2), title, size, INK, bold=True))
    legend, height = _legend(layout, entries)
    return Picture(layout.width, height, [*labels, *shapes, *legend])


def _headings(layout: _Layout) -> Iterator[Text]:
    """The layers' numbers above the grid."""
    above = layout.bar_ends[0] - layout.bar / 2 - layout.text
    yield Text((layout.beside, above), LAYER, layout.text, INK, anchor="end")
    yield Text((layout.node(0, 0)[0] + layout.radius, above), STEMS, layout.text, INK, anchor="end")
    every = math.ceil(2.6 * CHARACTER * layout.text / layout.column)  # layers from one number to the next
    for column in range(every, layout.layers + 1, every):
        yield Text((layout.node(column, 0)[0], above), str(column), layout.text, INK)


def _edges(architecture: Architecture, layout: _Layout) -> Iterator[Shape]:
    space = architecture.space
    selected: list[Shape] = []  # on top of the others
    for layer in range(space.layers):
        for edge, (source, target) in enumerate(zip(space.sources.tolist(), space.targets.tolist(), strict=True)):
            start, end = layout.node(layer, source), layout.node(layer + 1, target)
            if architecture.edges[layer, edge]:
                colour = TABLE[architecture.operations[layer, edge]].colour
                selected += _arrow(start, end, colour, layout, gap=layout.radius)
            else:
                yield Stroke(start, end, INACTIVE, 1, dotted=True)
    yield from selected


def _stems(layout: _Layout, first: Sequence[int], last: Sequence[int]) -> Iterator[Shape]:
    """Bars for the image and the segmentation, joined to the `first` and `last` levels that are read and written."""
    high, low = layout.bar_ends
    image, segmentation = layout.left, layout.node(layout.layers, 0)[0] + layout.stem
    for level in first:
        node = layout.node(0, level)
        yield from _arrow((image, node[1]), node, STEM, layout, gap=layout.radius)
    for level in last:
        node = layout.node(layout.layers, level)
        yield from _arrow(node, (segmentation, node[1]), STEM, layout, gap=layout.bar / 2)
    for x, name in ((image, "image"), (segmentation, "segmentation")):
        yield Stroke((x, high), (x, low), STEM, layout.bar)
        yield Text((x, (high + low) / 2), name, layout.text, WHITE, upwards=True)


def _nodes(architecture: Architecture, layout: _Layout) -> Iterator[Disc]:
    for column, activation in enumerate(architecture.node_activation):
        for level, active in enumerate(activation):
            yield Disc(layout.node(column, level), layout.radius, ACTIVE if active else INACTIVE)


def _legend(layout: _Layout, entries: Sequence[tuple[str, str]]) -> tuple[list[Shape], float]:
    """A stroke in each colour with its caption; and the height below."""
    stroke, gap = 2 * layout.text, layout.text / 2
    entry = stroke + gap + (max(len(caption) for caption, _ in entries) + 2) * CHARACTER * layout.text
    columns = max(1, min(len(entries), int((layout.width - 2 * MARGIN) / entry)))
    rows = math.ceil(len(entries) / columns)
    columns = math.ceil(len(entries) / rows)  # rows of one length
    top = layout.bar_ends[1] + layout.bar / 2 + 1.6 * LEGEND_ROW
    left = max(MARGIN, (layout.width - columns * entry) / 2)
    shapes: list[Shape] = []
    for index, (caption, colour) in enumerate(entries):
        row, column = divmod(index, columns)
        x, y = left + column * entry, top + row * LEGEND_ROW
        off = colour == INACTIVE
        shapes.append(Stroke((x, y), (x + stroke, y), colour, 1 if off else WIDEST_LINE, dotted=off))
        if off:
            shapes.append(Disc((x + stroke / 2, y), min(layout.radius, 5.0), colour))
        shapes.append(Text((x + stroke + gap, y), caption, layout.text, INK, anchor="start"))
    return shapes, top + rows * LEGEND_ROW


def _arrow(start: Place, end: Place, colour: str, layout: _Layout, gap: float) -> list[Shape]:
    """A line with a head that ends `gap` before `end`."""
    length = math.dist(start, end)
    x, y = (end[0] - start[0]) / length, (end[1] - start[1]) / length
    head = min(9.0, layout.column / 4)
    tip = (end[0] - gap * x, end[1] - gap * y)
    foot = (tip[0] - head * x, tip[1] - head * y)
    side = HEAD * head
    corners = (tip, (foot[0] - side * y, foot[1] + side * x), (foot[0] + side * y, foot[1] - side * x))
    width = min(WIDEST_LINE, 1.2 + layout.column / 50)
    return [Stroke(start, foot, colour, width), Polygon(corners, colour)]
