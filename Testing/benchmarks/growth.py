"""How time and memory grow: segmentation with volume and classes, the network with layers, levels and filters.

    python Testing/benchmarks/growth.py

Segmentation runs with a network of next to no cost, so that what grows is the engine; the networks have every edge,
each with a 3x3x3 convolution, the most that a search can find. Processor seconds of one thread, the quicker of two
runs, and the peak of memory above what the process held before. Exponents are fitted where the fixed costs no longer
count: time and memory are proportional to size to the power of them. Points go to results/growth.csv as soon as they
are measured, and are not measured again; then come results/growth.json and results/growth.svg. Linux only.
"""

from __future__ import annotations

import csv
import ctypes
import gc
import io
import os
import time
from collections.abc import Callable
from dataclasses import astuple, dataclass, fields

import numpy as np
import SimpleITK as sitk
import torch
from growth_plot import Panel, in_words, plot
from machine import current_memory, machine, peak_memory, reset_peak_memory
from paths import RESULTS

from dints.config import Config
from dints.device import PRECISION_VARIABLE
from dints.files.storage import write_json, write_text
from dints.inference.band_sums import BAND_ROWS
from dints.inference.predictor import BAND_COPIES, FLOAT_BYTES, Predictor
from dints.search.decode import decode
from dints.space.architecture import Architecture
from dints.space.network import build_network
from dints.space.search_space import SearchSpace

TABLE, RESULT, PLOT = (RESULTS / f"growth.{suffix}" for suffix in ("csv", "json", "svg"))
RUNS = 2  # the quicker one counts
PATCH = 64
SPACING = (0.8, 0.8, 1.0)  # mm; worked at 1 mm
CLASSES, EDGE = 3, 160  # where the other grows
CLASSES_CURVE = "segmentation: classes"
EDGES = (64, 96, 128, 192, 256, 384, 512)  # voxels
LAYERS, LEVELS, FILTERS = 12, 4, 8
NETWORK_EDGE = 64
SMALLEST_MEMORY = 1.0  # MiB
MMAP_THRESHOLD, MEBIBYTE = -3, 2**20  # the first of glibc's mallopt
LINEAR = 1.1  # the largest exponent that passes for one: windows and bands come in whole numbers


@dataclass(frozen=True)
class Curve:
    """One size that grows.

    Attributes:
        sizes: measured, in rising order.
        fitted_from: the smallest size of which the exponents are fitted.
        prepare: size to the work.
        power: of the size is what exponents refer to: voxels are the third power of an edge.
        linear: neither time nor memory may grow faster than that.
        returning: tensors of a MiB and more go back to the system one by one. Otherwise glibc keeps some of those below
            32 MiB, which shows as a jump in time where the logits of a window exceed that.
    """

    name: str
    sizes: tuple[int, ...]
    fitted_from: int
    prepare: Callable[[int], Callable[[], object]]
    power: int = 1
    linear: bool = False
    returning: bool = False


def segmentation(edge: int, classes: int) -> Callable[[], object]:
    """Of a cube of tissue with noise, nothing of which can be cropped away."""
    config = Config.from_mapping(
        {
            "task": {"modality": "CT", "labels": {index: f"label {index}" for index in range(classes)}},
            "preprocessing": {"intensity": "window"},
            "sampling": {"patch": [PATCH] * 3},
            "inference": {"overlap": 0.5},
        }
    )
    noise = np.random.default_rng(0).normal(50, 60, (edge, edge)).astype(np.int16)
    image = sitk.GetImageFromArray(np.stack([np.roll(noise, 7 * row, axis=0) for row in range(edge)]))
    image.SetSpacing(SPACING)
    predictor = Predictor([lambda windows: by_intensity(windows, classes)], config, "cpu")
    return lambda: predictor.segment([image])


def by_intensity(windows: torch.Tensor, classes: int) -> torch.Tensor:
    """Logits [B, K, *patch]: class k is what is near (k + 0.5) / K."""
    centres = (torch.arange(classes) + 0.5).div(classes).view(1, -1, 1, 1, 1)
    return (windows - centres).square_().neg_()


def forward(layers: int = LAYERS, levels: int = LEVELS, filters: int = FILTERS) -> Callable[[], object]:
    """A window through the network that has everything."""
    space = SearchSpace(layers, levels)
    shape = (layers, len(space.sources))
    architecture = Architecture(space, np.ones(shape, bool), np.ones(shape, int))
    network = build_network(architecture, 1, CLASSES, filters).eval()
    window = torch.zeros((1, 1, NETWORK_EDGE, NETWORK_EDGE, NETWORK_EDGE)).normal_()
    return torch.inference_mode()(lambda: network(window))


def decoding(layers: int = LAYERS, levels: int = LEVELS) -> Callable[[], object]:
    """The discretization of a space with scattered probabilities."""
    space = SearchSpace(layers, levels)
    torch.manual_seed(0)
    edges = torch.randn(layers, len(space.sources)).sigmoid()
    operations = torch.randn(layers, len(space.sources), 5).softmax(-1)
    return lambda: decode(space, edges, operations)


