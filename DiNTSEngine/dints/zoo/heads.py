"""Heads for deep supervision, on the last features of each level on the way to the output (Lee et al., 2015).

An output stem or a cell of a searched network, or an enlargement of the U-Net, reads those features; a classifier of
their own does, too. These heads exist while a network trains and are no part of it: what is validated, kept and
exported is the network alone. `dints.training.deep_supervision` has the loss.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

from dints.errors import InputError
from dints.layers.convolution import Convolution
from dints.space.cells import Node
from dints.space.network import Network
from dints.zoo.unet import UNet


class DeepSupervision(nn.Module):
    """A network in training, with a head for each level that is coarser than the images."""

    def __init__(self, network: nn.Module, classes: int) -> None:
        """The heads' weights are drawn after those of the network, which stay what they are without heads."""
        super().__init__()
        self.network = network
        widths = coarser_features(network)
        self.names = list(widths)
        self.heads = nn.ModuleList(Convolution(width, classes, (1, 1, 1), bias=True) for width in widths.values())

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Images [B, C, X, Y, Z] to logits [B, classes, ...]: of the network, then of the heads, finer levels first."""
        with self._features() as features:
            logits = self.network(images)
        heads = zip(self.names, self.heads, strict=True)
        return (logits, *(head(features[name]) for name, head in heads))

    @contextmanager
    def _features(self) -> Iterator[dict[str, Tensor]]:
        """What the modules of `names` are given in the block; the network is left as it was."""
        features: dict[str, Tensor] = {}
        hooks = [
            self.network.get_submodule(name).register_forward_pre_hook(_keep(name, features)) for name in self.names
        ]
        try:
            yield features
        finally:
            for hook in hooks:
                hook.remove()


def coarser_features(network: nn.Module) -> dict[str, int]:
    """Names of the modules that read the last features of a level, with the channels of those; finer levels first.

    Levels at the images' resolution are left out. InputError for a network whose levels are not known.
    """
    if isinstance(network, UNet):
        kernels = [own.get_parameter("weight") for own in network.enlargements]  # [from, to, ...], coarsest first
        return {f"enlargements.{index}": len(kernels[index]) for index in reversed(range(len(kernels)))}
    if isinstance(network, Network):
        levels = [level for level in range(network.space.levels) if max(network.space.shrink(level)) > 1]
        readers = {level: _last_reader(network, level) for level in levels}
        return {name: network.space.width(level, network.filters) for level, name in readers.items() if name}
    raise InputError(
        f"training.deep_supervision: the levels of a {type(network).__name__} are not known; switch it off"
    )


def _last_reader(network: Network, level: int) -> str | None:
    """The module that reads the last features of a level: its output stem, or a cell; None if no cell ends there."""
    edges = list(zip(network.space.sources.tolist(), network.space.targets.tolist(), strict=True))
    for layer in reversed(range(len(network.operations))):
        selected = [edge for edge, operations in enumerate(network.operations[layer]) if operations]
        if layer == len(network.operations) - 1 and any(edges[edge][1] >= level for edge in selected):
            return f"output_stems.{level}"  # where no cell ends, it passes on what comes from coarser ones
        reading = [edge for edge in selected if edges[edge][0] == level]
        if layer > 0 and reading:
            return f"layers.{layer}.{reading[0]}"
    return None


def _keep(name: str, features: dict[str, Tensor]) -> Callable[[nn.Module, Any], None]:
    """A hook that keeps what a module is given."""

    def keep(module: nn.Module, inputs: tuple[Tensor | Node, ...]) -> None:
        features[name] = inputs[0].features if isinstance(inputs[0], Node) else inputs[0]

    return keep
