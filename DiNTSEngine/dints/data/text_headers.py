"""What the headers of NRRD and MetaImage files, which are text, leave out: where the image lies in the patient."""

from __future__ import annotations

import re
from pathlib import Path

from dints.data.formats import image_suffix
from dints.errors import InputError, brief
from dints.events import Remark

LONGEST_HEADER = 2**16  # bytes that are looked at; voxels follow in the same file
NRRD, META_IMAGE = (".nrrd", ".nhdr"), (".mha", ".mhd")
# NRRD's spaces that say which side is left: left-posterior-superior, RAS, left-anterior-superior-time, ...
PATIENT = re.compile(r"^space:\s*((left|right)-\S+|[rl][ap]s\S*)\s*$", re.IGNORECASE | re.MULTILINE)
DIRECTIONS = re.compile(r"^space directions:", re.IGNORECASE | re.MULTILINE)
UNITS = re.compile(r"^space units:(.*)$", re.IGNORECASE | re.MULTILINE)
MILLIMETRES = {"mm", "millimeter", "millimeters", "millimetre", "millimetres", "", "s", "ms"}  # the last two of time
MATRIX = re.compile(r"^\s*(TransformMatrix|Orientation|Rotation)\s*=", re.MULTILINE)
NRRD_END, META_IMAGE_END = re.compile(r"\r?\n\r?\n"), re.compile(r"^\s*ElementDataFile\s*=.*$", re.MULTILINE)


def remark_on_place(path: Path, remark: Remark) -> None:
    """Tells `remark` of a file that does not say which side is left; other formats are passed over.

    Raises:
        InputError: it has lengths in another unit than mm, which its reader would take for mm.
    """
    suffix = image_suffix(path)
    if suffix not in (*NRRD, *META_IMAGE):
        return
    with open(path, "rb") as file:
        text = file.read(LONGEST_HEADER).decode("latin-1")
    if suffix in META_IMAGE:
        is_placed = MATRIX.search(_until(META_IMAGE_END, text)) is not None
    else:
        header = _until(NRRD_END, text)
        _refuse_other_units(path, header)
        is_placed = PATIENT.search(header) is not None and DIRECTIONS.search(header) is not None
    if not is_placed:
        reason = "does not say where it lies in the patient, nor which side is left"
        remark(f"{path}: {reason}; its axes are taken to run to the left, to the back and upwards")


def _until(end: re.Pattern[str], text: str) -> str:
    match = end.search(text)
    return text[: match.start()] if match else text


def _refuse_other_units(path: Path, header: str) -> None:
    match = UNITS.search(header)
    for unit in re.findall(r'"([^"]*)"', match[1]) if match else ():
        if unit.strip().lower() not in MILLIMETRES:
            raise InputError(f"{path}: has lengths in {brief(unit)}, which would be taken for mm; save it in mm")
