"""A panel for each size that grows: time and memory, both axes logarithmic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dints.files.storage import atomic_path

COLUMNS = 4
PANEL_INCHES = (3.1, 2.6)
STYLES = ("o-", "s--")


@dataclass(frozen=True)
class Panel:
    """Values by unit, at sizes, with the exponents in words."""

    title: str
    sizes: Sequence[int]
    values: Mapping[str, Sequence[float]]
    exponents: str


def in_words(exponents: Mapping[str, float | None]) -> str:
    return ", ".join(f"{name} {'-' if value is None else format(value, 'g')}" for name, value in exponents.items())


def plot(panels: Sequence[Panel], path: Path) -> None:
    """Writes an SVG file."""
    import matplotlib
    from matplotlib.figure import Figure

    matplotlib.rcParams["svg.hashsalt"] = "growth"  # the same file for the same points
    rows = -(-len(panels) // COLUMNS)
    figure = Figure(figsize=(COLUMNS * PANEL_INCHES[0], rows * PANEL_INCHES[1]), layout="constrained")
    for number, panel in enumerate(panels, start=1):
        axes = figure.add_subplot(rows, COLUMNS, number)
        axes.set_title(f"{panel.title}\nexponents: {panel.exponents}", fontsize=9)
        for (unit, values), style in zip(panel.values.items(), STYLES, strict=True):
            axes.loglog(panel.sizes, values, style, markersize=3, label=unit)
        axes.set_xticks(panel.sizes, [str(size) for size in panel.sizes], fontsize=7)
        axes.minorticks_off()
        axes.legend(frameon=False, fontsize=8)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, metadata={"Date": None})
