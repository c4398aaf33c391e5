"""A small picture of a scan with its proposal, by which scans are told apart in a list."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk

from dints.files.storage import atomic_path

PIXELS = 160  # of the longer side
GREY_PERCENTILES = (0.5, 99.5)  # of the slice, to black and white: single bright voxels must not darken the rest
OPACITY = 0.45  # of the labels


def preview_file(proposal: Path) -> Path:
    """Beside the proposal."""
    return proposal.with_name(f"{proposal.name.removesuffix('.nii.gz')}.png")


def write_preview(image: sitk.Image, labels: sitk.Image, path: Path) -> None:
    """The axial slice with most labelled voxels, as in radiology: the patient's right is on the left.

    Args:
        image: scalar 3D image.
        labels: label image on the same grid.

    Raises:
        StorageError: the PNG cannot be written.
    """
    image, labels = sitk.DICOMOrient(image, "LPS"), sitk.DICOMOrient(labels, "LPS")
    voxels = sitk.GetArrayViewFromImage(labels)
    counts = (voxels > 0).sum((1, 2))
    index = int(counts.argmax()) if counts.any() else len(counts) // 2
    low, high = np.percentile(sitk.GetArrayViewFromImage(image)[index], GREY_PERCENTILES)
    plane = sitk.Cast(image[:, :, index], sitk.sitkFloat32)
    grey = sitk.IntensityWindowing(plane, float(low), float(high if high > low else low + 1))
    grid = _grid(grey)
    shown = sitk.Cast(sitk.Resample(grey, grid, sitk.Transform(2, sitk.sitkIdentity), sitk.sitkLinear), sitk.sitkUInt8)
    drawn = sitk.Resample(labels[:, :, index], grid, sitk.Transform(2, sitk.sitkIdentity), sitk.sitkNearestNeighbor)
    with atomic_path(path) as temporary:
        sitk.WriteImage(sitk.LabelOverlay(shown, sitk.Cast(drawn, sitk.sitkUInt16), OPACITY), str(temporary))


def _grid(image: sitk.Image) -> sitk.Image:
    """Square pixels over the same area."""
    extent = [count * step for count, step in zip(image.GetSize(), image.GetSpacing(), strict=True)]
    step = max(extent) / PIXELS
    grid = sitk.Image([max(1, round(length / step)) for length in extent], sitk.sitkUInt8)
    grid.SetSpacing((step, step))
    grid.SetDirection(image.GetDirection())
    corner = image.TransformContinuousIndexToPhysicalPoint((-0.5, -0.5))
    shift = np.array(image.GetDirection()).reshape(2, 2) @ np.array([step / 2, step / 2])
    grid.SetOrigin([float(at) for at in np.array(corner) + shift])
    return grid
