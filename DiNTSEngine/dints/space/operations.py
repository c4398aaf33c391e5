"""The cell operations of section 3.2: one table, from which everything that builds, counts or draws them is derived."""

from __future__ import annotations

from dataclasses import dataclass

from dints.geometry import Size


@dataclass(frozen=True)
class CellOperation:
    """One candidate operation of a cell."""

    name: str  # in architecture files, and of the parameters of a network
    kernels: tuple[Size, ...]  # of its convolutions, in order; none: the features pass as they are
    colour: str  # in pictures; they stay apart for colour-blind readers, and none is as light as what is off
    caption: str

    @property
    def kept(self) -> int:
        """Tensors of an edge's output size that training keeps: the ReLU, each convolution, the norm."""
        return len(self.kernels) + 2 if self.kernels else 0


# A P3D operation is a plane followed by the line that is normal to it. Files number operations: new ones go to the end.
TABLE = (
    CellOperation("skip", (), "#4d4d4d", "skip connection"),
    CellOperation("conv_3x3x3", ((3, 3, 3),), "#d55e00", "conv 3×3×3"),
    CellOperation("p3d_3x3x1", ((3, 3, 1), (1, 1, 3)), "#0072b2", "P3D 3×3×1 + 1×1×3"),
    CellOperation("p3d_3x1x3", ((3, 1, 3), (1, 3, 1)), "#009e73", "P3D 3×1×3 + 1×3×1"),
    CellOperation("p3d_1x3x3", ((1, 3, 3), (3, 1, 1)), "#cc79a7", "P3D 1×3×3 + 3×1×1"),
)

OPERATIONS = tuple(operation.name for operation in TABLE)
"""Names of the N operations, in the order of every [..., N] array."""

BY_NAME = {operation.name: operation for operation in TABLE}
