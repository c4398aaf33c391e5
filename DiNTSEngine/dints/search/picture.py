"""Pictures made of a few kinds of shapes, written as SVG by themselves, and as PNG by matplotlib.

Lengths are pixels of 1/96 inch; x runs to the right, y downwards.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from dints.errors import InputError

FONT_FAMILY = "DejaVu Sans, Helvetica, Arial, sans-serif"  # the first is matplotlib's own
BASELINE = 0.36  # of the font size, from the middle of capitals down to their foot
DOTS = (0.1, 3.0)  # of the line's width: length and distance
PIXELS_PER_INCH, POINTS_PER_INCH = 96, 72
PNG_SCALE = 2  # dots a pixel

Place = tuple[float, float]


@dataclass(frozen=True)
class Stroke:
    """A straight line with round ends."""

    start: Place
    end: Place
    colour: str
    width: float
    dotted: bool = False


@dataclass(frozen=True)
class Disc:
    centre: Place
    radius: float
    colour: str


@dataclass(frozen=True)
class Polygon:
    corners: Sequence[Place]
    colour: str


@dataclass(frozen=True)
class Text:
    """One line of text, its middle at the height of `place`."""

    place: Place
    text: str
    size: float
    colour: str
    anchor: str = "middle"  # or "start", "end"
    upwards: bool = False  # turned by 90 degrees, around `place`
    bold: bool = False


Shape = Stroke | Disc | Polygon | Text


@dataclass(frozen=True)
class Picture:
    """Shapes on white, the later ones on top."""

    width: float
    height: float
    shapes: Sequence[Shape]


def picture_svg(picture: Picture) -> str:
    """The picture as a document that browsers, Qt and drawing programs show alike; text stays text."""
    width, height = f"{picture.width:g}", f"{picture.height:g}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'font-family="{FONT_FAMILY}">',
        f'<rect width="{width}" height="{height}" rx="4" fill="#ffffff"/>',
        *map(_element, picture.shapes),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def picture_png(picture: Picture) -> bytes:
    """The picture as a PNG of twice as many dots as pixels; InputError if matplotlib is not installed."""
    try:
        from matplotlib import patches
        from matplotlib.figure import Figure
    except ImportError as error:
        remedy = "install the extra `pictures`: pip install 'slicer-dints[pictures]'"
        raise InputError(f"PNG pictures need matplotlib, which is not installed; {remedy}") from error
    size = (picture.width / PIXELS_PER_INCH, picture.height / PIXELS_PER_INCH)
    figure = Figure(figsize=size, dpi=PNG_SCALE * PIXELS_PER_INCH, facecolor="white")
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, picture.width), ylim=(picture.height, 0))
    axes.set_axis_off()
    points = POINTS_PER_INCH / PIXELS_PER_INCH  # a pixel
    for order, shape in enumerate(picture.shapes):
        match shape:
            case Stroke(start, end, colour, width, dotted):
                (line,) = axes.plot(*zip(start, end, strict=True), color=colour, linewidth=width * points, zorder=order)
                line.set(solid_capstyle="round", dash_capstyle="round", linestyle=(0, DOTS) if dotted else "-")
            case Disc(centre, radius, colour):
                axes.add_patch(patches.Circle(centre, radius, color=colour, linewidth=0, zorder=order))
            case Polygon(corners, colour):
                axes.add_patch(patches.Polygon(list(corners), color=colour, linewidth=0, zorder=order))
            case Text():
                aligned = {"start": "left", "middle": "center", "end": "right"}[shape.anchor]
                axes.text(
                    *shape.place,
                    shape.text.replace("$", r"\$"),  # no formulas
                    fontsize=shape.size * points,
                    color=shape.colour,
                    horizontalalignment=aligned,
                    verticalalignment="center_baseline" if not shape.upwards else "center",
                    rotation=90 if shape.upwards else 0,
                    fontweight="bold" if shape.bold else "normal",
                    zorder=order,
                )
    content = io.BytesIO()
    figure.savefig(content, format="png")
    return content.getvalue()


def _element(shape: Shape) -> str:
    match shape:
        case Stroke(start, end, colour, width, dotted):
            dashes = f' stroke-dasharray="{DOTS[0] * width:g} {DOTS[1] * width:g}"' if dotted else ""
            return (
                f'<line x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}" '
                f'stroke="{colour}" stroke-width="{width:g}" stroke-linecap="round"{dashes}/>'
            )
        case Disc((x, y), radius, colour):
            return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}" fill="{colour}"/>'
        case Polygon(corners, colour):
            points = " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)
            return f'<polygon points="{points}" fill="{colour}"/>'
    (x, y), size = shape.place, shape.size
    baseline = y + BASELINE * size  # as renderers do not agree on the attributes for that
    turned = f' transform="rotate(-90 {x:.1f} {y:.1f})"' if shape.upwards else ""
    weight = ' font-weight="bold"' if shape.bold else ""
    return (
        f'<text x="{x:.1f}" y="{baseline:.1f}" font-size="{size:g}" fill="{shape.colour}" '
        f'text-anchor="{shape.anchor}"{weight}{turned}>{escape(shape.text)}</text>'
    )
