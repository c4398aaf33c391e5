"""NIfTI files: the one that was named is read, whatever lies beside it, and placed where one of its own forms says.

ITK reads most of them. It takes the voxels of `A.nii` for those of `A.nii.gz`, knows neither version 2 nor suffixes in
mixed case, and no sform that is not orthonormal; it gets a plain copy of such files.
"""

from __future__ import annotations

import gzip
import tempfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
import SimpleITK as sitk

from dints.data.formats import NIFTI_SUFFIXES, NIFTI_VOXELS, image_suffix, unreadable
from dints.data.headers import refuse_short
from dints.data.nifti import HEADER_BYTES, NiftiHeader, is_orthonormal
from dints.data.placement import Affine, affine_of, corner_distance, set_affine
from dints.errors import InputError
from dints.events import Remark

BLOCK_BYTES = 1 << 20  # a multiple of the voxel sizes
GZIP_MAGIC = b"\x1f\x8b"
ITK_SUFFIXES = (".nii", ".nii.gz")
SAME_PLACE = 0.1  # voxels; within it, two forms say the same
EXACT_PLACE = 1e-3  # voxels; within it, ITK's numbers are kept
NOTICEABLE = 0.01  # relative; a difference of voxel sizes that is worth naming


def read_nifti(path: Path, read: Callable[[Path], sitk.Image], remark: Remark) -> sitk.Image:
    """The image in a file, or in a pair of header and voxels of which `path` is either.

    Args:
        read: ITK's reader.
        remark: is told what was taken for granted.

    Raises:
        InputError: it is cut off, of another format, or says nothing usable of its place.
    """
    header_file, voxel_file = _files(path)
    header = _header(header_file)
    refuse_short(voxel_file, header.offset + header.voxel_bytes)
    _refuse_nowhere(path, header)
    with_forms = "qform" in header.forms or all(map(is_orthonormal, header.forms.values()))
    if with_forms and _is_for_itk(path, header):
        image = read(path)
    else:
        with _plain_copy(voxel_file, header, with_forms) as copy:
            image = read(copy)
    if image.GetDimension() >= 3:
        _place(path, image, header, remark)
    return image


def count_not_finite(path: Path) -> int:
    """How many voxels of a NIfTI file are NaN or infinite, which ITK reads as zeros; 0 for other files."""
    if image_suffix(path) not in (*NIFTI_SUFFIXES, *NIFTI_VOXELS):
        return 0
    header_file, voxel_file = _files(path)
    header = _header(header_file)
    kind = header.float_type
    if kind is None:
        return 0
    return sum(_count(block, kind) for block in _voxels(voxel_file, header))


def _files(path: Path) -> tuple[Path, Path]:
    """The file of the header and that of the voxels, which may be the same."""
    suffix = image_suffix(path)
    if suffix in ITK_SUFFIXES:
        return path, path
    stem = path.name[: len(path.name) - len(suffix)]
    is_header = suffix not in NIFTI_VOXELS
    others = NIFTI_VOXELS if is_header else (".hdr", ".hdr.gz")
    alike = sorted(others, key=lambda other: other.endswith(".gz") != suffix.endswith(".gz"))
    other = next((file for other in alike if (file := _beside(path, stem + other))), None)
    if other is None:
        kind = "voxels" if is_header else "header"
        raise InputError(f"{path}: has no {stem}{alike[0]} with its {kind} beside it; copy both files of the pair")
    return (path, other) if is_header else (other, path)


def _beside(path: Path, name: str) -> Path | None:
    """The file of that name in the folder of `path`, its suffix in small letters or else in capitals."""
    suffix = image_suffix(name)
    stem = name[: len(name) - len(suffix)]
    candidates = (path.with_name(stem + spelled) for spelled in (suffix, suffix.upper()))
    return next((file for file in candidates if file.is_file()), None)


def _header(path: Path) -> NiftiHeader:
    try:
        with _opened(path) as file:
            content = file.read(max(HEADER_BYTES.values()))
    except (OSError, EOFError, zlib.error) as error:
        raise unreadable(path, str(error)) from error
    header = NiftiHeader.parse(content)
    if header is not None:
        if not np.isfinite(header.fields["offset"][0]):
            raise unreadable(path, "its voxels begin nowhere")
        return header
    if image_suffix(path) in (".hdr", ".hdr.gz"):
        reason = "is the header of an Analyze file, which does not say which side is left"
        raise InputError(f"{path}: {reason}; convert it to NIfTI with a program that knows where it comes from")
    raise unreadable(path, "its header is not that of NIfTI")


def _is_for_itk(path: Path, header: NiftiHeader) -> bool:
    """Whether ITK reads this very file, and nothing else in its place."""
    suffix = image_suffix(path)
    if header.version != 1 or header.is_pair or suffix not in ITK_SUFFIXES or not path.name.endswith(suffix):
        return False
    with open(path, "rb") as file:
        if file.read(len(GZIP_MAGIC)) == GZIP_MAGIC and not suffix.endswith(".gz"):
            return False
    stem = path.name.removesuffix(suffix)
    suffixes = {spelled for other in (*NIFTI_SUFFIXES, *NIFTI_VOXELS) for spelled in (other, other.upper())}
    twins = (path.with_name(stem + other) for other in suffixes - {suffix})
    return not any(twin.exists() and not (_same_name(twin, path) and twin.samefile(path)) for twin in twins)


