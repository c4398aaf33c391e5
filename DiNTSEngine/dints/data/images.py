"""Images in and out of files, through SimpleITK: one scalar 3D image a channel, and errors that name the file."""

from __future__ import annotations

import itertools
import math
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from dints.config.sections import LARGEST_LABEL
from dints.data.headers import (
    is_complete,
    refuse_impossible_geometry,
    refuse_impossible_size,
    refuse_truncated_nifti,
)
from dints.data.itk import itk_name, quiet, reason_of
from dints.data.nifti import count_not_finite
from dints.errors import InputError, StorageError
from dints.files.storage import atomic_path

IMAGE_SUFFIXES = (".nii.gz", ".nii", ".nrrd", ".nhdr", ".mha", ".mhd")
WRITABLE_SUFFIXES = SINGLE_FILES = (".nii.gz", ".nii", ".nrrd", ".mha")  # a header with a separate raw is not atomic
GEOMETRY_TOLERANCE = 0.1  # voxels; rounded headers stay far below it, half a voxel already harms a small label
NOTICEABLE = 1e-4  # relative; a difference of headers that is worth naming
NUMBER_REMEDY = "replace them by a number, such as the intensity of air"
LARGEST_FLOAT = np.finfo(np.float32).max
SLICE_GAP_TOLERANCE = 0.1  # of the slice distance; a missing slice adds a whole one
DICOM_POSITION = "0020|0032"  # of the slice's first voxel, in mm


def is_image(path: str | os.PathLike[str]) -> bool:
    """Whether the name is that of an image file (hidden files, such as the `._*` of macOS, are not)."""
    name = Path(path).name
    return name.lower().endswith(IMAGE_SUFFIXES) and not name.startswith(".")


def image_name(path: str | os.PathLike[str]) -> str:
    """File name without the image suffix: "a/case 1.nii.gz" is "case 1"."""
    name = Path(path).name
    suffix = next((suffix for suffix in IMAGE_SUFFIXES if name.lower().endswith(suffix)), "")
    return name[: len(name) - len(suffix)]


def is_dicom_folder(path: str | os.PathLike[str]) -> bool:
    """Whether the folder itself (not its subfolders) holds a DICOM series."""
    with quiet():
        return Path(path).is_dir() and bool(sitk.ImageSeriesReader.GetGDCMSeriesIDs(itk_name(path)))


def read_image(path: str | os.PathLike[str]) -> sitk.Image:
    """Reads an image file, or the one DICOM series in a folder; InputError if that is not possible."""
    path = Path(path)
    try:
        if not path.exists():
            raise InputError(f"{path}: does not exist; check the path")
        _open_once(path)
        with quiet():
            image = _read_series(path) if path.is_dir() else _read_file(path)
    except InputError:
        raise
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the path and its permissions") from error
    except (RuntimeError, ValueError) as error:  # the second from numbers in headers that are none
        raise InputError(f"{path}: cannot be read as an image ({reason_of(error)}); export or copy it again") from error
    refuse_impossible_geometry(path, image)
    return image


def read_channels(paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str]]) -> list[sitk.Image]:
    """One scalar 3D image a channel, from one file each or from 4D or vector files.

    InputError if their geometries differ, or a voxel is not finite.
    """
    paths = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    if not paths:
        raise InputError("no image file was given; name at least one")
    channels: list[sitk.Image] = []
    for path in paths:
        volumes = split_channels(read_image(path), str(path))
        if count := count_unusable(Path(path), volumes):
            raise InputError(f"{path}: has {count} voxels that are NaN or infinite; {NUMBER_REMEDY}")
        channels += volumes
        difference = geometry_difference(channels[0], channels[-1])
        if difference:
            raise InputError(f"{path}: {difference} as in {paths[0]}; resample one channel to the grid of the other")
    return channels


def read_label(path: str | os.PathLike[str]) -> sitk.Image:
    """Reads a label image as 8- or 16-bit unsigned integers; whole numbers stored as floats are accepted."""
    volumes = split_channels(read_image(path), str(path))
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
    except InputError as error:
        files = ", ".join(map(str, paths))
        raise InputError(re.sub("^image:", lambda _: f"{files}:", str(error))) from error


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


