"""Image files that cannot be used, each written by a function of its name into an empty folder."""

from __future__ import annotations

import gzip
import os
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import SimpleITK as sitk

SHAPE = (20, 24, 24)  # z, y, x
NIFTI_HEADER = 352  # bytes before the voxels
Writer = Callable[[Path], Path]


def scan(dtype: type = np.int16) -> np.ndarray:
    """Noise in the range of a CT, [z, y, x]."""
    return np.random.default_rng(0).integers(-1000, 400, SHAPE).astype(dtype)


def save(path: Path, voxels: np.ndarray, vector: bool = False) -> Path:
    """Writes an array [z, y, x] (or more, or fewer axes) at a spacing of 1 mm."""
    sitk.WriteImage(sitk.GetImageFromArray(voxels, isVector=vector), str(path))
    return path


def with_bytes(path: Path, offset: int, layout: str, *values: float) -> Path:
    """Overwrites numbers of a file, or of what is inside a gzip file."""
    packed = path.suffix == ".gz"
    content = bytearray(gzip.decompress(path.read_bytes()) if packed else path.read_bytes())
    struct.pack_into(layout, content, offset, *values)
    path.write_bytes(gzip.compress(bytes(content)) if packed else bytes(content))
    return path


def nrrd(path: Path, directions: str = "(1,0,0) (0,1,0) (0,0,1)", sizes: str = "24 24 20", kind: str = "short") -> Path:
    """A raw NRRD with a header of one's own and the voxels of `scan`."""
    header = f"NRRD0004\ntype: {kind}\ndimension: 3\nspace: left-posterior-superior\nsizes: {sizes}\n"
    header += f"space directions: {directions}\nkinds: domain domain domain\nendian: little\nencoding: raw\n"
    path.write_bytes(f"{header}space origin: (0,0,0)\n\n".encode() + scan().tobytes())
    return path


def truncated(folder: Path, name: str) -> Path:
    path = save(folder / name, scan())
    path.write_bytes(path.read_bytes()[:-2000])
    return path


def filled(folder: Path, name: str, value: float) -> Path:
    voxels = scan(np.float32)
    voxels[3, 4, 5:9] = value
    return save(folder / name, voxels)


