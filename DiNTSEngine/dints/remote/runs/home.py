"""Files of a run on another computer brought home, with the names of here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from dints.errors import InputError
from dints.files.storage import read_json, write_json
from dints.remote.runs.names import Names, below
from dints.remote.runs.parcel import Parcel
from dints.remote.runs.record import AwayRecord
from dints.run_layout import RunLayout

# Path there, path here, what mends it on the way; whether it was there.
Fetch = Callable[[str, Path, Callable[[Path], None]], bool]

LARGE = ".pt"  # checkpoints, which come when a stage has ended
NOT_WANTED = ("report.html", "remote.json")  # the first has names of there, the second is of here alone


def home_of(folder: Path, identity: str, parcel: Parcel) -> dict[str, str]:
    """The names of here by those of there. InputError if the run was begun here."""
    if RunLayout(folder).is_run:
        raise InputError(f"{folder}: was begun on this computer, and goes on here; use a new folder for one there")
    data = parcel.datalist.folder.resolve()
    names = {f"run-{identity}": str(folder.absolute()), f"data-{identity}": str(data)}
    for case in parcel.datalist.cases:
        number = parcel.numbers[case.name]
        names[number] = case.name
        for channel, path in enumerate(case.images):
            names[f"data-{identity}/images/{number}_{channel:04}.mha"] = str(path.absolute())
        names[f"data-{identity}/labels/{number}.mha"] = str(case.label and case.label.absolute())
    return names


def bring_home(
    layout: RunLayout,
    record: AwayRecord,
    names: Names,
    files: Mapping[str, Sequence[int]],
    everything: bool,
    fetch: Fetch,
) -> bool:
    """Fetches what changed there, or is no longer here; whether there was anything.

    run.json comes last: with it the folder counts as a run.

    Args:
        record: `fetched` of it is brought up to date.
        files: size and time of what is there.
        everything: checkpoints, too.
    """
    changed = False
    mend = {"run.json": partial(_own_run, record, names), "cases.json": partial(_own_cases, record, names)}
    for path in sorted(files, key=lambda path: (path == "run.json", path)):
        target = below(layout.folder, names.text(path))
        wanted = path not in NOT_WANTED and (everything or not path.endswith(LARGE))
        if not wanted or (record.fetched.get(path) == list(files[path]) and target.exists()):
            continue
        if fetch(path, target, mend.get(path, names.file)):
            record.fetched[path] = list(files[path])
            changed = True
    return changed


def _own_run(record: AwayRecord, names: Names, path: Path) -> None:
    write_json(path, names.value(read_json(path)) | {"data": record.data})


def _own_cases(record: AwayRecord, names: Names, path: Path) -> None:
    """The folds of there, with the files of here: those that were sent, whatever became of them meanwhile."""
    there = read_json(path)
    write_json(path, there | {"folds": names.value(there["folds"]), "cases": record.cases})
