"""Weights of a network as bytes: a NumPy archive of arrays only, no pickled objects.

Compact archives hold kernels as 8-bit steps with one scale an output channel, a quarter of the size. What follows a
kernel is a norm, which takes most of the rounding back.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from io import BytesIO

import numpy as np
import torch
from torch import Tensor

from dints.errors import InputError

ARRAY_HEADERS = 1024  # bytes a tensor and its scale take at most beside their values
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
        with np.load(BytesIO(content), allow_pickle=False) as archive:
            names = {name for name in archive.files if not name.endswith(SCALE)}
            if names != set(expected):
                odd = sorted(names ^ set(expected))[0]
                raise InputError(f"{source}: tensor {odd} does not fit the architecture; export the model again")
            state = {name: _tensor(archive, name) for name in expected}
    except InputError:
        raise
    except (ValueError, OSError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise InputError(f"{source}: is damaged ({error}); get or export the model again") from error
    for name, tensor in state.items():
        if tensor.shape != expected[name].shape or not torch.isfinite(tensor).all():
            raise InputError(f"{source}: tensor {name} has the wrong shape or is not finite; export the model again")
    return state


def _tensor(archive: Mapping[str, np.ndarray], name: str) -> Tensor:
    values = archive[name]
    if values.dtype != np.int8:
        return torch.from_numpy(values)
    scale = archive[name + SCALE]
    if scale.shape != (len(values), *(1 for _ in values.shape[1:])):
        raise ValueError(f"{name} has scales of shape {scale.shape}")
    return torch.from_numpy(values * scale)
