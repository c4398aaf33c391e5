"""What the engine is measured for by itself: a script of its own for each subject, and what the table says of it."""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from growth_plot import in_words
from paths import HERE, RESULTS

from dints.files.storage import read_json

Row = tuple[str, str]  # what was measured, and the figure


@dataclass(frozen=True)
class Subject:
    """A script beside this file, which writes results/<key>.json.

    Attributes:
        rows: of the table, from the result.
        wanted: of each of them.
    """

    key: str
    title: str
    wanted: str
    rows: Callable[[Mapping[str, Any]], list[Row]]

    @property
    def result_file(self) -> Path:
        return RESULTS / f"{self.key}.json"

    def measure(self) -> bool:
        """Runs the script; whether it found what is wanted."""
        return subprocess.run([sys.executable, str(HERE / f"{self.key}.py")], check=False).returncode == 0

    def lines(self) -> list[str]:
        """Of the table, as Markdown."""
        if not self.result_file.exists():
            return [f"| {self.title} | not measured | {self.wanted} |"]
        rows = self.rows(read_json(self.result_file))
        return [f"| {self.title}{what and ', ' + what} | {figure} | {self.wanted} |" for what, figure in rows]


def spread(values: Mapping[str, float]) -> str:
    return f"{values['median']:.3g} ({values['lowest']:.3g} to {values['highest']:.3g})"


def five_folds(result: Mapping[str, Any]) -> list[Row]:
    return [(what, f"{spread(row['times'])} times one fold") for what, row in result["rows"].items()]


def warm_worker(result: Mapping[str, Any]) -> list[Row]:
    own = sorted(turn["engine"]["processor"] for turn in result["turns"])
    added, highest = result["added_seconds"]["processor"], result["highest_added_seconds"]["processor"]
    return [("", f"{added:.2g} s above {own[len(own) // 2]:.2g} s, at most {highest:.2g} s (processor time)")]


def half_precision(result: Mapping[str, Any]) -> list[Row]:
    labels = ", ".join(
        f"{label} {dice:.4f} {result['change_of_the_mean'][label]:+.5f}"
        for label, dice in result["dice_float32"].items()
    )
    return [("", f"{labels} (mean of {result['cases']} cases)")]


def data_loading(result: Mapping[str, Any]) -> list[Row]:
    return [
        (
            f"{name}, {figures['cases']} cases",
            f"{figures['loading_share']:.1%} of a step's processor time; wall time {figures['wall_share']:+.1%}; "
            f"peak memory {figures['peak_memory_gib']:.2g} GiB",
        )
        for name, figures in result["data"].items()
    ]


def growth(result: Mapping[str, Any]) -> list[Row]:
    rows = [(curve, in_words(own)) for curve, own in result["exponents"].items()]
    memory = "{constant:g} MiB and {a_class:g} MiB a class, of which the slab takes {slab_a_class:g}"
    return [*rows, ("memory of segmentation", memory.format(**result["classes"]))]


def remote(result: Mapping[str, Any]) -> list[Row]:
    rows = []
    for seconds in result["seconds"].values():
        here, there = (statistics.median(seconds[side]) for side in ("here", "there"))
        figure = f"{seconds['added']:+.2g} s to {here:.2g} s; {1 / there:.3g} scans a second in place of {1 / here:.3g}"
        rows.append((f"a scan of {seconds['voxels']}", f"{figure} (wall time)"))
    travelled = {side: f"{value:.0f} MB/s" for side, value in result["megabytes_a_second"].items()}
    return [*rows, ("a file of noise", f"sent {travelled['sent']}, fetched {travelled['fetched']} (wall time)")]


def first_look(result: Mapping[str, Any]) -> list[Row]:
    return [
        (f"{way}, {folds}", f"{own['passes']} of {own['exhaustive_passes']} windows through networks")
        for way, counts in result["ball"].items()
        for folds, own in counts.items()
    ]


def first_look_seconds(result: Mapping[str, Any]) -> list[Row]:
    return [
        (what, f"{row['seconds']:g} s, {row['times_faster']:.3g} times as fast as the reference's one fold")
        for what, row in result["engine"].items()
    ]


def left_atrium(result: Mapping[str, Any]) -> list[Row]:
    return [
        (
            f"{name}, {side}",
            f"{row['seconds']:g} s, {row['times_faster']:.3g}{_between(row)} times as fast as the reference's pipeline"
            f", {row['computed']} of {row['windows']} windows",
        )
        for name, sides in result["scans"].items()
        for side, row in sides.items()
        if "windows" in row
    ]


def _between(row: Mapping[str, Any]) -> str:
    """Of several turns; results of before have one."""
    low, high = row.get("times_faster_range", (0, 0))
    return f" ({low:.3g} to {high:.3g})" if high else ""


def majority(result: Mapping[str, Any]) -> list[Row]:
    return [
        (
            f"{scan}, {side}",
            f"{row['by_all']} of {row['windows']} windows by all five, {row['passes']} passes; {row['mebibytes']} MiB",
        )
        for scan, sides in result["cases"].items()
        for side, row in sides.items()
    ]


SUBJECTS = (
    Subject("first_look", "first look at 5 % of 512x512x400", "five folds below 2 times one fold", first_look),
    Subject("first_look_seconds", "the same, 8 filters", "one fold at least 8 times as fast", first_look_seconds),
    Subject("left_atrium", "left atrium at 0.625 mm, one fold", "at least 4 times as fast", left_atrium),
    Subject("majority", "five folds, 512x512x400", "the same labels, little more memory", majority),
    Subject("five_folds", "five folds", "below 4.5 times one fold", five_folds),
    Subject("warm_worker", "second segmentation by the warm worker", "at most 0.5 s above the engine's", warm_worker),
    Subject("remote", "`--on` through a server on the loopback address", "no limit was set", remote),
    Subject("half_precision", "Dice in half precision", "unchanged to 0.001", half_precision),
    Subject("data_loading", "data loading within 4 GiB", "at most 5 % of a step", data_loading),
    Subject("growth", "exponents of growth", "at most linear in voxels and classes", growth),
)
