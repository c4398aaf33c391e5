"""How large the cases of a data set are: what the time of reading and segmenting them follows from."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from dints.errors import InputError
from dints.geometry import Size, Vector

NO_CROP: Vector = (1.0, 1.0, 1.0)


class Measured(Protocol):
    """What a check knows of a case (`dints.data.check.CaseFacts`)."""

    @property
    def name(self) -> str: ...

    @property
    def size(self) -> Size: ...

    @property
    def spacing(self) -> Vector: ...


@dataclass(frozen=True)
class Extent:
    """Size (voxels) and spacing (mm) of a labelled case along the RAS axes."""

    name: str
    size: Size
    spacing: Vector

    @property
    def voxels(self) -> int:
        """Of its file."""
        return math.prod(self.size)

    def working_shape(self, spacing: Vector, cropped: Vector = NO_CROP) -> Size:
        """Voxels on the working grid; `cropped` are the shares of the axes that are left without the air around."""
        axes = zip(self.size, self.spacing, spacing, cropped, strict=True)
        x, y, z = (max(1, round(size * own / wanted * kept)) for size, own, wanted, kept in axes)
        return x, y, z


def extents(facts: Iterable[Measured], names: Collection[str]) -> list[Extent]:
    """Of the cases of these names, in the order of the check."""
    return [Extent(case.name, case.size, case.spacing) for case in facts if case.name in names]


def stored_extents(check: Any, names: Collection[str], source: str) -> list[Extent]:
    """The same from what a check left in a file. InputError if it is none."""
    try:
        found = [_stored(case) for case in check["cases"]]
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{source}: is not what a check leaves; run `dints check` anew") from error
    return extents(found, names)


def _stored(case: Mapping[str, Any]) -> Extent:
    x, y, z = map(int, case["size"])
    along_x, along_y, along_z = map(float, case["spacing"])
    return Extent(str(case["name"]), (x, y, z), (along_x, along_y, along_z))


def typical(cases: Sequence[Extent]) -> Extent:
    """The case whose number of voxels is the median; of an even number the larger one of the two in the middle."""
    return sorted(cases, key=lambda case: (case.voxels, case.name))[len(cases) // 2]


def shares(shape: Size, whole: Size) -> Vector:
    """Which part of each axis is left, at most all of it."""
    x, y, z = np.minimum(1.0, np.divide(shape, whole)).tolist()
    return x, y, z
