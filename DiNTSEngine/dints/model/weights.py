"""Weights of a network as bytes: a NumPy archive of arrays only, no pickled objects.

Compact archives hold kernels as 8-bit steps with one scale an output channel, a quarter of the size. What follows a
kernel is a norm, which takes most of the rounding back.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Mapping
from io import BytesIO

import numpy as np
import torch
from torch import Tensor

from dints.errors import InputError, short

ARRAY_HEADERS = 1024  # bytes a tensor and its scale take at most beside their values
ARRAY_SUFFIX = ".npy"  # of a member of a NumPy archive
HEADER_READERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
SCALE = ".scale"  # ends the name of what 8-bit steps are multiplied with
STEPS = 127  # on either side of zero


def size_limit(expected: Mapping[str, Tensor]) -> int:
    """Bytes that the weights of a network can have on disk, with the headers of their arrays."""
    return sum(tensor.nbytes + ARRAY_HEADERS for tensor in expected.values()) + ARRAY_HEADERS


def write_weights(state: Mapping[str, Tensor], compact: bool = False) -> bytes:
    """A state dict as an uncompressed archive; `compact` rounds the kernels to 8 bits."""
    arrays: dict[str, np.ndarray] = {}
    for name, tensor in state.items():
        values = tensor.detach().cpu().numpy()
        if compact and values.ndim > 1:
            scale = np.maximum(np.abs(values).max(axis=tuple(range(1, values.ndim)), keepdims=True), 1e-30) / STEPS
            arrays[name + SCALE] = scale.astype(np.float32)
            values = np.rint(values / scale).astype(np.int8)
        arrays[name] = values
    buffer = BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)  # type: ignore[arg-type]  # its stubs take it for an array
    return buffer.getvalue()


def read_weights(content: bytes, expected: Mapping[str, Tensor], source: str) -> dict[str, Tensor]:
    """The float32 tensors of a weights file, checked against the network's names and shapes.

    Raises:
        InputError: `content` is damaged or belongs to another network.
    """
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            names = {member.removesuffix(ARRAY_SUFFIX).removesuffix(SCALE) for member in archive.namelist()}
            odd = sorted(names ^ set(expected))
            if odd:
                raise InputError(f"{source}: tensor {odd[0]} does not fit the architecture; export the model again")
            state = {name: _tensor(archive, name, tuple(tensor.shape)) for name, tensor in expected.items()}
    except InputError:
        raise
    except Exception as error:  # a damaged archive can raise nearly anything
        raise InputError(f"{source}: is damaged ({short(error)}); get or export the model again") from error
    for name, tensor in state.items():
        if not torch.isfinite(tensor).all():
            raise InputError(f"{source}: tensor {name} is not finite; export the model again")
    return state


def _tensor(archive: zipfile.ZipFile, name: str, shape: tuple[int, ...]) -> Tensor:
    if name + SCALE + ARRAY_SUFFIX not in archive.namelist():
        return torch.from_numpy(_array(archive, name, shape, np.float32))
    scale = _array(archive, name + SCALE, (*shape[:1], *(1 for _ in shape[1:])), np.float32)
    with np.errstate(over="ignore"):  # what is infinite then is refused
        return torch.from_numpy(_array(archive, name, shape, np.int8) * scale)


def _array(archive: zipfile.ZipFile, name: str, shape: tuple[int, ...], kind: type) -> np.ndarray:
    """One array; ValueError if it is another one than expected, said before any memory is taken for it."""
    member = archive.getinfo(name + ARRAY_SUFFIX)
    expected = math.prod(shape) * np.dtype(kind).itemsize
    if member.compress_type != zipfile.ZIP_STORED or member.file_size > expected + ARRAY_HEADERS:
        raise ValueError(f"tensor {name} is compressed or larger than it can be")
    with archive.open(member) as file:
        header = file.read(min(member.file_size, ARRAY_HEADERS))
        read_header = HEADER_READERS[np.lib.format.read_magic(stream := BytesIO(header))]
        found, _, dtype = read_header(stream)
        if found != shape or dtype != kind:
            raise ValueError(f"tensor {name} has the shape {found} and type {dtype}, not {shape} and {np.dtype(kind)}")
        file.seek(0)
        return np.lib.format.read_array(file, allow_pickle=False)