def _same_name(first: Path, second: Path) -> bool:
    """Where the disk does not tell capitals from small letters, a file answers to both."""
    return first.name.lower() == second.name.lower()


@contextmanager
def _plain_copy(voxel_file: Path, header: NiftiHeader, with_forms: bool) -> Iterator[Path]:
    """The same voxels in a file that ITK reads, alone in a folder."""
    try:
        start = header.version_1(with_forms)
    except ValueError as error:
        raise InputError(f"{voxel_file}: cannot be read as an image ({error}); save it as .nrrd") from error
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy.nii"
        with open(copy, "wb") as file:
            file.write(start)
            for block in _voxels(voxel_file, header):
                file.write(block)
        yield copy


def _voxels(path: Path, header: NiftiHeader) -> Iterator[bytes]:
    """The bytes of all voxels, in blocks; what follows them is none of them."""
    left = header.voxel_bytes
    try:
        with _opened(path) as file:
            file.seek(header.offset)
            while left and (block := file.read(min(left, BLOCK_BYTES))):
                left -= len(block)
                yield block
    except (OSError, EOFError, ValueError, OverflowError, zlib.error) as error:
        raise InputError(f"{path}: cannot be read to its end ({error}); export or copy it again") from error


def _opened(path: Path) -> IO[bytes]:
    """A file, unpacked if it is gzip by its content."""
    with open(path, "rb") as file:
        is_compressed = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
    return gzip.open(path) if is_compressed else open(path, "rb")  # type: ignore[return-value]


def _count(block: bytes, kind: np.dtype[Any]) -> int:
    voxels = np.frombuffer(block, kind, len(block) // kind.itemsize)
    return voxels.size - int(np.count_nonzero(np.isfinite(voxels)))


def _refuse_nowhere(path: Path, header: NiftiHeader) -> None:
    """InputError if the header has a place for the voxels that cannot be; ITK would make one up."""
    if not header.forms and max(header.codes.values()) > 0:
        reason = "has a place in the patient that is none: its axes lie in one plane or are no numbers"
        raise InputError(f"{path}: {reason}; correct its header or export it again")
    if not header.forms and not min(header.steps) > 0:
        raise InputError(f"{path}: has voxels of {_steps(header.steps)} mm; correct the spacing in the file")


def _place(path: Path, image: sitk.Image, header: NiftiHeader, remark: Remark) -> None:
    """Puts the image where the form says that ITK comes nearest to, and remarks on what says otherwise."""
    forms = header.forms
    if not forms:
        reason = "does not say where it lies in the patient, nor which side is left (qform and sform have code 0)"
        remark(f"{path}: {reason}; its axes are taken to run to the left, to the back and upwards")
        return
    size, shown = image.GetSize()[:3], affine_of(image)
    taken = min(forms, key=lambda name: corner_distance(forms[name], shown, size))
    voxel = float(np.linalg.norm(forms[taken][:3, :3], axis=0).min())
    if not corner_distance(forms[taken], shown, size) <= EXACT_PLACE * voxel:
        set_affine(image, forms[taken])
    _remark_on_others(path, header, taken, size, remark)


def _remark_on_others(path: Path, header: NiftiHeader, taken: str, size: Sequence[int], remark: Remark) -> None:
    """On forms and voxel sizes that say something else than the form that was taken."""
    form = header.forms[taken]
    lengths = np.linalg.norm(form[:3, :3], axis=0)
    for name, other in header.forms.items():
        distance = corner_distance(form, other, size)
        if distance > SAME_PLACE * lengths.min():
            reason = f"its {name} lies up to {distance:.3g} mm from its {taken}"
            remark(f"{path}: {reason}; the {taken} is taken, correct the header if the {name} is the right one")
            return
    if len(header.forms) == 1 and not np.allclose(lengths, header.steps, rtol=NOTICEABLE):
        reason = (
            f"has voxels of {_steps(header.steps)} mm by their size and of {_steps(lengths.tolist())} mm by its {taken}"
        )
        remark(f"{path}: {reason}; the {taken} is taken, correct the header if the size is the right one")


def _steps(lengths: Sequence[float]) -> str:
    return " x ".join(f"{length:g}" for length in lengths)


def write_form(path: Path, form: Affine, size: Sequence[int]) -> None:
    """Writes a map from voxels to mm (LPS) into a NIfTI file of ITK's, which makes a rotation of a slanted one.

    Both forms count if the rotation is as good as the map; else the sform alone.
    """
    if is_orthonormal(form):
        return
    header = _header(path)
    with _opened(path) as file:
        content = bytearray(file.read())
    tolerance = SAME_PLACE * np.linalg.norm(form[:3, :3], axis=0).min()
    is_near = corner_distance(header.forms["qform"], form, size) <= tolerance
    header.put_sform(content, form, keep_qform=bool(is_near))
    path.write_bytes(gzip.compress(content, mtime=0) if path.name.lower().endswith(".gz") else content)
