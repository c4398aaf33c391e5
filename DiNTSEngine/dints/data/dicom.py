"""One volume from the DICOM series in a folder: every slice's own geometry is compared with what comes out.

GDCM, which ITK reads DICOM with, takes the place of the first slice, the distance of two and the pixel type of the
first for those of all. What is not one stack of slices at equal distances is refused by its name; a stack that was
scanned with a tilted gantry is resampled to a straight grid.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from dints.data.formats import is_dicom, is_image
from dints.data.itk import itk_name, quiet
from dints.data.placement import GEOMETRY_TOLERANCE
from dints.data.slices import SERIES, Slice, stacked
from dints.errors import InputError
from dints.events import Remark

# Classes of objects that hold no images: directories; presentation states, waveforms, reports, documents;
# registrations and surfaces; plans and structures of radiotherapy.
NO_IMAGES = re.compile(
    rb"1\.2\.840\.10008\.(1\.3\.10|5\.1\.4\.1\.1\.((11|9|88|104)(\.\d+)*|66(\.[1235])?|481\.[3-9]))(?![.\d])"
)
CLASS_WITHIN = 1024  # bytes from the start of a file
FLOATS = (sitk.sitkFloat32, sitk.sitkFloat64)
ONE_SERIES = "give the folder that directly holds the slices of one DICOM series, or an image file"


def is_dicom_folder(path: str | os.PathLike[str]) -> bool:
    """Whether the folder itself (not its subfolders) holds DICOM images.

    Raises:
        InputError: it also holds image files of other formats, so that nobody knows which are meant.
    """
    folder = Path(path)
    if not folder.is_dir() or not _sorted_out(folder)[0]:
        return False
    _refuse_mixture(folder)
    return True


def read_series(folder: Path, remark: Remark) -> sitk.Image:
    """The one series of images in a folder; `remark` is told what else was taken for granted.

    Raises:
        InputError: there is none, or more than one, or its slices are no volume.
    """
    series, others = _sorted_out(folder)
    if len(series) != 1:
        raise InputError(f"{folder}: holds {len(series) or 'no'} DICOM series; {ONE_SERIES}")
    _refuse_mixture(folder)
    (slices,) = series.values()
    _refuse_damaged(others, {one.path.suffix.lower() for one in slices} - {""})
    return _volume(folder, stacked(folder, slices), remark)


def _sorted_out(folder: Path) -> tuple[dict[str, list[Slice]], list[Path]]:
    """The slices in a folder by the series that they belong to, and the files that are none.

    GDCM can do this as well, but some attributes that are no numbers end the process then.
    """
    series: dict[str, list[Slice]] = {}
    others: list[Path] = []
    with quiet():
        for path in sorted(folder.iterdir()):
            if path.name.startswith(".") or is_image(path) or not path.is_file():
                continue
            try:
                one = Slice.of(path)
            except RuntimeError:
                others.append(path)
            else:
                series.setdefault(one.texts[SERIES], []).append(one)
    return series, others


def _refuse_mixture(folder: Path) -> None:
    images = sorted(path.name for path in folder.iterdir() if is_image(path))
    if images:
        reason = f"holds a DICOM series beside images of other formats ({images[0]})"
        raise InputError(f"{folder}: {reason}; move one of both into a folder of its own")


def _refuse_damaged(others: Sequence[Path], suffixes: Collection[str]) -> None:
    """Files that were meant as slices, by their suffix or first bytes, but cannot be read."""
    for path in others:
        with open(path, "rb") as file:
            holds_none = NO_IMAGES.search(file.read(CLASS_WITHIN))
        if not holds_none and (path.suffix.lower() in suffixes or is_dicom(path)):
            reason = "cannot be read as a slice of the series beside it"
            raise InputError(f"{path}: {reason}; copy it again or move it away")


def _volume(folder: Path, ordered: Sequence[Slice], remark: Remark) -> sitk.Image:
    """The voxels of slices in order, where these say that they lie."""
    reader = sitk.ImageSeriesReader()
    reader.SetImageIO("GDCMImageIO")
    reader.SetFileNames([itk_name(one.path) for one in ordered])
    kinds = {one.kind for one in ordered}
    if kinds & set(FLOATS):
        reader.SetOutputPixelType(sitk.sitkFloat32)
    elif len(kinds) > 1:
        reader.SetOutputPixelType(sitk.sitkInt32)
    with quiet():  # no longer than this: remarks go to standard error, too
        image: sitk.Image = reader.Execute()
    axes = ordered[0].axes
    step = (ordered[-1].position - ordered[0].position) / (len(ordered) - 1)
    height = float(axes[:, 2] @ step)
    image.SetOrigin(ordered[0].position.tolist())
    image.SetSpacing([*ordered[0].spacing, height])
    image.SetDirection(axes.ravel().tolist())
    shift = axes[:, :2].T @ step  # mm along rows and columns from one slice to the next
    if np.abs(shift).max() * (len(ordered) - 1) <= GEOMETRY_TOLERANCE * min(ordered[0].spacing):
        return image
    angle = np.degrees(np.arctan2(np.linalg.norm(shift), height))
    remark(
        f"{folder}: was scanned with a gantry tilted by {angle:.3g} degrees; it is resampled to a straight grid, "
        "on which its result lies and its label must lie"
    )
    return _straightened(image, shift, step)


def _straightened(image: sitk.Image, shift: NDArray[np.float64], step: NDArray[np.float64]) -> sitk.Image:
    """Each slice moved within its plane to where it was scanned, on a grid that holds all of them.

    Args:
        image: the slices above one another; its origin is the first slice's.
        shift: mm along rows and columns from one slice to the next.
        step: the same as a vector of the world.
    """
    width, height, depth = image.GetSize()
    axes = np.reshape(image.GetDirection(), (3, 3))
    slanted = axes.copy()
    slanted[:, 2] = step / np.linalg.norm(step)
    sheared = sitk.Image(image)
    sheared.SetDirection(slanted.ravel().tolist())
    sheared.SetSpacing([*image.GetSpacing()[:2], float(np.linalg.norm(step))])
    total = shift * (depth - 1)
    pixels = np.ceil(np.abs(total) / image.GetSpacing()[:2] - GEOMETRY_TOLERANCE).astype(int).clip(0)
    start = np.where(total < 0, -pixels * image.GetSpacing()[:2], 0)
    origin = image.GetOrigin() + axes[:, :2] @ start
    size = (width + int(pixels[0]), height + int(pixels[1]), depth)
    outside = float(sitk.GetArrayViewFromImage(image).min())
    straight: sitk.Image = sitk.Resample(
        sheared,
        size,
        sitk.Transform(),
        sitk.sitkLinear,
        origin.tolist(),
        image.GetSpacing(),
        image.GetDirection(),
        outside,
    )
    return straight
