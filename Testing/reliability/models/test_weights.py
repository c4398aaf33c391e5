"""Weights that are none, or others than the network's: refused in a sentence, without memory for what they claim."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from dints.model.legacy import parse_npz

from .hostile import (
    LEGACY_WEIGHTS,
    WEIGHTS,
    Members,
    announced,
    arrays_of,
    legacy,
    npy_members,
    npz,
    packed,
    with_weights,
    zipped,
)

HUGE = 2**60
Arrays = dict[str, np.ndarray]


def header(shape: tuple[int, ...], kind: str = "<f4") -> bytes:
    """The head of an array file that announces any shape."""
    text = repr({"descr": kind, "fortran_order": False, "shape": shape}).encode()
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text


def one(members: Members) -> tuple[Arrays, str]:
    """The arrays of a sound model, and the name of a kernel among them."""
    arrays = arrays_of(members)
    return arrays, next(name for name, array in arrays.items() if array.ndim == 5)


@pytest.fixture(params=["this format", "format 2"])
def refuses_weights(
    request: pytest.FixtureRequest, refused: Callable, members: Members, workplace: Path
) -> Callable[..., None]:
    """Function that installs a model with other arrays, in this and in an older format; it must be refused."""

    def run(arrays: Arrays, *parts: str) -> None:
        new = request.param == "this format"
        write, sound = (safetensors.numpy.save, members) if new else (npz, legacy(members))
        model = packed(with_weights(sound, write(arrays)), workplace / "model.zip")
        refused(("models", "install", model), f"{model}: {WEIGHTS if new else LEGACY_WEIGHTS}: ", *parts)

    return run


# What becomes of a kernel, and a part of the reason.
KERNELS: dict[str, tuple[Callable[[np.ndarray], Any], str]] = {
    "another shape": (lambda kernel: kernel.reshape(-1), "has the shape"),
    "fewer channels": (lambda kernel: np.ascontiguousarray(kernel[:1, :, :1, :1, :1]), "has the shape"),
    "double precision": (lambda kernel: kernel.astype(np.float64), "type float64"),
    "half precision": (lambda kernel: kernel.astype(np.float16), "type float16"),
    "whole numbers": (lambda kernel: kernel.astype(np.int32), "type int32"),
    "steps without scale": (lambda kernel: kernel.astype(np.int8), "type int8"),
    "complex": (lambda kernel: kernel.astype(np.complex64), "type complex64"),
    "much larger": (lambda kernel: np.repeat(kernel, 9, axis=0), "has the shape"),
    "NaN": (lambda kernel: kernel * np.float32(np.nan), "is not finite"),
    "infinite": (lambda kernel: np.full_like(kernel, np.inf), "is not finite"),
    "nothing": (lambda kernel: kernel[:0], "has the shape (0,"),
}

# What only NumPy archives can hold in place of a kernel, and a part of the reason.
OLD_KERNELS: dict[str, tuple[Callable[[np.ndarray], Any], str]] = {
    "other byte order": (lambda kernel: kernel.astype(">f4"), "type >f4"),
    "texts": (lambda kernel: kernel.astype("U4"), "type <U4"),
    "times": (lambda kernel: np.zeros(kernel.shape, "m8[s]"), "type timedelta64[s]"),
    "records": (lambda kernel: np.zeros(kernel.shape, [("a", "<f4")]), "type [('a', '<f4')]"),
}

# What stands in place of the file of a kernel in a NumPy archive, by its expected shape, and a part of the reason.
OLD_FILES: dict[str, tuple[Callable[[tuple[int, ...]], bytes], str]] = {
    "2^60 elements": (lambda shape: header((HUGE,)), "has not the bytes for its shape (1152921504606846976,)"),
    "2^60 elements of no size": (lambda shape: header((HUGE,), "|V0"), "type |V0"),
    "negative sizes": (lambda shape: header((-1, -HUGE)), "has not the bytes"),
    "no values": (lambda shape: header(shape), "has not the bytes"),
    "a header without end": (lambda shape: b"\x93NUMPY\2\0" + struct.pack("<I", 2**32 - 1), "is damaged"),
    "a header that calculates": (lambda shape: header((2,)).replace(b"(2,)", b"9**9"), "is damaged"),
    "a header nested without end": (
        lambda shape: b"\x93NUMPY\1\0" + struct.pack("<H", 900) + b"(" * 900,
        "is damaged",
    ),
    "another version": (lambda shape: b"\x93NUMPY\3\0" + bytes(100), "is damaged"),
    "nothing": (lambda shape: b"", "is damaged"),
}


def entry(shape: list[int], begin: int, end: int, kind: str = "F32") -> dict[str, Any]:
    return {"dtype": kind, "shape": shape, "data_offsets": [begin, end]}


# Files that stand in place of weights.
FILES = {
    "empty": b"",
    "cut in the length": bytes(5),
    "a header without end": struct.pack("<Q", HUGE),
    "a header larger than the file": struct.pack("<Q", 10**6) + b"{}",
    "no JSON": announced(b"not JSON"),
    "a list": announced([]),
    "nested without end": announced(b'{"a":' * 10_000),
    "2^60 elements": announced({"a": entry([HUGE], 0, 4 * HUGE)}, bytes(4)),
    "2^60 elements in four bytes": announced({"a": entry([HUGE], 0, 4)}, bytes(4)),
    "more elements than can be counted": announced({"a": entry([HUGE, HUGE, HUGE], 0, 4)}, bytes(4)),
    "negative sizes": announced({"a": entry([-1, -1], 0, 4)}, bytes(4)),
    "tensors that overlap": announced({"a": entry([1], 0, 4), "b": entry([1], 0, 4)}, bytes(4)),
    "a gap": announced({"a": entry([1], 0, 4), "b": entry([1], 8, 12)}, bytes(12)),
    "bytes after the tensors": announced({"a": entry([1], 0, 4)}, bytes(8)),
    "ends before it begins": announced({"a": entry([1], 4, 0)}, bytes(4)),
    "an unknown type": announced({"a": entry([1], 0, 4, "F99")}, bytes(4)),
    "a pipe of texts": announced({"a": {"dtype": ["F32"], "shape": "1", "data_offsets": {}}}),
    "a tensor of no size": announced({"a": entry([0, HUGE], 0, 0)}),
    "an odd name": announced({"k" * 10**4: entry([1], 0, 4)}, bytes(4)),
}


@pytest.mark.parametrize("name", KERNELS)
def test_a_kernel_that_is_none_is_refused(name: str, refuses_weights: Callable, members: Members) -> None:
    change, reason = KERNELS[name]
    arrays, kernel = one(members)
    refuses_weights({**arrays, kernel: change(arrays[kernel])}, kernel, reason)


@pytest.mark.parametrize("name", OLD_KERNELS)
def test_an_array_of_an_odd_kind_is_refused(name: str, refused: Callable, members: Members, workplace: Path) -> None:
    change, reason = OLD_KERNELS[name]
    arrays, kernel = one(members)
    hostile = npz({**arrays, kernel: change(arrays[kernel])})
    model = packed(with_weights(legacy(members), hostile), workplace / "model.zip")
    refused(("models", "install", model), f"{model}: {LEGACY_WEIGHTS}: ", kernel, reason)


@pytest.mark.parametrize("name", OLD_FILES)
def test_an_array_that_lies_about_itself_is_refused(
    name: str, refused: Callable, members: Members, workplace: Path
) -> None:
    content, reason = OLD_FILES[name]
    arrays, kernel = one(members)
    hostile = zipped({**npy_members(arrays), f"{kernel}.npy": content(arrays[kernel].shape)})
    model = packed(with_weights(legacy(members), hostile), workplace / "model.zip")
    refused(("models", "install", model), f"{model}: {LEGACY_WEIGHTS}: ", reason)


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_lies_about_its_tensors_is_refused(
    name: str, refused: Callable, members: Members, workplace: Path
) -> None:
    model = packed(with_weights(members, FILES[name]), workplace / "model.zip")
    refused(("models", "install", model), f"{model}: {WEIGHTS}: ")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda arrays, name: arrays.pop(name), "does not fit the architecture"),
        (lambda arrays, name: arrays.update(more=arrays[name]), "tensor more does not fit the architecture"),
        (lambda arrays, name: arrays.update({"more.scale": arrays[name]}), "tensor more.scale does not fit"),
        (lambda arrays, name: arrays.update({f"{name}.scale": arrays.pop(name)}), "does not fit the architecture"),
        (lambda arrays, name: arrays.update({"../more": arrays[name]}), "does not fit the architecture"),
    ],
)
def test_tensors_that_are_missing_or_unknown_are_refused(
    change: Callable, reason: str, refuses_weights: Callable, members: Members
) -> None:
    arrays, kernel = one(members)
    change(arrays, kernel)
    refuses_weights(arrays, reason)


@pytest.mark.parametrize(
    ("scale", "shape", "reason"),
    [(3e38, None, "is not finite"), (np.nan, None, "is not finite"), (1, (5,), ".scale has the shape (5,)")],
)
def test_steps_without_a_proper_scale_are_refused(
    scale: float, shape: tuple[int, ...] | None, reason: str, refuses_weights: Callable, members: Members
) -> None:
    arrays, kernel = one(members)
    wanted = (len(arrays[kernel]), *(1 for _ in arrays[kernel].shape[1:]))
    scales = np.full(shape or wanted, scale, np.float32)
    steps = np.full(arrays[kernel].shape, 127, np.int8)
    refuses_weights({**arrays, kernel: steps, f"{kernel}.scale": scales}, f"tensor {kernel}", reason)


def test_arrays_that_share_their_bytes_are_refused(little_memory: None) -> None:
    """A megabyte that stands for hundreds of them."""
    single = zipped({"a.npy": npy_members({"a": np.zeros(2**18, np.float32)})["a.npy"]})
    end = single.rindex(b"PK\5\6")
    (start,) = struct.unpack_from("<I", single, end + 16)
    tail = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 300, 300, (end - start) * 300, start, 0)
    with pytest.raises(ValueError, match="larger than the file"):
        parse_npz(single[:start] + single[start:end] * 300 + tail)


def test_compressed_weights_are_refused(refused: Callable, members: Members, workplace: Path) -> None:
    """The archive within an old model is stored as it is: a bomb could hide in it."""
    hostile = zipped(npy_members(arrays_of(members)), zipfile.ZIP_DEFLATED)
    model = packed(with_weights(legacy(members), hostile), workplace / "model.zip")
    refused(("models", "install", model), f"{model}: {LEGACY_WEIGHTS}: ", "is compressed")
