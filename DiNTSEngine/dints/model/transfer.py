"""Weights of a network for another one of the same architecture that has other classes or channels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from dints.errors import InputError

Build = Callable[[int, int], nn.Module]  # a network for so many channels and classes


@dataclass(frozen=True)
class Match:
    """Of each class and each channel of a network, its index in the network before; None is new."""

    classes: tuple[int | None, ...]
    channels: tuple[int | None, ...]


def transferred(state: Mapping[str, Tensor], network: nn.Module, build: Build, match: Match) -> dict[str, Tensor]:
    """The weights of `network`, taken from `state` by name and shape.

    Kernels of a new channel are zero and the rows of a new class those that `network` has: for what was there before,
    the network begins as it ended.

    Args:
        state: weights of the network before.
        network: has the new classes and channels.
        build: makes such a network for any number of channels and classes.

    Raises:
        InputError: names or shapes differ in more than classes and channels, as with another number of filters.
    """
    channel_axes, class_axes = _following(build, 1, 0), _following(build, 0, 1)
    own = network.state_dict()
    if odd := sorted(own.keys() ^ state.keys()):
        raise InputError(f"weights: {odd[0]} is in one of the networks only; start from a model of this architecture")
    found = {}
    for name, like in own.items():
        old = state[name].to(like)
        if name in channel_axes:
            old = _selected(old, torch.zeros_like(like), channel_axes[name], match.channels)
        if name in class_axes:
            old = _selected(old, like, class_axes[name], match.classes)
        if old.shape != like.shape:
            shapes = f"{tuple(old.shape)} in the model and {tuple(like.shape)} here"
            raise InputError(f"weights: {name} has shape {shapes}; use the filters of the model")
        found[name] = old
    return found


def _following(build: Build, channels: int, classes: int) -> dict[str, int]:
    """The axis of each tensor that grows with the channels, or with the classes."""
    with torch.device("meta"):
        small, large = build(2, 3).state_dict(), build(2 + channels, 3 + classes).state_dict()
    return {
        name: axis
        for name, tensor in small.items()
        for axis, (one, other) in enumerate(zip(tensor.shape, large[name].shape, strict=True))
        if one != other
    }


def _selected(old: Tensor, new: Tensor, axis: int, sources: Sequence[int | None]) -> Tensor:
    """`new` with the slices along an axis that come from `old`; `old` itself where the other axes differ."""
    if _without(old, axis) != _without(new, axis) or new.shape[axis] != len(sources):
        return old
    result = new.detach().clone()
    for place, source in enumerate(sources):
        if source is not None:
            result.select(axis, place).copy_(old.select(axis, source))
    return result


def _without(tensor: Tensor, axis: int) -> tuple[int, ...]:
    return (*tensor.shape[:axis], *tensor.shape[axis + 1 :])
