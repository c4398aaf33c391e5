"""A data set as it travels: voxels, geometry and labels under numbers, without names and headers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dints.data.cases import Case
from dints.data.datalist import DataList
from dints.data.images import read_channels, write_image
from dints.data.segments import read_named_label
from dints.errors import InputError
from dints.events import Reporter

SUFFIX = ".mha"  # keeps every digit of the geometry
UNNAMED = "data set"


@dataclass(frozen=True)
class Parcel:
    """The labelled cases of a data set, numbered in the order of their names."""

    datalist: DataList

    @property
    def numbers(self) -> dict[str, str]:
        """Of each case, by its name: what it is called there."""
        return {case.name: f"case-{number:05}" for number, case in enumerate(self.datalist.cases)}

    def description(self, channels: int) -> dict[str, Any]:
        """The `dataset.json` that describes it there."""
        data, numbers = self.datalist, self.numbers
        folds = {name: number for number, fold in enumerate(data.folds) for name in fold}
        places = {name: place for place, name in enumerate(data.dealt)}
        lists: dict[str, list[Any]] = {"training": [], "validation": []}
        for case in data.cases:
            number = numbers[case.name]
            entry: dict[str, Any] = {"image": _images(number, channels), "label": f"labels/{number}{SUFFIX}"}
            if case.name in folds:
                entry["fold"] = folds[case.name]
            elif case.name in places:
                entry["dealt"] = places[case.name]
            lists["validation" if case.name in data.held_out else "training"].append(entry)
        names = {str(number): name for number, name in enumerate(data.channels)}
        labels = {str(value): name for value, name in data.values.items()}
        # The folder's name may be that of a patient.
        return {"name": data.name if data.named else UNNAMED, "channel_names": names, "labels": labels, **lists}

    def files(self, folder: Path, reporter: Reporter) -> Iterator[list[tuple[str, Path]]]:
        """Of each case: where its files belong in the data set there, and where they lie in `folder` until the next.

        InputError if one cannot be read.
        """
        for case in self.datalist.cases:
            written = list(self._written(case, folder, reporter))
            yield written
            for _, path in written:
                path.unlink()

    def _written(self, case: Case, folder: Path, reporter: Reporter) -> Iterator[tuple[str, Path]]:
        try:
            channels = read_channels(case.images, reporter.warning)
            assert case.label is not None
            label = read_named_label(case.label, self.datalist.values, channels[0], reporter.warning)
        except InputError as error:
            raise InputError(f"{error}; `dints check {self.datalist.folder}` lists all that is wrong") from error
        number = self.numbers[case.name]
        targets = [*_images(number, len(channels)), f"labels/{number}{SUFFIX}"]
        for image, target in zip([*channels, label], targets, strict=True):
            for key in image.GetMetaDataKeys():
                image.EraseMetaData(key)
            path = folder / target.replace("/", "-")
            write_image(image, path)
            yield target, path


def _images(number: str, channels: int) -> list[str]:
    return [f"images/{number}_{channel:04}{SUFFIX}" for channel in range(channels)]
