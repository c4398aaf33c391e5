"""The segmentation network of a discrete architecture (3.1; retrained as in 4.1)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol, TypeVar

import torch
from torch import nn

from dints.errors import InputError
from dints.layers.convolution import add_up
from dints.space.cells import Cell, Node
from dints.space.search_space import SearchSpace
from dints.space.stems import Head, InputStem, OutputStem

FILTERS = 32  # of retraining (4.1)
Built = TypeVar("Built", bound=nn.Module, covariant=True)


class Network(nn.Module):
    """Stems, layers of cells on the chosen edges, and the head (Figure 2, in the topologies of Figure 3).

    All stems exist, also those that the architecture does not reach: so the parameters are those of the reference
    implementation one to one. Only what is reached is computed.
    """

    def __init__(
        self,
        space: SearchSpace,
        operations: Sequence[Sequence[Sequence[str]]],
        in_channels: int,
        classes: int,
        filters: int,
    ) -> None:
        """`operations[layer][edge]` names the operations of that cell; an edge without any is not selected."""
        super().__init__()
        self.space, self.filters, self.in_channels, self.classes = space, filters, in_channels, classes
        self.operations = [[tuple(names) for names in layer] for layer in operations]
        levels = range(space.levels)
        self.input_stems = nn.ModuleList(InputStem(space, level, in_channels, filters) for level in levels)
        self.layers = nn.ModuleList(self._layer(layer) for layer in self.operations)
        self.output_stems = nn.ModuleList(OutputStem(space, level, filters) for level in levels)
        self.head = Head(filters, classes)

    def _layer(self, operations: Sequence[Sequence[str]]) -> nn.ModuleDict:
        """The cells of one layer by the number of their edge."""
        ends = zip(self.space.sources.tolist(), self.space.targets.tolist(), strict=True)
        return nn.ModuleDict(
            {
                str(edge): self._cell(source, target, names)
                for edge, ((source, target), names) in enumerate(zip(ends, operations, strict=True))
                if names
            }
        )

    def _cell(self, source: int, target: int, operations: Sequence[str]) -> Cell:
        """A cell on an edge between two levels."""
        return Cell(self.space, self.filters, source, target, operations)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Images [B, C, X, Y, Z] to logits [B, classes, X, Y, Z]; see `check_images` for the sizes."""
        return self.run(images)

    def run(self, images: torch.Tensor, weights: torch.Tensor | None = None) -> torch.Tensor:
        """The forward pass with the output of each operation multiplied by its scalar of `weights` [L, E, N]."""
        self.check_images(images)
        nodes = {level: Node(self.input_stems[level](images)) for level in self.levels_read()}
        for index in range(len(self.layers)):
            nodes = self._run_layer(index, nodes, None if weights is None else weights[index])
        features = None
        for level in range(max(nodes), -1, -1):
            inputs = [] if features is None else [features]
            if level in nodes:
                inputs.append(nodes[level].features)
            features = self.output_stems[level](add_up(inputs))
        logits: torch.Tensor = self.head(features)
        return logits

    def levels_read(self) -> list[int]:
        """The levels whose input stem the first layer reads."""
        return sorted({int(self.space.sources[edge]) for edge, _ in self._cells(0)})

    def _cells(self, layer: int) -> list[tuple[int, nn.Module]]:
        """The cells of a layer with their edges."""
        return [(int(key), cell) for key, cell in self.layers[layer].named_children()]

    def _run_layer(self, layer: int, nodes: dict[int, Node], weights: torch.Tensor | None) -> dict[int, Node]:
        """Features of the nodes after a layer by level; nodes in which no edge ends are absent. `weights`: [E, N]."""
        targets = sorted({int(self.space.targets[edge]) for edge, _ in self._cells(layer)})
        scalars = None if weights is None else [edge.unbind() for edge in weights.unbind()]
        return {target: Node(add_up(self._terms(layer, target, nodes, scalars))) for target in targets}

    def _terms(
        self, layer: int, target: int, nodes: dict[int, Node], scalars: Sequence[Sequence[torch.Tensor]] | None
    ) -> Iterator[torch.Tensor]:
        """What the edges of a layer add to a node; `scalars` are indexed by edge and operation."""
        for edge, cell in self._cells(layer):
            if self.space.targets[edge] == target:
                source = nodes[int(self.space.sources[edge])]
                yield from cell(source, None if scalars is None else scalars[edge])

    def check_images(self, images: torch.Tensor) -> None:
        """InputError if images of this shape cannot pass; `SearchSpace.patch_step` says which can."""
        if images.ndim != 5 or images.shape[1] != self.in_channels:
            raise InputError(
                f"images of shape {tuple(images.shape)}: expected [batch, {self.in_channels}, x, y, z]; "
                "give one image for each channel that the network was built for"
            )
        if not self.space.fits(images.shape[2:]):
            raise InputError(
                f"images of {'x'.join(map(str, images.shape[2:]))} voxels: sizes must be {self.space.size_rule}; "
                "choose another patch size"
            )


class Design(Protocol[Built]):
    """What a network is built from: a searched architecture, or another one that trains in its place."""

    @property
    def filters(self) -> int | None:
        """The width at full resolution that belongs to it; None leaves it to the settings."""

    @property
    def size_rule(self) -> str:
        """The sizes of images that `fits` takes, in words."""

    def network(self, in_channels: int, classes: int, filters: int) -> Built:
        """Images [B, in_channels, X, Y, Z] to logits [B, classes, X, Y, Z]."""

    def fits(self, size: Sequence[int]) -> bool:
        """Whether images of this size (voxels) can pass."""


def build_network(architecture: Design[Built], in_channels: int, classes: int, filters: int = FILTERS) -> Built:
    """The network of an architecture: images [B, in_channels, X, Y, Z] to logits [B, classes, X, Y, Z].

    `filters` is the width at full resolution, which doubles with each level; one that belongs to the architecture wins.
    """
    return architecture.network(in_channels, classes, architecture.filters or filters)
