"""Pictures of architectures, like the paper's Figure 7: levels by layers, with the edges coloured by operation."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from dints.errors import InputError
from dints.files.storage import atomic_path
from dints.space.architecture import Architecture
from dints.space.operations import TABLE
from dints.space.search_space import SearchSpace

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SUFFIXES = (".png", ".svg")

ACTIVE, INACTIVE, STEM = "#1a1a1a", "#d0d0d0", "#7a7a7a"

INCHES_PER_COLUMN, INCHES_PER_ROW = 0.9, 0.85
LEGEND_INCHES = 6.5  # half of the entries in a row
DOTS_PER_INCH = 150
STEM_GAP = 0.95  # columns between the outermost nodes and the bars of the image and the segmentation
NODE_DIAMETER, BAR_WIDTH = 11, 14  # points


def draw_architecture(architecture: Architecture, path: str | os.PathLike, title: str = "") -> None:
    """Writes a .png or .svg picture, atomically.

    Row d holds the feature nodes of level d (in the paper at 1/2^(d+1) of the image's resolution), column i those after
    layer i; column 0 are the stems. InputError for another suffix, or if matplotlib is not installed.
    """
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"{path}: pictures are written as {' or '.join(SUFFIXES)}; change the suffix")
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError as error:
        remedy = "install the extra `pictures`: pip install 'slicer-dints[pictures]'"
        raise InputError(f"{path}: pictures need matplotlib, which is not installed; {remedy}") from error
    space = architecture.space
    size = (max(INCHES_PER_COLUMN * (space.layers + 3), LEGEND_INCHES), INCHES_PER_ROW * space.levels + 1.5)
    figure = Figure(figsize=size, dpi=DOTS_PER_INCH, layout="constrained")
    _draw(figure, architecture, title)
    # Text stays text, and the same architecture gives the same file.
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "dints"}), atomic_path(path) as temporary:
        metadata = {"Date": None} if path.suffix.lower() == ".svg" else None
        figure.savefig(temporary, format=path.suffix.lower()[1:], facecolor="white", metadata=metadata)


def _draw(figure: Figure, architecture: Architecture, title: str) -> None:
    layers, levels = architecture.space.layers, architecture.space.levels
    axes = figure.add_subplot()
    axes.set_xlim(-STEM_GAP - 0.5, layers + STEM_GAP + 0.5)
    axes.set_ylim(levels - 0.5, -0.5)  # the finest level on top
    axes.set_xticks(range(layers + 1), ["stems", *map(str, range(1, layers + 1))])
    axes.set_yticks(range(levels), [_resolution(architecture.space, level) for level in range(levels)])
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("top")
    axes.set_xlabel("layer")
    axes.set_ylabel("resolution")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    if title:
        axes.set_title(title, fontweight="bold", pad=12, wrap=True)
    _draw_edges(axes, architecture)
    _draw_stems(axes, architecture)
    _draw_nodes(axes, architecture)
    _add_legend(figure)


def _resolution(space: SearchSpace, level: int) -> str:
    """Of a level, as a part of the image's; by axis where they differ."""
    shrink = space.shrink(level)
    names = ["1" if axis == 1 else f"1/{axis}" for axis in shrink]
    return names[0] if len(set(names)) == 1 else " × ".join(names)


def _draw_edges(axes: Axes, architecture: Architecture) -> None:
    space = architecture.space
    for layer in range(space.layers):
        for edge, (source, target) in enumerate(zip(space.sources, space.targets, strict=True)):
            start, end = (layer, source), (layer + 1, target)
            if architecture.edges[layer, edge]:
                colour = TABLE[architecture.operations[layer, edge]].colour
                _arrow(axes, start, end, colour, width=1.8)
            else:
                axes.plot(*zip(start, end, strict=True), color=INACTIVE, linewidth=0.9, linestyle=":", zorder=0)


def _draw_stems(axes: Axes, architecture: Architecture) -> None:
    """Bars for the image and the segmentation, joined to the nodes that the first layer reads and the last ends in."""
    layers, levels = architecture.space.layers, architecture.space.levels
    for x, name in ((-STEM_GAP, "image"), (layers + STEM_GAP, "segmentation")):
        axes.plot([x, x], [-0.3, levels - 0.7], color=STEM, linewidth=BAR_WIDTH, solid_capstyle="round", zorder=3)
        middle = (levels - 1) / 2
        axes.text(x, middle, name, color="white", rotation=90, ha="center", va="center", fontsize=9, zorder=4)
    for level in _levels(architecture.node_activation[0]):
        _arrow(axes, (-STEM_GAP, level), (0, level), STEM, width=1.0)
    for level in _levels(architecture.node_activation[-1]):
        _arrow(axes, (layers, level), (layers + STEM_GAP, level), STEM, width=1.0)


def _draw_nodes(axes: Axes, architecture: Architecture) -> None:
    for column, activation in enumerate(architecture.node_activation):
        for level, active in enumerate(activation):
            axes.plot(column, level, "o", markersize=NODE_DIAMETER, color=ACTIVE if active else INACTIVE, zorder=3)


def _add_legend(figure: Figure) -> None:
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], color=one.colour, linewidth=2.5, label=one.caption) for one in TABLE]
    handles.append(Line2D([], [], color=INACTIVE, linestyle=":", marker="o", markersize=8, label="not selected"))
    columns = len(handles) if figure.get_figwidth() > 2 * LEGEND_INCHES else len(handles) // 2
    figure.legend(handles=handles, loc="outside lower center", ncols=columns, frameon=False, fontsize=9)


def _arrow(axes: Axes, start: tuple, end: tuple, colour: str, width: float) -> None:
    style = {"arrowstyle": "-|>", "color": colour, "linewidth": width, "mutation_scale": 9}
    axes.annotate("", xy=end, xytext=start, arrowprops=style | {"shrinkA": 4, "shrinkB": NODE_DIAMETER / 2}, zorder=2)


def _levels(activation: Iterable[bool]) -> list[int]:
    return [level for level, active in enumerate(activation) if active]
