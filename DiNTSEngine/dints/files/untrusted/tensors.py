"""Tensors from strangers: read without running anything in their files, in no more memory than they fill.

Files of PyTorch are pickles. PyTorch's own restricted reader (`weights_only`) runs no code of theirs, but calls some
functions that allocate as much as they are told: 40 bytes are enough to fill the memory. So everything that a pickle
calls is looked through first. They are not mapped into memory (`mmap`): a run replaces its checkpoints, which Windows
refuses while one is mapped, and files of PyTorch's old format cannot be.
"""

from __future__ import annotations

import os
import pickletools
import zipfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import safetensors.torch
import torch

from dints.errors import InputError, short

TENSORS = frozenset(
    {"collections OrderedDict", "torch._utils _rebuild_tensor_v2", "torch._utils _rebuild_parameter", "torch Size"}
)
ARRAYS = frozenset({"numpy dtype", "numpy ndarray", "_codecs encode"})
RECONSTRUCT = ("numpy.core.multiarray", "numpy._core.multiarray")  # NumPy 2 moved it; files know it by either name
ARRAY_TYPES = (np.bool_, np.uint8, np.int32, np.int64, np.float32, np.float64)
ZIP_MAGIC = b"PK\x03\x04"
PICKLES_IN_OLD_FILES = 5  # magic number, version, machine, values, keys of the storages; then follow the storages
NAMES_A_GLOBAL = ("GLOBAL", "STACK_GLOBAL", "INST", "EXT1", "EXT2", "EXT4")


def load_tensors(
    path: str | os.PathLike[str], remedy: str, device: str | torch.device = "cpu", arrays: bool = False
) -> Any:
    """What a .pt or .pth file holds: tensors, numbers and texts, nested in lists and dicts.

    Args:
        remedy: what to do about a file that is none, for the error.
        arrays: whether NumPy arrays are expected, too.

    Raises:
        InputError: it cannot be opened, is damaged, or asks for anything else.
    """
    names = TENSORS | ARRAYS | {f"{module} _reconstruct" for module in RECONSTRUCT} if arrays else TENSORS
    try:
        file = open(path, "rb")  # noqa: SIM115  # closed below
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the path and its permissions") from error
    with file:
        try:
            _look_through(file, names)
            file.seek(0)
            with torch.serialization.safe_globals(_array_globals() if arrays else []):
                values = torch.load(file, map_location=device, weights_only=True)
            _refuse_inflated(values, file.seek(0, os.SEEK_END))
            return values
        except _RefusedError as error:
            raise InputError(f"{path}: {error}; {remedy}") from error
        except Exception as error:  # unpickling a damaged file can raise nearly anything
            raise InputError(f"{path}: is damaged, or no file of PyTorch; {remedy}") from error


def parse_safetensors(content: bytes) -> dict[str, torch.Tensor]:
    """The tensors of a safetensors file; ValueError if it is none.

    The library itself makes sure that they fill the file exactly, without gaps and overlaps.
    """
    try:
        return safetensors.torch.load(content)
    except Exception as error:  # unknown types of numbers raise others than those of the library
        raise ValueError(short(error)) from error


class _RefusedError(ValueError):
    """What the file asks for is not given."""


def _look_through(file: BinaryIO, names: Collection[str]) -> None:
    """Refuses a file that would call anything but `names`, or hides its size by compression."""
    if file.read(len(ZIP_MAGIC)) != ZIP_MAGIC:
        file.seek(0)
        for _ in range(PICKLES_IN_OLD_FILES):
            _refuse_other_calls(file, names)
        return
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        if len({member.filename for member in members}) < len(members):
            raise _RefusedError("has two members of one name")
        if any(member.compress_type != zipfile.ZIP_STORED for member in members):
            raise _RefusedError("is compressed, which PyTorch's files are not")
        for member in members:
            if Path(member.filename).suffix == ".pkl":
                with archive.open(member) as content:
                    _refuse_other_calls(content, names)


def _refuse_other_calls(content: Any, names: Collection[str]) -> None:
    """Reads one pickle, up to its end, and runs nothing of it."""
    for operation, argument, _ in pickletools.genops(content):
        if operation.name not in NAMES_A_GLOBAL:
            continue
        is_storage = str(argument).startswith("torch ") and str(argument).endswith("Storage")
        if operation.name != "GLOBAL" or not (is_storage or argument in names):
            asked = "a function" if argument is None else str(argument).replace(" ", ".")
            raise _RefusedError(f"asks for {asked}, which could run code or fill the memory, and is refused")


def _refuse_inflated(values: Any, size: int) -> None:
    """Refuses tensors and arrays of more bytes than their file, `size`: one number can be said to repeat 2^60 times."""
    seen, waiting = set(), [values]
    while waiting:
        value = waiting.pop()
        if id(value) in seen:  # what is nested in itself or shared would otherwise never end
            continue
        seen.add(id(value))
        if isinstance(value, torch.Tensor | np.ndarray) and value.nbytes > size:
            raise _RefusedError(f"holds a tensor of {list(value.shape)}, more than the file has bytes for")
        if isinstance(value, Mapping):
            waiting += value.values()
        elif isinstance(value, list | tuple | set):
            waiting += value


def _array_globals() -> list[Any]:
    """What PyTorch's reader may call beside its own, to make arrays."""
    reconstruct = np.zeros(0).__reduce__()[0]
    types = [type(np.dtype(kind)) for kind in ARRAY_TYPES]
    return [*((reconstruct, f"{module}._reconstruct") for module in RECONSTRUCT), np.ndarray, np.dtype, *types]