def geometry_difference(first: sitk.Image, second: sitk.Image, tolerance: float = GEOMETRY_TOLERANCE) -> str:
    """How the grid of `second` differs from that of `first`: "its size is ... instead of ...", or "" if it does not.

    Grids agree when they have the same size and their corners lie within `tolerance` voxels of each other.
    """
    if first.GetSize() != second.GetSize():
        return f"its size is {_numbers(second.GetSize())} instead of {_numbers(first.GetSize())}"
    distance = max(math.dist(*pair) for pair in zip(_corners(first), _corners(second), strict=True))
    if distance <= tolerance * min(first.GetSpacing()):
        return ""
    for name in ("Spacing", "Direction", "Origin"):
        expected, found = getattr(first, f"Get{name}")(), getattr(second, f"Get{name}")()
        if not np.allclose(expected, found, rtol=NOTICEABLE, atol=NOTICEABLE):
            return f"its {name.lower()} is {_numbers(found)} instead of {_numbers(expected)}"
    return f"its corners lie up to {distance:.3g} mm away"


def same_geometry(first: sitk.Image, second: sitk.Image, tolerance: float = GEOMETRY_TOLERANCE) -> bool:
    """Whether two images have the same grid; see `geometry_difference`."""
    return not geometry_difference(first, second, tolerance)


def refuse_unwritable(path: str | os.PathLike[str]) -> None:
    """InputError unless `write_image` knows the format, to be called before the work whose result is to be written."""
    if not str(path).lower().endswith(WRITABLE_SUFFIXES):
        raise InputError(
            f"{path}: images cannot be written with this suffix; use one of {', '.join(WRITABLE_SUFFIXES)}"
        )


def write_image(image: sitk.Image, path: str | os.PathLike[str]) -> None:
    """Writes a compressed image file atomically; the suffix chooses the format."""
    refuse_unwritable(path)
    with atomic_path(path) as temporary, quiet():
        try:
            sitk.WriteImage(image, itk_name(temporary), useCompression=True)
        except RuntimeError as error:
            raise StorageError.of(path, reason_of(error)) from error
        if not is_complete(temporary, image):
            raise StorageError.of(path, "the disk is full")  # which ITK notices in some formats only


def _open_once(path: Path) -> None:
    """OSError with the reason if a file or folder may not be read: ITK would say that it does not exist."""
    if path.is_dir():
        os.scandir(path).close()
        return
    if not path.is_file():  # a pipe, for example, which would never end
        raise InputError(f"{path}: is neither a file nor a folder; give an image")
    open(path, "rb").close()


def _read_file(path: Path) -> sitk.Image:
    reader = sitk.ImageFileReader()
    reader.SetFileName(itk_name(path))
    reader.ReadImageInformation()
    if path.name.lower().endswith(SINGLE_FILES):
        refuse_impossible_size(path, reader)
    image: sitk.Image = reader.Execute()
    refuse_truncated_nifti(path, image)
    return image


def _read_series(folder: Path) -> sitk.Image:
    """The DICOM series in a folder, slices sorted by position; InputError unless there is exactly one, without gaps."""
    series = sitk.ImageSeriesReader.GetGDCMSeriesIDs(itk_name(folder))
    if len(series) != 1:
        remedy = "give the folder that directly holds the slices of one DICOM series, or an image file"
        raise InputError(f"{folder}: holds {len(series) or 'no'} DICOM series; {remedy}")
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder), series[0]))
    reader.MetaDataDictionaryArrayUpdateOn()
    image: sitk.Image = reader.Execute()
    files = range(len(reader.GetFileNames()))
    if all(reader.HasMetaDataKey(file, DICOM_POSITION) for file in files):
        positions = [reader.GetMetaData(file, DICOM_POSITION).split("\\") for file in files]
        steps = [math.dist(*pair) for pair in itertools.pairwise([float(x) for x in point] for point in positions)]
        if steps and max(steps) - min(steps) > SLICE_GAP_TOLERANCE * min(steps):
            reason = f"slices are missing or uneven ({min(steps):.3g} to {max(steps):.3g} mm apart)"
            raise InputError(f"{folder}: {reason}; export the series again")
    return image


def _corners(image: sitk.Image) -> list[tuple[float, ...]]:
    """World positions in mm of the first voxel and of the far ends of the grid's axes and diagonal."""
    last = [size - 1 for size in image.GetSize()]
    indices = [[0, 0, 0], [last[0], 0, 0], [0, last[1], 0], [0, 0, last[2]], last]
    return [image.TransformIndexToPhysicalPoint(index) for index in indices]


def _numbers(values: Sequence[float]) -> str:
    return "(" + ", ".join(f"{value:.6g}" for value in values) + ")"
