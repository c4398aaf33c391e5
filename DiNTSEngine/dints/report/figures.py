"""Pictures of the report: line charts as SVG that follow the page's text colour, and images as PNG."""

from __future__ import annotations

import base64
import importlib
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dints.errors import InputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK = "#010203"  # stands for the page's text colour in a chart, which light and dark pages set differently
COLOURS = ("#2a8fd6", "#e07b00", "#1fa377", "#c75fa0", "#8a7bd8", "#b0a000")  # distinct on white and on black
CHART_INCHES = (5.2, 2.9)
CHART_AREA = (0.11, 0.17, 0.86, 0.72)  # of the figure: left, bottom, width, height inside of the labels
CURVE_POINTS = 300  # what a chart of that width can show
PNG_DPI = 100

Curve = tuple[np.ndarray, np.ndarray]  # steps and values


@dataclass(frozen=True)
class Chart:
    """Curves over the steps of a training, and the level that they should reach, if there is one.

    Attributes:
        others: curves in the background, without a name.
        dots: whether each of the few points is marked.
    """

    title: str
    curves: Mapping[str, Curve]
    level: float | None = None
    level_name: str = ""
    others: Sequence[Curve] = ()
    dots: bool = False


def require_matplotlib() -> None:
    """InputError if matplotlib, an optional dependency, is missing."""
    try:
        importlib.import_module("matplotlib.figure")
    except ImportError as error:
        raise InputError("matplotlib: is not installed, pictures need it; install the extra `pictures`") from error


def new_figure(width: float, height: float) -> Figure:
    """An empty figure, in inches; InputError if matplotlib is missing."""
    require_matplotlib()
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height))


def points(rows: Iterable[Mapping[str, Any]], key: str) -> Curve:
    """Steps and values of one key of a log, where it is logged, thinned out to means of consecutive steps."""
    pairs = [(row["step"], row[key]) for row in rows if row.get(key) is not None]
    table = np.array(pairs, float).reshape(-1, 2)
    table = table[np.isfinite(table).all(axis=1)]
    if len(table) > CURVE_POINTS:
        table = np.array([part.mean(axis=0) for part in np.array_split(table, CURVE_POINTS)])
    return table[:, 0], table[:, 1]


def chart_svg(chart: Chart) -> str:
    """The chart as an <svg> element."""
    figure = new_figure(*CHART_INCHES)
    import matplotlib

    style: dict[Any, Any] = {
        **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), INK),
        "svg.fonttype": "none",  # text stays text
        "svg.hashsalt": chart.title,  # the same chart gives the same ids
        "text.parse_math": False,  # a dollar in a name is a dollar
        "font.family": "sans-serif",
    }
    with matplotlib.rc_context(style):
        axes = figure.add_axes(CHART_AREA)
        for steps, values in chart.others:
            axes.plot(steps, values, color=INK, alpha=0.4, linewidth=1, marker=".")
        for colour, (name, (steps, values)) in zip(
            _repeated(COLOURS, len(chart.curves)), chart.curves.items(), strict=True
        ):
            axes.plot(steps, values, color=colour, label=name, linewidth=1.6, marker=_marker(chart, steps))
        if chart.level is not None:
            axes.axhline(chart.level, color=INK, linewidth=1, linestyle="--", label=chart.level_name)
        axes.set_title(chart.title, fontsize=11, loc="left")
        axes.set_xlabel("step")
        axes.grid(alpha=0.2, color=INK)
        axes.spines[["top", "right"]].set_visible(False)
        if len(chart.curves) > 1 or chart.level is not None:
            axes.legend(frameon=False, fontsize=9)
        text = io.StringIO()
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = text.getvalue()
    return svg[svg.index("<svg") :].replace(INK, "currentColor")


def data_url(media_type: str, content: bytes) -> str:
    """An image file as an address that holds all of it."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode('ascii')}"


def png(figure: Figure) -> bytes:
    """The figure as a PNG file."""
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=PNG_DPI, facecolor="black")
    return content.getvalue()


def _marker(chart: Chart, steps: np.ndarray) -> str | None:
    """A single point is no line."""
    return "." if chart.dots or len(steps) == 1 else None


def _repeated(colours: Sequence[str], count: int) -> list[str]:
    return [colours[index % len(colours)] for index in range(count)]
