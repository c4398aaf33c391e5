"""Images in and out of files, through SimpleITK: one scalar 3D image a channel, and errors that name the file."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from dints.data.detached import voxel_files
from dints.data.dicom import read_series
from dints.data.formats import (
    NIFTI_SUFFIXES,
    NIFTI_VOXELS,
    image_suffix,
    refuse_other_suffix,
    refuse_unwritable,
    unreadable,
)
from dints.data.headers import is_complete, refuse_impossible_size
from dints.data.itk import itk_name, quiet, reason_of
from dints.data.nifti_files import count_not_finite, read_nifti, write_form
from dints.data.outputs import file_identity
from dints.data.placement import affine_of, geometry_difference, is_slanted, refuse_impossible_geometry
from dints.data.text_headers import remark_on_place
from dints.errors import InputError, RunError, StorageError, memory_for
from dints.events import Remark
from dints.files.storage import atomic_path

LARGEST_LABEL = 2**16 - 1
IMAGE = "image:"  # how an error begins that does not know the file
NUMBER_REMEDY = "replace them by a number, such as the intensity of air"
LARGEST_FLOAT = np.finfo(np.float32).max
NIFTI_NAMES = (*NIFTI_SUFFIXES, *NIFTI_VOXELS)
ITK_READERS = {".nrrd": "NrrdImageIO", ".nhdr": "NrrdImageIO", ".mha": "MetaImageIO", ".mhd": "MetaImageIO"}


def read_image(path: str | os.PathLike[str], remark: Remark = lambda sentence: None) -> sitk.Image:
    """Reads an image file, or the one DICOM series in a folder.

    InputError if that is not possible, MemoryShortageError if memory does not suffice.
    """
    path = Path(path)
    try:
        if not path.exists():
            raise InputError(f"{path}: does not exist; check the path")
        with memory_for(path, "read"):
            _open_once(path)
            image = read_series(path, remark) if path.is_dir() else _read_file(path, remark)
    except (InputError, RunError):
        raise
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the path and its permissions") from error
    except (RuntimeError, ValueError) as error:  # the second from numbers in headers that are none
        raise unreadable(path, reason_of(error)) from error
    refuse_impossible_geometry(path, image)
    if is_slanted(image):
        remark(f"{path}: has axes that are not at right angles; resample it to a rectangular grid")
    return image


def read_channels(
    paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str]], remark: Remark = lambda sentence: None
) -> list[sitk.Image]:
    """One scalar 3D image a channel, from one file each or from 4D or vector files.

    InputError if their geometries differ, or a voxel is not finite.
    """
    paths = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    if not paths:
        raise InputError("no image file was given; name at least one")
    for sentence in given_twice(paths):
        remark(sentence)
    channels: list[sitk.Image] = []
    for path in paths:
        with memory_for(path, "read"):
            volumes = split_channels(read_image(path, remark), str(path))
            count = count_unusable(Path(path), volumes)
        if count:
            raise InputError(f"{path}: has {count} voxels that are NaN or infinite; {NUMBER_REMEDY}")
        channels += volumes
        difference = geometry_difference(channels[0], channels[-1])
        if difference:
            raise InputError(f"{path}: {difference} as in {paths[0]}; resample one channel to the grid of the other")
    return channels


def given_twice(paths: Sequence[str | os.PathLike[str]]) -> list[str]:
    """A sentence on each file that is more than one channel."""
    files = [file_identity(Path(path)) for path in paths]
    spelled = dict(zip(reversed(files), reversed(paths), strict=True))
    remedy = "make sure that it is meant for each of them"
    return [
        f"{spelled[file]}: is given for {count} channels; {remedy}"
        for file, count in Counter(files).items()
        if count > 1
    ]


def read_label(path: str | os.PathLike[str], remark: Remark = lambda sentence: None) -> sitk.Image:
    """Reads a label image as 8- or 16-bit unsigned integers; whole numbers stored as floats are accepted.

    InputError if it holds anything else, or several volumes.
    """
    volumes = split_channels(read_image(path, remark), str(path))
    if count := count_not_finite(Path(path)):
        raise InputError(f"{path}: has {count} voxels that are NaN or infinite; set them to a label value")
    if len(volumes) != 1:
        raise InputError(f"{path}: holds {len(volumes)} volumes; a label must be one 3D volume of label values")
    return as_label(volumes[0], str(path))


def split_channels(image: sitk.Image, source: str = "image") -> list[sitk.Image]:
    """The scalar 3D images of a 3D or 4D image with scalar or vector pixels; `source` names it in errors."""
    if "complex" in image.GetPixelIDTypeAsString():
        raise InputError(f"{source}: has complex voxels; give the magnitude image")
    if image.GetDimension() not in (3, 4):
        raise InputError(f"{source}: has {image.GetDimension()} dimensions; give a 3D volume")
    count = image.GetSize()[3] if image.GetDimension() == 4 else 1
    volumes = [image[:, :, :, index] for index in range(count)] if image.GetDimension() == 4 else [image]
    if image.GetNumberOfComponentsPerPixel() == 1:
        return volumes
    components = range(image.GetNumberOfComponentsPerPixel())
    return [sitk.VectorIndexSelectionCast(volume, component) for volume in volumes for component in components]


def count_unusable(path: Path, volumes: Sequence[sitk.Image]) -> int:
    """Voxels of a file that are NaN, infinite or too large for single precision; `volumes` were read from it."""
    arrays = [sitk.GetArrayViewFromImage(volume) for volume in volumes]
    return count_not_finite(path) + sum(array.size - int(np.count_nonzero(usable(array))) for array in arrays)


def usable(voxels: np.ndarray) -> np.ndarray:
    """Which voxels are numbers that single precision can hold."""
    return np.abs(voxels) <= LARGEST_FLOAT if voxels.dtype.kind == "f" else np.ones(voxels.shape, bool)


@contextmanager
def naming(paths: Sequence[Path]) -> Iterator[None]:
    """Names the files in errors that speak of an "image": of one that was read from them."""
    try:
        yield
    except (InputError, RunError) as error:
        text = str(error)
        if not text.startswith(IMAGE):
            raise
        files = ", ".join(map(str, paths))
        raise type(error)(f"{files}:{text.removeprefix(IMAGE)}") from error


def as_label(image: sitk.Image, source: str = "label") -> sitk.Image:
    """The image with unsigned 8- or 16-bit voxels of the same values; InputError if that would change one."""
    if image.GetPixelID() in (sitk.sitkUInt8, sitk.sitkUInt16):
        return image
    voxels = sitk.GetArrayViewFromImage(image)
    lowest, highest = voxels.min(), voxels.max()
    if not (lowest >= 0 and highest <= LARGEST_LABEL):  # false for NaN, too
        raise InputError(f"{source}: holds values {lowest} to {highest}; label values must lie in 0..{LARGEST_LABEL}")
    if voxels.dtype.kind == "f" and (fractions := voxels[voxels != np.floor(voxels)]).size:
        raise InputError(
            f"{source}: holds {fractions[0]}; label values must be whole numbers, is it an intensity image?"
        )
    whole: sitk.Image = sitk.Cast(image, sitk.sitkUInt16)
    return whole


def write_image(image: sitk.Image, path: str | os.PathLike[str]) -> None:
    """Writes a compressed image file atomically; the suffix chooses the format."""
    refuse_unwritable(path)
    suffix = image_suffix(path)
    with atomic_path(path) as temporary, quiet():
        try:
            _write_with_itk(image, temporary, suffix)
        except RuntimeError as error:
            raise StorageError.of(path, reason_of(error)) from error
        if not is_complete(temporary, image):
            raise StorageError.of(path, "the disk is full")  # which ITK notices in some formats only
        if suffix in NIFTI_SUFFIXES:
            write_form(temporary, affine_of(image), image.GetSize())


def _write_with_itk(image: sitk.Image, path: Path, suffix: str) -> None:
    """Writes under the suffix in small letters, the only ones that ITK takes, and renames."""
    written = path.with_name(path.name[: len(path.name) - len(suffix)] + suffix)
    try:
        sitk.WriteImage(image, itk_name(written), useCompression=True)
        os.replace(written, path)
    finally:
        if written.name != path.name:
            written.unlink(missing_ok=True)


def _open_once(path: Path) -> None:
    """OSError with the reason if a file or folder may not be read: ITK would say that it does not exist."""
    if path.is_dir():
        os.scandir(path).close()
        return
    if not path.is_file():  # a pipe, for example, which would never end
        raise InputError(f"{path}: is neither a file nor a folder; give an image")
    open(path, "rb").close()


def _read_file(path: Path, remark: Remark) -> sitk.Image:
    refuse_other_suffix(path)
    if image_suffix(path) in NIFTI_NAMES:
        return read_nifti(path, lambda file: _read_with_itk(file, "NiftiImageIO", [file]), remark)
    image = _read_with_itk(path, ITK_READERS[image_suffix(path)], voxel_files(path))
    remark_on_place(path, remark)
    return image


def _read_with_itk(path: Path, reader_name: str, voxels: Sequence[Path]) -> sitk.Image:
    """The image of a header, whose voxels are in other files or in the same."""
    reader = sitk.ImageFileReader()
    reader.SetFileName(itk_name(path))
    reader.SetImageIO(reader_name)  # which ITK would choose by suffixes in small letters only
    with quiet():
        reader.ReadImageInformation()
        refuse_impossible_size(path, reader, voxels)
        image: sitk.Image = reader.Execute()
    return image
