"""A data set from the scene: pairs of volume and segmentation, written as a plain data folder."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

IMAGES, LABELS, NAMES = "images", "labels", "labels.json"  # as `dints.data.plain_folders` reads them


def exportPairs(
    pairs: Sequence[tuple[Any, Any]], folder: str | Path, onProgress: Callable[[int, int], None] = lambda *_: None
) -> dict[int, str]:
    """Writes pairs of volume and segmentation nodes as a data set; returns its labels, {value: name}.

    Segments of the same name are the same label. A case has the name of its volume.

    Raises:
        ValueError: there are no pairs, no segments, or the folder holds something already.
    """
    from dints.storage import write_json
    from DiNTSLib.scene import exportSegmentation, exportVolume

    folder = Path(folder)
    if not pairs:
        raise ValueError(_("There are no pairs to export; add a volume and its segmentation first."))
    if folder.is_dir() and any(folder.iterdir()):
        raise ValueError(_("{folder} is not empty; choose a new folder for the data set").format(folder=folder))
    labels = {0: "background", **dict(enumerate(_segmentNames(pairs), start=1))}
    if len(labels) == 1:
        raise ValueError(_("The segmentations have no segments; add one for each structure."))
    for part in (IMAGES, LABELS):
        (folder / part).mkdir(parents=True, exist_ok=True)
    for number, (name, (volume, segmentation)) in enumerate(zip(caseNames(pairs), pairs, strict=True), start=1):
        own = _names(segmentation)
        exportVolume(volume, folder / IMAGES / f"{name}.nrrd")
        values = {value: label for value, label in labels.items() if label in own}
        exportSegmentation(segmentation, volume, folder / LABELS / f"{name}.nrrd", values)
        onProgress(number, len(pairs))
    write_json(folder / NAMES, {str(value): name for value, name in labels.items()})
    return labels


def caseNames(pairs: Sequence[tuple[Any, Any]]) -> list[str]:
    """File names of the cases: of their volumes, without what file systems refuse, each once."""
    names: list[str] = []
    for volume, _segmentation in pairs:
        name = re.sub(r"[^\w.-]+", "_", volume.GetName()).strip("._") or "case"
        number, unique = 2, name
        while unique in names:
            number, unique = number + 1, f"{name}-{number}"
        names.append(unique)
    return names


def _segmentNames(pairs: Sequence[tuple[Any, Any]]) -> list[str]:
    """Of all segmentations, in the order of their first appearance."""
    return list(dict.fromkeys(name for _volume, segmentation in pairs for name in _names(segmentation)))


def _names(segmentation: Any) -> list[str]:
    segments = segmentation.GetSegmentation()
    return [segments.GetNthSegment(index).GetName() for index in range(segments.GetNumberOfSegments())]
