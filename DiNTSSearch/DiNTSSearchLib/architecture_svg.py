"""A light drawing of an architecture for the panel: levels as rows, layers as columns, edges coloured by operation.

The engine draws the finished one with matplotlib (`dints.search.drawing`), whose colours are used here.
"""

from __future__ import annotations

from pathlib import Path

HEIGHT_OF_LEVEL, MARGIN, LEGEND_HEIGHT = 26, 14, 34  # pixels
NODE_RADIUS = 3.5
LEGEND_COLUMNS = 3


def architectureSvg(path: Path, width: int) -> bytes:
    """The drawing of an architecture's file, `width` pixels wide. On white, which suits dark themes as well.

    Raises:
        dints.errors.InputError: the file is no architecture.
    """
    from dints.search.drawing import ACTIVE, INACTIVE
    from dints.space.architecture import Architecture
    from dints.space.operations import TABLE

    architecture = Architecture.load(path)
    space = architecture.space
    step = (width - 2 * MARGIN) / space.layers
    height = 2 * MARGIN + (space.levels - 1) * HEIGHT_OF_LEVEL + LEGEND_HEIGHT
    parts = [f'<rect width="{width}" height="{height}" rx="4" fill="#ffffff"/>']

    def place(column: int, level: int) -> tuple[float, float]:
        return MARGIN + column * step, MARGIN + level * HEIGHT_OF_LEVEL

    for layer in range(space.layers):
        for edge in architecture.edges[layer].nonzero()[0]:
            color = TABLE[architecture.operations[layer, edge]].colour
            start, end = place(layer, space.sources[edge]), place(layer + 1, space.targets[edge])
            parts.append(_line(start, end, color))
    for column, nodes in enumerate(architecture.node_activation):
        for level, active in enumerate(nodes):
            x, y = place(column, level)
            color = ACTIVE if active else INACTIVE
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{NODE_RADIUS}" fill="{color}"/>')
    parts += _legend([(operation.colour, operation.caption) for operation in TABLE], width, height - LEGEND_HEIGHT + 4)
    drawing = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">{"".join(parts)}</svg>'
    return drawing.encode("utf-8")


def _line(start: tuple[float, float], end: tuple[float, float], color: str) -> str:
    points = f'x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}"'
    return f'<line {points} stroke="{color}" stroke-width="2"/>'


def _legend(styles: list[tuple[str, str]], width: int, top: float) -> list[str]:
    """A stroke and a name for each operation, in two rows."""
    parts = []
    column_width = (width - 2 * MARGIN) / LEGEND_COLUMNS
    for index, (color, text) in enumerate(styles):
        row, column = divmod(index, LEGEND_COLUMNS)
        x, y = MARGIN + column * column_width, top + 14 * row
        short = text.split(" + ")[0]
        parts.append(_line((x, y), (x + 14, y), color))
        parts.append(f'<text x="{x + 18:.1f}" y="{y + 4:.1f}" font-size="10" fill="#1a1a1a">{short}</text>')
    return parts
