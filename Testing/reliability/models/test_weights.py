"""Weights that are none, or others than the network's: refused in a sentence, without memory for what they claim."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .hostile import (
    Members,
    arrays_of,
    npy_members,
    npz,
    packed,
    with_weights,
    zipped,
)

HUGE = 2**60


def header(shape: tuple[int, ...], kind: str = "<f4") -> bytes:
    """The head of an array file that announces any shape."""
    text = repr({"descr": kind, "fortran_order": False, "shape": shape}).encode()
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text


def one(members: Members) -> tuple[dict[str, np.ndarray], str]:
    """The arrays of a sound model, and the name of a kernel among them."""
    arrays = arrays_of(members)
    return arrays, next(name for name, array in arrays.items() if array.ndim == 5)


# What becomes of a kernel, and a part of the reason.
KERNELS: dict[str, tuple[Callable[[np.ndarray], Any], str]] = {
    "another shape": (lambda kernel: kernel.reshape(-1), "has the shape"),
    "fewer channels": (lambda kernel: kernel[:1, :, :1, :1, :1], "has the shape"),
    "double precision": (lambda kernel: kernel.astype(np.float64), "and type float64"),
    "half precision": (lambda kernel: kernel.astype(np.float16), "and type float16"),
    "whole numbers": (lambda kernel: kernel.astype(np.int32), "and type int32"),
    "steps without scale": (lambda kernel: kernel.astype(np.int8), "and type int8"),
    "other byte order": (lambda kernel: kernel.astype(">f4"), "and type >f4"),
    "complex": (lambda kernel: kernel.astype(np.complex64), "and type complex64"),
    "texts": (lambda kernel: kernel.astype("U4"), "and type <U4"),
    "times": (lambda kernel: np.zeros(kernel.shape, "m8[s]"), "and type timedelta64[s]"),
    "records": (lambda kernel: np.zeros(kernel.shape, [("a", "<f4")]), "and type [('a', '<f4')]"),
    "much larger": (lambda kernel: np.repeat(kernel, 9, axis=0), "larger than it can be"),
    "NaN": (lambda kernel: kernel * np.float32(np.nan), "is not finite"),
    "infinite": (lambda kernel: np.full_like(kernel, np.inf), "is not finite"),
    "nothing": (lambda kernel: kernel[:0], "has the shape (0,"),
}

# What stands in place of the file of a kernel, by its expected shape, and a part of the reason.
FILES: dict[str, tuple[Callable[[tuple[int, ...]], bytes], str]] = {
    "2^60 elements": (lambda shape: header((HUGE,)), "has the shape (1152921504606846976,)"),
    "2^60 elements of no size": (lambda shape: header((HUGE,), "|V0"), "has the shape"),
    "negative sizes": (lambda shape: header((-1, -HUGE)), "has the shape"),
    "no values": (lambda shape: header(shape), "is damaged"),
    "a header without end": (lambda shape: b"\x93NUMPY\2\0" + struct.pack("<I", 2**32 - 1), "is damaged"),
    "a header that calculates": (lambda shape: header((2,)).replace(b"(2,)", b"9**9"), "is damaged"),
    "a header nested without end": (
        lambda shape: b"\x93NUMPY\1\0" + struct.pack("<H", 900) + b"(" * 900,
        "is damaged",
    ),
    "another version": (lambda shape: b"\x93NUMPY\3\0" + bytes(100), "is damaged"),
    "nothing": (lambda shape: b"", "is damaged"),
}


@pytest.mark.parametrize("name", KERNELS)
def test_a_kernel_that_is_none_is_refused(name: str, refused: Callable, members: Members, workplace: Path) -> None:
    change, reason = KERNELS[name]
    arrays, kernel = one(members)
    hostile = npz({**arrays, kernel: change(arrays[kernel])})
    model = packed(with_weights(members, hostile), workplace / "model.zip")
    refused(("models", "install", model), f"{model}: weights/fold0.npz: ", kernel, reason)


@pytest.mark.parametrize("name", FILES)
def test_an_array_that_lies_about_itself_is_refused(
    name: str, refused: Callable, members: Members, workplace: Path
) -> None:
    content, reason = FILES[name]
    arrays, kernel = one(members)
    hostile = zipped({**npy_members(arrays), f"{kernel}.npy": content(arrays[kernel].shape)})
    model = packed(with_weights(members, hostile), workplace / "model.zip")
    refused(("models", "install", model), f"{model}: weights/fold0.npz: ", reason)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda files, name: files.pop(name), "does not fit the architecture"),
        (lambda files, name: files.update({"more.npy": files[name]}), "tensor more does not fit the architecture"),
        (lambda files, name: files.update({"more.scale.npy": b""}), "tensor more does not fit the architecture"),
        (lambda files, name: files.update({"../more.npy": b""}), "does not fit the architecture"),
    ],
)
def test_tensors_that_are_missing_or_unknown_are_refused(
    change: Callable, reason: str, refused: Callable, members: Members, workplace: Path
) -> None:
    arrays, kernel = one(members)
    files = npy_members(arrays)
    change(files, f"{kernel}.npy")
    model = packed(with_weights(members, zipped(files)), workplace / "model.zip")
    refused(("models", "install", model), f"{model}: weights/fold0.npz: ", reason)


def test_steps_whose_scale_makes_them_infinite_are_refused(
    refused: Callable, members: Members, workplace: Path
) -> None:
    arrays, kernel = one(members)
    shape = arrays[kernel].shape
    scale = np.full((shape[0], *(1 for _ in shape[1:])), 3e38, np.float32)
    hostile = npz({**arrays, kernel: np.full(shape, 127, np.int8), f"{kernel}.scale": scale})
    model = packed(with_weights(members, hostile), workplace / "model.zip")
    refused(("models", "install", model), f"tensor {kernel} is not finite")


def test_compressed_weights_are_refused(refused: Callable, members: Members, workplace: Path) -> None:
    """The archive within the model is stored as it is: a bomb could hide in it."""
    hostile = zipped(npy_members(arrays_of(members)), zipfile.ZIP_DEFLATED)
    model = packed(with_weights(members, hostile), workplace / "model.zip")
    refused(("models", "install", model), f"{model}: weights/fold0.npz: ", "is compressed")