CURVES = (
    Curve("segmentation: volume", EDGES, 128, lambda n: segmentation(n, CLASSES), power=3, linear=True),
    Curve("network: layers", (2, 4, 8, 12, 16, 24), 4, lambda n: forward(layers=n)),
    Curve("network: levels", (2, 3, 4, 5), 2, lambda n: forward(levels=n)),
    Curve("network: filters", (2, 4, 8, 16, 32), 4, lambda n: forward(filters=n)),
    Curve("decoding: layers", (2, 4, 8, 12, 16, 24), 4, lambda n: decoding(layers=n)),
    Curve("decoding: levels", (2, 3, 4, 5), 2, lambda n: decoding(levels=n)),
    # The last, as what is returned cannot be kept again.
    Curve(CLASSES_CURVE, (2, 4, 8, 15, 30, 60, 120), 15, lambda n: segmentation(EDGE, n), linear=True, returning=True),
)


@dataclass(frozen=True)
class Point:
    """A measurement of one curve."""

    curve: str
    size: int
    seconds: float
    mebibytes: float


def main() -> int:
    """Measures what is missing; 0 if nothing grows faster than it may."""
    os.environ[PRECISION_VARIABLE] = "full"
    torch.set_num_threads(1)
    points = read_points()
    for curve in CURVES:
        missing = set(curve.sizes) - {point.size for point in points if point.curve == curve.name}
        if missing:
            curve.prepare(curve.sizes[0])()  # what is loaded at first use is no part of it
        for size in sorted(missing):
            points.append(measure(curve, size))
            print(points[-1], flush=True)
            write_points(points)
    exponents = {curve.name: fit(curve, points) for curve in CURVES}
    write_json(RESULT, {"exponents": exponents, "classes": memory_of_classes(points), "machine": machine()})
    plot([panel(curve, points, exponents[curve.name]) for curve in CURVES], PLOT)
    linear = [exponents[curve.name] for curve in CURVES if curve.linear]
    return 0 if all(max(fitted.values()) <= LINEAR for fitted in linear) else 1


def measure(curve: Curve, size: int) -> Point:
    seconds, mebibytes, c_library = [], [], ctypes.CDLL(None)
    if curve.returning:
        c_library.mallopt(MMAP_THRESHOLD, MEBIBYTE)
    for _ in range(RUNS):
        work = curve.prepare(size)
        gc.collect()
        c_library.malloc_trim(0)  # what was freed before must not be handed out again unnoticed
        reset_peak_memory()
        before, started = current_memory(), time.process_time()
        work()
        seconds.append(time.process_time() - started)
        mebibytes.append((peak_memory() - before) / MEBIBYTE)
        del work
    return Point(curve.name, size, round(min(seconds), 4), round(max(mebibytes), 1))


def fit(curve: Curve, points: list[Point]) -> dict[str, float | None]:
    """Exponents of time and memory over what grows, by least squares of the logarithms.

    None for memory where a point took less than is told apart.
    """
    own = [point for point in points if point.curve == curve.name and point.size >= curve.fitted_from]
    grown = curve.power * np.log([point.size for point in own])
    time_exponent = float(np.polyfit(grown, np.log([point.seconds for point in own]), 1)[0])
    mebibytes = np.array([point.mebibytes for point in own])
    told_apart = mebibytes.min() >= SMALLEST_MEMORY
    memory = round(float(np.polyfit(grown, np.log(mebibytes), 1)[0]), 2) if told_apart else None
    return {"time": round(time_exponent, 2), "memory": memory}


def memory_of_classes(points: list[Point]) -> dict[str, float]:
    """MiB of a segmentation as a constant and a share of each class, and the part of the slab in that share.

    The slab is the sums of logits as thick as the patch, and the rows that are handed out: nothing else of the volume's
    extent may hold a value for each class.
    """
    own = [point for point in points if point.curve == CLASSES_CURVE]
    share, constant = np.polyfit([point.size for point in own], [point.mebibytes for point in own], 1)
    plane = round(EDGE * SPACING[0]) * round(EDGE * SPACING[1])
    slab = plane * (PATCH + BAND_COPIES * BAND_ROWS) * FLOAT_BYTES / MEBIBYTE
    return {"constant": round(float(constant), 1), "a_class": round(float(share), 2), "slab_a_class": round(slab, 2)}


def panel(curve: Curve, points: list[Point], exponents: dict[str, float | None]) -> Panel:
    own = [point for point in points if point.curve == curve.name]
    return Panel(
        curve.name + (" (edge)" if curve.power > 1 else ""),
        [point.size for point in own],
        {"s": [point.seconds for point in own], "MiB": [point.mebibytes for point in own]},
        in_words(exponents),
    )


def read_points() -> list[Point]:
    if not TABLE.exists():
        return []
    with TABLE.open(encoding="utf-8") as lines:
        return [
            Point(row["curve"], int(row["size"]), float(row["seconds"]), float(row["mebibytes"]))
            for row in csv.DictReader(lines)
        ]


def write_points(points: list[Point]) -> None:
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(field.name for field in fields(Point))
    writer.writerows(astuple(point) for point in points)
    write_text(TABLE, table.getvalue())


if __name__ == "__main__":
    raise SystemExit(main())
