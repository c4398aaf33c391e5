"""Weights of model formats 1 and 2, in a NumPy archive: the same tensors as today. Only read, never written.

These files come from strangers, too: nothing in them is unpickled, and they fill no more memory than their own bytes.
"""

from __future__ import annotations

import math
import zipfile
from io import BytesIO

import numpy as np
import torch
from torch import Tensor

from dints.errors import short

SUFFIX = ".npz"
ARRAY_SUFFIX = ".npy"  # of a member
LONGEST_HEADER = 1024  # bytes; those of the arrays of a network have 128
KINDS = (np.dtype(np.float32), np.dtype(np.int8))
HEADER_READERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def parse_npz(content: bytes) -> dict[str, Tensor]:
    """The arrays of an uncompressed archive as tensors; ValueError if it is anything else."""
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            members = archive.infolist()
            if any(member.compress_type != zipfile.ZIP_STORED for member in members):
                raise ValueError("it is compressed")
            if sum(member.file_size for member in members) > len(content):
                raise ValueError("its arrays are said to be larger than the file")
            return {member.filename.removesuffix(ARRAY_SUFFIX): _tensor(archive, member) for member in members}
    except Exception as error:  # a damaged archive can raise nearly anything
        raise ValueError(short(error)) from error


def _tensor(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Tensor:
    with archive.open(member) as file:
        stream = BytesIO(file.read(min(member.file_size, LONGEST_HEADER)))
        shape, _, kind = HEADER_READERS[np.lib.format.read_magic(stream)](stream)
        if kind not in KINDS:
            raise ValueError(f"{member.filename} has the type {kind}")
        if math.prod(shape) * kind.itemsize != member.file_size - stream.tell():
            raise ValueError(f"{member.filename} has not the bytes for its shape {shape}")
        file.seek(0)
        return torch.from_numpy(np.lib.format.read_array(file, allow_pickle=False))
