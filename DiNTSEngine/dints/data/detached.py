"""Headers whose voxels lie in other files: .nhdr and .mhd, which may name any file, also one that never ends."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from dints.data.formats import image_suffix, unreadable
from dints.errors import InputError, brief

LONGEST_HEADER = 2**20  # bytes; those of scanners and of 3D Slicer have some thousands
MOST_FILES = 100_000
NAMED_BY = {
    ".nhdr": re.compile(r"^data ?file:[ \t]*(.+?)\s*$", re.IGNORECASE | re.MULTILINE),
    ".mhd": re.compile(r"^\s*ElementDataFile\s*=\s*(.+?)\s*$", re.IGNORECASE | re.MULTILINE),
}
INSIDE = "local"  # in place of a name: the voxels follow the header
LIST = re.compile(r"LIST\b.*", re.IGNORECASE)  # the names follow, one a line
PATTERN = re.compile(r"(\S*?)%0?(\d?)d(\S*) (\d{1,9}) (\d{1,9})(?: (\d{1,9}))?(?: \d+)?")  # first, last, step


def voxel_files(path: Path) -> list[Path]:
    """The files that hold the voxels of a header: `path` itself if it holds them.

    Raises:
        InputError: one of them is not there, or is no file, such as a pipe.
    """
    named_by = NAMED_BY.get(image_suffix(path))
    if named_by is None:
        return [path]
    with open(path, "rb") as file:
        text = file.read(LONGEST_HEADER).decode("latin-1")
    match = named_by.search(text)
    if match is None:
        raise unreadable(path, "it does not say which file holds its voxels")
    if match[1].lower() == INSIDE:
        return [path]
    files = [path.parent / name for name in _names(path, match[1], text[match.end() :])]
    missing = next((file for file in files if not file.is_file()), None)
    if missing is not None:
        what = "is no file" if missing.exists() else "is not there"
        raise InputError(
            f"{path}: its voxels are in {missing.name}, which {what}; copy the header and its data together"
        )
    return files


def _names(path: Path, entry: str, rest: str) -> Iterator[str]:
    """The file names that an entry stands for: one, a list that follows, or a numbered pattern."""
    if LIST.fullmatch(entry):
        yield from (line.strip() for line in rest.splitlines() if line.strip())
    elif "%" in entry:
        match = PATTERN.fullmatch(entry)
        if match is None or int(match[5]) - int(match[4]) > MOST_FILES:
            raise InputError(f"{path}: names its voxels {brief(entry)}, which is not understood; save it as one file")
        start, width, end, first, last, step = match.groups()
        for number in range(int(first), int(last) + 1, max(1, int(step or 1))):
            yield f"{start}{number:0{int(width or 0)}d}{end}"
    else:
        yield entry
