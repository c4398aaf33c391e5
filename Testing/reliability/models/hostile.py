"""Files of models as strangers could make them."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
import torch

MANIFEST = "manifest.json"
WEIGHTS = "weights/fold0.safetensors"
LEGACY_WEIGHTS = "weights/fold0.npz"  # of formats 1 and 2
FORMAT_2 = 2
MARK = "executed"  # the file that payloads make in the folder that they run in

Members = dict[str, bytes]


class Payload:
    """Makes a file when it is unpickled."""

    def __reduce__(self) -> tuple:
        return Path.touch, (Path(MARK),)


class Call:
    """Calls anything when it is unpickled."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple:
        return self.call


def members_of(path: Path) -> Members:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(members: Mapping[str, bytes], path: Path, compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, compression)
    return path


def unpacked(members: Mapping[str, bytes], folder: Path) -> Path:
    for name, content in members.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def with_manifest(members: Members, **changes: Any) -> Members:
    """With other values at the top of the manifest."""
    return {**members, MANIFEST: json.dumps({**json.loads(members[MANIFEST]), **changes}).encode()}


def with_weights(members: Members, content: bytes) -> Members:
    """With other weights of the first fold, under their right checksum."""
    folds = json.loads(members[MANIFEST])["folds"]
    folds[0] = {**folds[0], "sha256": hashlib.sha256(content).hexdigest()}
    return {**with_manifest(members, folds=folds), folds[0]["file"]: content}


def arrays_of(members: Members) -> dict[str, np.ndarray]:
    return safetensors.numpy.load(members[WEIGHTS])


def legacy(members: Members) -> Members:
    """The same model as engines of format 2 wrote it."""
    old = {
        name.replace(".safetensors", ".npz"): npz(safetensors.numpy.load(content))
        for name, content in members.items()
        if name != MANIFEST
    }
    folds = [
        {**fold, "file": name, "sha256": hashlib.sha256(old[name]).hexdigest()}
        for fold, name in zip(json.loads(members[MANIFEST])["folds"], sorted(old), strict=True)
    ]
    return {**with_manifest(members, format=FORMAT_2, folds=folds), **old}


def announced(header: Any, content: bytes = b"") -> bytes:
    """A safetensors file whose header says anything."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + content


def npz(arrays: Mapping[str, np.ndarray]) -> bytes:
    content = io.BytesIO()
    np.savez(content, **arrays)  # type: ignore[arg-type]
    return content.getvalue()


def npy_members(arrays: Mapping[str, np.ndarray]) -> Members:
    """The files inside a NumPy archive."""
    with zipfile.ZipFile(io.BytesIO(npz(arrays))) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(members: Mapping[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", compression) as archive:
        for name, value in members.items():
            archive.writestr(name, value)
    return content.getvalue()


def torch_bytes(values: Any, new: bool = True, protocol: int = 2) -> bytes:
    content = io.BytesIO()
    torch.save(values, content, _use_new_zipfile_serialization=new, pickle_protocol=protocol)
    return content.getvalue()


def repeated(shape: tuple[int, ...], dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """One number that stands for any count of elements."""
    return torch.zeros(1, dtype=dtype).expand(shape)


def with_pickle(content: bytes, replacement: bytes) -> bytes:
    """A file of PyTorch with another pickle in it."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    return zipped({name: replacement if name.endswith(".pkl") else value for name, value in members.items()})


def old_file(values: bytes) -> bytes:
    """A file of PyTorch's old format, which is a row of pickles, with one from elsewhere where the values go."""
    system = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
    head = (torch.serialization.MAGIC_NUMBER, torch.serialization.PROTOCOL_VERSION, system)
    return b"".join([*(pickle.dumps(value, 2) for value in head), values, pickle.dumps([], 2)])


def bare_pickles() -> dict[str, bytes]:
    """Pickles that make the file, each by other instructions."""
    program = f'S\'open("{MARK}", "w").close()\'\n'
    return {
        "GLOBAL": f"cbuiltins\neval\n({program}tR.".encode(),
        "INST": f"({program}ibuiltins\neval\n.".encode(),
        "OBJ": f"(cbuiltins\neval\n{program}o.".encode(),
        "in text": pickle.dumps(Payload(), 0),
        "STACK_GLOBAL": pickle.dumps(Payload(), 4),
        "in a hook": pickle.dumps(Call(torch._utils._rebuild_parameter, torch.zeros(1), False, {"a": Payload()}), 2),
        "in a pickle": pickle.dumps(Call(pickle.loads, pickle.dumps(Payload())), 2),
        "for a storage": pickle.dumps(Call(torch.storage._load_from_bytes, torch_bytes(Payload())), 2),
    }


def pickled_files() -> dict[str, bytes]:
    """Files of PyTorch that make the file when they are read without care, by how."""
    tensors = torch_bytes({"weight": torch.zeros(1)})
    objects = np.empty(1, object)
    objects[0] = Payload()
    files = {f"{name}, new": with_pickle(tensors, value) for name, value in bare_pickles().items()}
    files |= {f"{name}, old": old_file(value) for name, value in bare_pickles().items()}
    values: dict[str, Any] = {
        "beside tensors": {"weight": torch.zeros(1), "epoch": Payload()},
        "as a key": {Payload(): torch.zeros(1)},
        "in an array": {"arch_code_a": objects, "arch_code_c": objects},
        "in a list": [[Payload()]],
    }
    files |= {name: torch_bytes(value) for name, value in values.items()}
    return files
