"""A folder of images, and the file that each is segmented into."""

from __future__ import annotations

from pathlib import Path

from dints.data.cases import misnumbered
from dints.data.dicom import is_dicom_folder
from dints.data.formats import is_image
from dints.data.outputs import Assignment, refuse_overlap
from dints.data.plain_folders import image_cases
from dints.errors import InputError

RESULT_SUFFIX = ".nii.gz"


def folder_works(folder: Path, output: Path, channels: int) -> list[Assignment]:
    """The files of each image in a folder, and that of its result; a DICOM series is one image.

    Args:
        output: folder of the results, which need not be there yet.
        channels: of an image; where there are several, _0000, _0001, ... number them.

    Raises:
        InputError: there are no images, or a result would take the place of one, or of another result.
    """
    if output.is_file() or is_image(output):
        raise InputError(f"{output}: is a file, and the input a folder of images; give a folder for the results")
    if is_dicom_folder(folder):
        works: list[Assignment] = [((folder,), output / f"{folder.resolve().name}{RESULT_SUFFIX}")]
    else:
        cases = image_cases(folder, channels, without=output) if folder.is_dir() else []
        for name, reason in misnumbered(cases).items():
            raise InputError(f"{folder / name}: {reason}; add the missing channel, or number the files alike")
        works = [(case.images, output / f"{case.name}{RESULT_SUFFIX}") for case in cases]
    if not works:
        raise InputError(f"{folder}: holds no images; give a folder of images, or an image")
    refuse_overlap(works)
    if output.is_dir() and output.samefile(folder):
        reason = "holds the images, and its results would be taken for images the next time"
        raise InputError(f"{output}: {reason}; give another folder for the results")
    return works
