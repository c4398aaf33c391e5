"""Images on disk, for data sets made in a test."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk


def save(path: Path, values: object = 0, shape: tuple[int, ...] = (4, 5, 6), dtype: type = np.int16) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    array = np.zeros(shape, dtype)
    array[...] = values
    sitk.WriteImage(sitk.GetImageFromArray(array, isVector=False), str(path))
    return path


def save_dicom(folder: Path, slices: int = 3) -> None:
    folder.mkdir(parents=True)
    writer = sitk.ImageFileWriter()
    writer.KeepOriginalImageUIDOn()
    for index in range(slices):
        image = sitk.Image(6, 5, 1, sitk.sitkInt16)
        position = f"0\\0\\{index}"
        for tag, value in {
            "0008|0060": "CT",
            "0020|000d": "1.2.3",
            "0020|000e": "1.2.3.4",
            "0008|0018": f"1.2.3.4.{index + 1}",
            "0020|0032": position,
            "0020|0037": "1\\0\\0\\0\\1\\0",
            "0020|0013": str(index),
        }.items():
            image.SetMetaData(tag, value)
        writer.SetFileName(str(folder / f"{index}.dcm"))
        writer.Execute(image)
