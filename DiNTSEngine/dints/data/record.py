"""Which cases a run has: their folds, files and checksums, kept in the run from its first day to its last.

Folds that were drawn anew from what lies in a folder today would validate networks on cases that they learned from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dints.data.cases import Case
from dints.data.datalist import DataList
from dints.errors import InputError, brief
from dints.files.storage import checksum

FORMAT = 1
NAMED_CASES = 5  # of those that changed, in a message

Splits = tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]  # (training names, validation names) of each fold


@dataclass(frozen=True)
class FileRecord:
    """One file of a case: where it lies below the data set's folder, and what it held."""

    path: str
    size: int
    modified: int  # ns; where size and time are the same the content is not read again
    sha256: str


@dataclass(frozen=True)
class DataRecord:
    """The cases of a run, by name, and the names that each fold is validated on."""

    files: Mapping[str, tuple[FileRecord, ...]]
    folds: tuple[tuple[str, ...], ...]

    @property
    def splits(self) -> Splits:
        """Of the cases that are in a fold; others are held out."""
        every = {name for fold in self.folds for name in fold}
        return tuple((tuple(sorted(every - set(fold))), tuple(sorted(fold))) for fold in self.folds)

    def to_mapping(self) -> dict[str, Any]:
        """Plain values for JSON."""
        files = {name: [vars(file) for file in own] for name, own in sorted(self.files.items())}
        return {"format": FORMAT, "folds": [list(fold) for fold in self.folds], "cases": files}

    @staticmethod
    def from_mapping(values: Any, source: str) -> DataRecord:
        """InputError if the values are something else."""
        try:
            if values["format"] != FORMAT:
                raise ValueError(f"format {brief(values['format'])}")
            files = {str(name): tuple(FileRecord(**file) for file in own) for name, own in values["cases"].items()}
            folds = tuple(tuple(str(name) for name in fold) for fold in values["folds"])
            if unknown := {name for fold in folds for name in fold} - files.keys():
                raise ValueError(f"{brief(min(unknown))} is in a fold and no case")
            return DataRecord(files, folds)
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise InputError(f"{source}: is damaged ({brief(error)}); restore it or start a new run") from error


@dataclass(frozen=True)
class Changes:
    """Names of cases that came, went, or hold something else than when the run began."""

    added: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.missing or self.changed)

    def __str__(self) -> str:
        kinds = (("new", self.added), ("missing", self.missing), ("changed", self.changed))
        return "; ".join(f"{len(names)} {kind}: {_some(names)}" for kind, names in kinds if names)


def record_of(datalist: DataList, splits: Splits) -> DataRecord:
    """Reads every file of the labelled cases once."""
    files = {case.name: files_of(case, datalist.folder) for case in datalist.cases}
    return DataRecord(files, tuple(validation for _, validation in splits))


def files_of(case: Case, folder: Path) -> tuple[FileRecord, ...]:
    """Reads every file of a case of the data set in `folder` once."""
    return tuple(_file_record(folder, path) for path in _paths(case))


def changes(record: DataRecord, datalist: DataList) -> Changes:
    """What is another data set than the recorded one. Files are read only where their size or time is another."""
    present = {case.name: case for case in datalist.cases}
    common = record.files.keys() & present.keys()
    return Changes(
        tuple(sorted(present.keys() - record.files.keys())),
        tuple(sorted(record.files.keys() - present.keys())),
        tuple(sorted(name for name in common if _is_changed(record.files[name], datalist.folder, present[name]))),
    )


def _is_changed(recorded: Sequence[FileRecord], folder: Path, case: Case) -> bool:
    """Whether files hold something else; other names alone, as after a move, change nothing."""
    paths = _paths(case)
    if len(paths) != len(recorded):
        return True
    for file, path in zip(recorded, paths, strict=True):
        status = path.stat()
        found = _relative(folder, path), status.st_size, status.st_mtime_ns
        if found != (file.path, file.size, file.modified) and (
            status.st_size != file.size or checksum(path) != file.sha256
        ):
            return True
    return False


def _paths(case: Case) -> list[Path]:
    """Every file of a case; of a folder, each that it holds."""
    given = [*case.images, *([case.label] if case.label else [])]
    return [path for one in given for path in (sorted(_files_in(one)) if one.is_dir() else [one])]


def _files_in(folder: Path) -> Iterable[Path]:
    return (path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))


def _file_record(folder: Path, path: Path) -> FileRecord:
    status = path.stat()
    return FileRecord(_relative(folder, path), status.st_size, status.st_mtime_ns, checksum(path))


def _relative(folder: Path, path: Path) -> str:
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.as_posix()


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:NAMED_CASES])
    return f"{shown}, ..." if len(names) > NAMED_CASES else shown
