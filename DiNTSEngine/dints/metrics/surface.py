"""The surface of a voxel mask: area elements between voxels, and distances between two such surfaces.

An element sits between 2 x 2 x 2 neighbouring voxels, wherever some of the eight are foreground and some are not. Its
area is that of the triangles that marching cubes (Lorensen and Cline, 1987) puts there. This is the surface over which
the Medical Segmentation Decathlon integrates its normalised surface distance (Nikolov et al., arXiv:1809.04430).
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Sequence

import numpy as np

CORNERS = tuple(itertools.product((0, 1), repeat=3))  # of a cube; bit i of an element's code says that i is foreground
CODES = 2 ** len(CORNERS)
# Ties between triangulations are ties in exact arithmetic; rounding must not decide them differently on two machines.
TIE = 1e-9

Point = tuple[float, float, float]
Loop = tuple[Point, ...]


def element_codes(mask: np.ndarray) -> np.ndarray:
    """Code of the corners of every cube of neighbouring voxels: bool [X, Y, Z] to uint8 [X + 1, Y + 1, Z + 1].

    Outside of the array is background, so that the surface is closed. 0 and 255 are no part of the surface.
    """
    padded = np.pad(mask.astype(np.uint8), 1)
    codes = np.zeros([size + 1 for size in mask.shape], np.uint8)
    for bit, corner in enumerate(CORNERS):
        shifted = tuple(slice(start, start + size) for start, size in zip(corner, codes.shape, strict=True))
        codes |= padded[shifted] << np.uint8(bit)
    return codes


def element_areas(spacing: Sequence[float]) -> np.ndarray:
    """Area in mm^2 of the element of each code, float64 [256], for voxels of `spacing` mm along the array's axes."""
    x, y, z = spacing
    areas: np.ndarray = np.linalg.norm(_area_vectors() * (y * z, x * z, x * y), axis=-1).sum(axis=-1)
    return areas


def within(distant: np.ndarray, near: np.ndarray, spacing: Sequence[float], limit: float) -> np.ndarray:
    """Which true elements of `distant` have a true element of `near` at most `limit` mm away.

    Both bool [X, Y, Z]; the answer is bool [n] in the order of `distant`'s true elements. Exact: one minimum along each
    axis over the offsets that `limit` allows gives squared Euclidean distances, summed in double precision.
    """
    squared = np.where(near, 0.0, np.inf)
    for axis, step in enumerate(spacing):
        nearest = squared.copy()
        reach = int(min(limit / step + 1, squared.shape[axis] - 1))
        for offset in range(1, reach + 1):
            lower = (slice(None),) * axis + (slice(None, -offset),)
            upper = (slice(None),) * axis + (slice(offset, None),)
            cost = (offset * step) ** 2
            np.minimum(nearest[upper], squared[lower] + cost, out=nearest[upper])
            np.minimum(nearest[lower], squared[upper] + cost, out=nearest[lower])
        squared = nearest
    within: np.ndarray = np.sqrt(squared[distant]) <= limit
    return within


@functools.cache
def _area_vectors() -> np.ndarray:
    """Area vectors of each element's triangles in a cube of side 1: float64 [256, triangles, 3], padded with zeros."""
    elements = [
        [_area_vector(*triangle) for loop in _loops(code) for triangle in _triangulate(loop)] for code in range(CODES)
    ]
    vectors = np.zeros((CODES, max(map(len, elements)), 3))
    for code, triangles in enumerate(elements):
        if triangles:
            vectors[code, : len(triangles)] = triangles
    return vectors


def _area_vector(a: Point, b: Point, c: Point) -> np.ndarray:
    """Normal of a triangle, as long as its area."""
    return np.cross(np.subtract(b, a), np.subtract(c, a)) / 2


def _loops(code: int) -> list[Loop]:
    """The polygons that part the foreground corners of a cube from the others; their vertices are middles of edges.

    Where the foreground meets only along a diagonal of a face, whichever of foreground and background has fewer corners
    is cut off corner by corner. So a code and its complement have the same surface.
    """
    inside = {corner for bit, corner in enumerate(CORNERS) if code >> bit & 1}
    if len(inside) > len(CORNERS) // 2:
        inside = set(CORNERS) - inside
    following: dict[Point, Point] = {}
    for face in _faces():
        for start in range(4):
            if face[start] not in inside and face[(start + 1) % 4] in inside:
                end = start + 1
                while face[(end + 1) % 4] in inside:
                    end += 1
                following[_middle(face, start)] = _middle(face, end)
    loops = []
    while following:
        first, vertex = following.popitem()
        loop = [first]
        while vertex != first:
            loop.append(vertex)
            vertex = following.pop(vertex)
        loops.append(tuple(loop))
    return loops


def _faces() -> Iterator[tuple[tuple[int, ...], ...]]:
    """The six faces of the cube, each as its four corners counter-clockwise seen from outside.

    Two faces walk their common edge in opposite directions: where one enters the foreground, the other leaves it.
    """
    for axis, side in itertools.product(range(3), (0, 1)):
        around = ((0, 0), (1, 0), (1, 1), (0, 1))
        corners = [np.roll((side, *pair), axis) for pair in (around if side else around[::-1])]
        yield tuple(tuple(int(index) for index in corner) for corner in corners)


def _middle(face: tuple[tuple[int, ...], ...], edge: int) -> Point:
    """Middle of the edge from corner `edge` of a face to the next one."""
    x, y, z = ((a + b) / 2 for a, b in zip(face[edge % 4], face[(edge + 1) % 4], strict=True))
    return x, y, z


def _triangulate(loop: Loop) -> list[Loop]:
    """The triangulation of a polygon with the largest area in the cube of side 1.

    Polygons of five and six vertices are not flat, so the choice matters. This one keeps their largest flat parts
    whole, and it is the challenge's: the areas of all codes agree for any spacing.
    """
    best: list[Loop] = []
    largest = -np.inf
    for triangles in _triangulations(loop):
        area = sum(float(np.linalg.norm(_area_vector(*triangle))) for triangle in triangles)
        if area > largest + TIE:
            best, largest = triangles, area
    return best


def _triangulations(loop: Loop) -> Iterator[list[Loop]]:
    """Every way to cut a polygon into triangles: by the third vertex of the triangle at the side from last to first."""
    if len(loop) < 3:
        yield []
        return
    for apex in range(1, len(loop) - 1):
        for left in _triangulations(loop[: apex + 1]):
            for right in _triangulations(loop[apex:]):
                yield [(loop[0], loop[apex], loop[-1]), *left, *right]
