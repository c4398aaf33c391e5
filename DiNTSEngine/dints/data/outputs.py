"""Results never take the place of what they were made from, nor of one another."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from dints.errors import InputError

Assignment = tuple[tuple[Path, ...], Path]  # files that are read, and the file that is written


def refuse_overlap(works: Sequence[Assignment], others: Iterable[Path] = ()) -> None:
    """InputError if a result would be written over something that is read, or over another result.

    Files are the same however they are spelled: through links of either kind, `..`, or another case of the letters
    where the file system takes them for one. Of a folder that is read (a DICOM series), every file counts.

    Args:
        others: what is read beside the inputs of the works, such as a model.
    """
    inputs = {file_identity(path): path for files, _ in works for one in files for path in _files(one)}
    inputs |= {file_identity(path): path for one in others for path in _files(one)}
    writers: dict[object, tuple[Path, ...]] = {}
    for files, output in works:
        identity = file_identity(output)
        if identity in inputs:
            raise InputError(
                f"{output}: would replace {inputs[identity]}, which is read; choose another name or folder"
            )
        if output.is_dir():
            raise InputError(f"{output}: is a folder, and a file is to be written there; choose another name")
        if identity in writers:
            first, second = (", ".join(map(str, one)) or "two files" for one in (writers[identity], files))
            raise InputError(f"{output}: would hold the results of both {first} and {second}; rename one of them")
        writers[identity] = files


def refuse_replacing(outputs: Iterable[Path | None], inputs: Iterable[Path]) -> None:
    """The same of files that are written, whatever they are made from; None is nothing that is written."""
    refuse_overlap([((), path) for path in outputs if path is not None], inputs)


def _files(path: Path) -> list[Path]:
    return [path, *(inner for inner in path.iterdir() if inner.is_file())] if path.is_dir() else [path]


def file_identity(path: Path) -> object:
    """Equal for equal files: device and number where there is one, else its folder's and its name there."""
    try:
        status = path.stat()
        return status.st_dev, status.st_ino
    except OSError:
        real = Path(os.path.realpath(path))
    except ValueError:  # a zero character, or half of one: no file has such a name
        return str(path)
    try:
        folder = real.parent.stat()
    except OSError:
        return os.path.normcase(real)
    return folder.st_dev, folder.st_ino, os.path.normcase(real.name)
