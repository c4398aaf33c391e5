"""Weights of a network as bytes: a safetensors file.

Compact files hold kernels as 8-bit steps, int8, with one scale an output channel, float32: a quarter of the size. What
follows a kernel is a norm, which takes most of the rounding back.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import safetensors.torch
import torch
from torch import Tensor

from dints.errors import InputError, short
from dints.files.untrusted.tensors import parse_safetensors
from dints.model import legacy

SUFFIX = ".safetensors"
TENSOR_HEADER = 1024  # bytes a tensor and its scale take at most beside their values
SCALE = ".scale"  # ends the name of what 8-bit steps are multiplied with
STEPS = 127  # on either side of zero
SMALLEST_PEAK = 1e-30  # of a kernel's channel, in place of zero


def size_limit(expected: Mapping[str, Tensor]) -> int:
    """Bytes that the weights of a network can have on disk, with the headers of their tensors."""
    return sum(tensor.nbytes + TENSOR_HEADER for tensor in expected.values()) + TENSOR_HEADER


def pack(state: Mapping[str, Tensor], compact: bool = False) -> dict[str, Tensor]:
    """A state dict as it is stored; `compact` makes int8 of each kernel, and a scale [O, 1, ...] beside it."""
    stored: dict[str, Tensor] = {}
    for name, tensor in state.items():
        values = tensor.detach().cpu().contiguous()
        if compact and values.ndim > 1:
            peak = values.abs().amax(dim=tuple(range(1, values.ndim)), keepdim=True)
            scale = peak.clamp(min=SMALLEST_PEAK) / STEPS
            stored[name + SCALE], values = scale, torch.round(values / scale).to(torch.int8)
        stored[name] = values
    return stored


def unpack(stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The float32 state dict that was stored."""
    return {
        name: values * stored[name + SCALE] if name + SCALE in stored else values
        for name, values in stored.items()
        if not name.endswith(SCALE)
    }


def write_weights(stored: Mapping[str, Tensor]) -> bytes:
    """Stored tensors as a file."""
    return safetensors.torch.save(dict(stored))


def read_weights(content: bytes, expected: Mapping[str, Tensor], source: str) -> dict[str, Tensor]:
    """The stored tensors in a file of this or an older format, checked against the network's names and shapes.

    Args:
        source: path of the file, for errors; its suffix tells the format.

    Raises:
        InputError: `content` is damaged, belongs to another network, or holds what is not finite.
    """
    parse = legacy.parse_npz if source.endswith(legacy.SUFFIX) else parse_safetensors
    try:
        stored = parse(content)
    except ValueError as error:
        raise InputError(f"{source}: is damaged ({error}); get or export the model again") from error
    needed = dict(_needed(expected, stored))
    odd = sorted(set(stored) ^ set(needed))
    if odd:
        raise InputError(f"{source}: tensor {short(odd[0])} does not fit the architecture; export the model again")
    for name, wanted in needed.items():
        found = tuple(stored[name].shape), stored[name].dtype
        if found != wanted:
            reason = f"has {_form(*found)}, not {_form(*wanted)}"
            raise InputError(f"{source}: tensor {name} {reason}; export the model again")
        largest = stored[name] * (STEPS + 1 if name.endswith(SCALE) else 1)
        if not torch.isfinite(largest).all():
            kernel = name.removesuffix(SCALE)
            raise InputError(f"{source}: tensor {kernel} is not finite; export the model again")
    return stored


def _needed(
    expected: Mapping[str, Tensor], stored: Collection[str]
) -> Iterator[tuple[str, tuple[tuple[int, ...], torch.dtype]]]:
    """Name, shape and type of each tensor of a file, where a kernel with a scale among the stored ones has 8 bits."""
    for name, tensor in expected.items():
        shape = tuple(tensor.shape)
        is_compact = name + SCALE in stored
        yield name, (shape, torch.int8 if is_compact else torch.float32)
        if is_compact:
            yield name + SCALE, ((*shape[:1], *(1 for _ in shape[1:])), torch.float32)


def _form(shape: tuple[int, ...], kind: torch.dtype) -> str:
    return f"the shape {shape} and type {str(kind).removeprefix('torch.')}"