def written(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def looped(folder: Path) -> Path:
    first, second = folder / "scan.nii.gz", folder / "other.nii.gz"
    first.symlink_to(second)
    second.symlink_to(first)
    return first


def dangling(folder: Path) -> Path:
    path = folder / "scan.nii.gz"
    path.symlink_to(folder / "gone.nii.gz")
    return path


def announced_by_gzip(folder: Path) -> Path:
    """40 kB of zeros in place of the 8 TiB that the header announces."""
    path = save(folder / "scan.nii.gz", np.zeros(SHAPE, np.float64))
    return with_bytes(path, 40, "<8h", 3, 10240, 10240, 10240, 1, 1, 1, 1)


def header_alone(folder: Path) -> Path:
    path = save(folder / "scan.nii", scan())
    path.write_bytes(path.read_bytes()[:NIFTI_HEADER])
    return path


def huge_mha(folder: Path) -> Path:
    path = save(folder / "scan.mha", scan())
    path.write_bytes(path.read_bytes().replace(b"DimSize = 24 24 20", b"DimSize = 2097152 1048576 1048576"))
    return path


def matrix(folder: Path, *values: float) -> Path:
    """A NIfTI file with another matrix from voxels to the patient; one value fills it."""
    path = with_bytes(save(folder / "scan.nii", scan()), 252, "<2h", 0, 1)
    return with_bytes(path, 280, "<12f", *(values if len(values) == 12 else values * 12))


def no_text(folder: Path) -> Path:
    """A name that is no UTF-8, as old archives unpack to."""
    return save(folder / "scan.nii", scan()).rename(folder / os.fsdecode(b"scan\xff.nii"))


def pipe(folder: Path) -> Path:
    """Whoever opens it waits until something writes to it."""
    path = folder / "scan.nii.gz"
    os.mkfifo(path)
    return path


def empty_folder(folder: Path) -> Path:
    (folder / "scan").mkdir()
    return folder / "scan"


def text_folder(folder: Path) -> Path:
    path = empty_folder(folder)
    (path / "readme.txt").write_text("not DICOM")
    return path


BAD_IMAGES: dict[str, Writer] = {
    "absent": lambda folder: folder / "scan.nii.gz",
    "empty": lambda folder: written(folder, "scan.nii.gz", b""),
    "text": lambda folder: written(folder, "scan.nii.gz", b"this is a letter\n" * 100),
    "text named NRRD": lambda folder: written(folder, "scan.nrrd", b"this is a letter\n" * 100),
    "truncated NIfTI": lambda folder: truncated(folder, "scan.nii"),
    "truncated gzip": lambda folder: truncated(folder, "scan.nii.gz"),
    "truncated NRRD": lambda folder: truncated(folder, "scan.nrrd"),
    "truncated MHA": lambda folder: truncated(folder, "scan.mha"),
    "header alone": header_alone,
    "NRRD named NIfTI": lambda folder: nrrd(folder / "a.nrrd").rename(folder / "scan.nii.gz"),
    "zero-sized NIfTI": lambda folder: with_bytes(save(folder / "scan.nii", scan()), 42, "<h", 0),
    "negative size": lambda folder: with_bytes(save(folder / "scan.nii", scan()), 42, "<h", -24),
    "zero-sized NRRD": lambda folder: nrrd(folder / "scan.nrrd", sizes="24 0 20"),
    "huge NIfTI": lambda folder: with_bytes(save(folder / "scan.nii", scan()), 42, "<3h", 32767, 32767, 32767),
    "huge gzip": announced_by_gzip,
    "huge NRRD": lambda folder: nrrd(folder / "scan.nrrd", sizes="2097152 1048576 1048576"),
    "huge MHA": huge_mha,
    "overflowing NRRD": lambda folder: nrrd(folder / "scan.nrrd", sizes="4294967296 4294967296 4294967296"),
    "one dimension": lambda folder: written(
        folder, "scan.nrrd", b"NRRD0004\ntype: uchar\ndimension: 1\nsizes: 9\nencoding: raw\n\n" + bytes(9)
    ),
    "two dimensions": lambda folder: save(folder / "scan.nrrd", scan()[0]),
    "four dimensions": lambda folder: save(folder / "scan.nrrd", np.stack([scan()] * 3)),
    "five dimensions": lambda folder: with_bytes(
        save(folder / "scan.nii", np.stack([scan()] * 2)), 40, "<6h", 5, 24, 24, 20, 1, 2
    ),
    "RGB": lambda folder: save(folder / "scan.nrrd", np.stack([scan(np.uint8)] * 3, axis=-1), vector=True),
    "complex": lambda folder: save(folder / "scan.nii", scan().astype(np.complex64)),
    "one slice": lambda folder: save(folder / "scan.nrrd", scan()[:1]),
    "NaN in NIfTI": lambda folder: filled(folder, "scan.nii.gz", np.nan),
    "NaN in NRRD": lambda folder: filled(folder, "scan.nrrd", np.nan),
    "infinite in NIfTI": lambda folder: filled(folder, "scan.nii", -np.inf),
    "infinite in MHA": lambda folder: filled(folder, "scan.mha", np.inf),
    "singular axes": lambda folder: nrrd(folder / "scan.nrrd", "(1,0,0) (1,0,0) (0,0,1)"),
    "axes of zero length": lambda folder: nrrd(folder / "scan.nrrd", "(0,0,0) (0,1,0) (0,0,1)"),
    "axes not a number": lambda folder: nrrd(folder / "scan.nrrd", "(nan,0,0) (0,1,0) (0,0,1)"),
    "axes nearly in a plane": lambda folder: nrrd(folder / "scan.nrrd", "(1,0,0) (1,0.01,0) (0,0,1)"),
    "axes of NIfTI in a plane": lambda folder: matrix(folder, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0),
    "axes of NIfTI not numbers": lambda folder: matrix(folder, np.nan),
    "axes of NIfTI infinite": lambda folder: matrix(folder, np.inf),
    "offset not a number": lambda folder: with_bytes(save(folder / "scan.nii", scan()), 108, "<f", np.nan),
    "offset beyond the file": lambda folder: with_bytes(save(folder / "scan.nii", scan()), 108, "<f", 1e9),
    "tiny spacing": lambda folder: nrrd(folder / "scan.nrrd", "(1e-9,0,0) (0,1e-9,0) (0,0,1e-9)"),
    "huge spacing": lambda folder: nrrd(folder / "scan.nrrd", "(1e9,0,0) (0,1e9,0) (0,0,1e9)"),
    "unknown voxel type": lambda folder: with_bytes(save(folder / "scan.nii", scan()), 70, "<h", 999),
    "link to itself": looped,
    "link to nothing": dangling,
    "empty folder": empty_folder,
    "folder of texts": text_folder,
    "name no text": no_text,
    "name too long": lambda folder: folder / f"{'long' * 80}.nii.gz",
    "path too long": lambda folder: folder.joinpath(*["long" * 50] * 25) / "scan.nii.gz",
    "device": lambda folder: Path(os.devnull),
} | ({} if os.name == "nt" else {"pipe": pipe})
