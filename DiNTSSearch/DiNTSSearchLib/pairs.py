"""A data set from the scene: pairs of volume and segmentation, written as a plain data folder."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path

import numpy as np
import slicer
from slicer.i18n import tr as _

from dints.files.storage import write_json
from DiNTSLib.background import submit, writeParts
from DiNTSLib.events import EXIT_CANCELLED, EXIT_DONE, EXIT_FAILED, OnEvent, OnFinished
from DiNTSLib.images import Layer, writeLabels
from DiNTSLib.jobs import REASONS, reason
from DiNTSLib.processes import Poller, waitUntil
from DiNTSLib.scene import ijkToRas, segmentIds, segmentLayers, volumeParts

NodePair = tuple[slicer.vtkMRMLScalarVolumeNode, slicer.vtkMRMLSegmentationNode]

IMAGES, LABELS, NAMES = "images", "labels", "labels.json"  # as `dints.data.plain_folders` reads them


class PairsExport:
    """Writes pairs of volume and segmentation nodes as a data set. Segments of the same name are the same label.

    A case has the name of its volume. Voxels are shared with the nodes; a thread puts them together and writes them.

    Raises:
        ValueError: there are no pairs, no segments or two of one name, or the folder holds something already.
    """

    def __init__(self, pairs: Sequence[NodePair], folder: str | Path) -> None:
        self.folder = Path(folder)
        if not pairs:
            raise ValueError(_("There are no pairs to export; add a volume and its segmentation first."))
        if self.folder.is_dir() and any(self.folder.iterdir()):
            raise ValueError(_("{folder} is not empty; choose a new folder for the data set").format(folder=folder))
        self.labels = {0: "background", **dict(enumerate(_segmentNames(pairs), start=1))}
        if len(self.labels) == 1:
            raise ValueError(_("The segmentations have no segments; add one for each structure."))
        ids = [(volume.GetID(), segmentation.GetID()) for volume, segmentation in pairs]
        self.cases = dict(zip(caseNames(pairs), ids, strict=True))

    def write(self) -> Iterator[Future[None]]:
        """Begins with a case at each step, in the main thread; the next step may follow when its files are written.

        Raises:
            ValueError: a node was deleted, or its voxels cannot be exported.
        """
        for part in (IMAGES, LABELS):
            (self.folder / part).mkdir(parents=True, exist_ok=True)
        for name, ids in self.cases.items():
            yield self._begin(name, *(slicer.mrmlScene.GetNodeByID(identifier) for identifier in ids))
        write_json(self.folder / NAMES, {str(value): name for value, name in self.labels.items()})

    def remove(self) -> None:
        """Deletes what was written: part of a data set is none."""
        for part in (IMAGES, LABELS):
            shutil.rmtree(self.folder / part, ignore_errors=True)

    def _begin(
        self,
        name: str,
        volume: slicer.vtkMRMLScalarVolumeNode | None,
        segmentation: slicer.vtkMRMLSegmentationNode | None,
    ) -> Future[None]:
        if volume is None or segmentation is None:
            raise ValueError(_("A volume or segmentation was deleted meanwhile; nothing was written."))
        own = segmentIds(segmentation)
        labels = {value: own[label] for value, label in self.labels.items() if label in own}
        layers, shape = segmentLayers(segmentation, volume, labels), slicer.util.arrayFromVolume(volume).shape
        paths = [self.folder / part / f"{name}.nrrd" for part in (IMAGES, LABELS)]
        return submit(_writeCase, paths, volumeParts(volume), layers, shape, ijkToRas(volume), self.labels)


class PairsProcess:
    """Runs an export as `DiNTSSearchLib.pipeline.Pipeline` runs a command of the engine.

    Args:
        export: what to write.
        onEvent: called with an event of progress for each case, and with the result.
        onFinished: called once with the exit code and a sentence on what went wrong, "" if nothing did.
    """

    def __init__(self, export: PairsExport, onEvent: OnEvent, onFinished: OnFinished) -> None:
        self._export, self._onEvent, self._onFinished = export, onEvent, onFinished
        self._steps, self._done = export.write(), 0
        self._step: Future[None] | None = None  # the case that is being written
        self._isCancelled = False
        self.isRunning = False
        self._poller = Poller(self._poll)

    def start(self) -> None:
        self.isRunning = True
        self._poller.start()

    def cancel(self) -> None:
        """Ends after the case that is being written."""
        self._isCancelled = True

    stop = cancel  # part of a data set is none: there is nothing to keep

    def waitForFinished(self, timeoutSeconds: float | None = None) -> bool:
        """Blocks, but lets the application process events; False if it takes longer."""
        return waitUntil(lambda: not self.isRunning, self._poll, timeoutSeconds)

    def _poll(self) -> None:
        if not self.isRunning or (self._step is not None and not self._step.done()):
            return
        try:
            self._tell()
            if self._isCancelled:
                self._finish(EXIT_CANCELLED, _("Cancelled."))
            else:
                self._step = next(self._steps)
        except StopIteration:
            values = {"path": str(self._export.folder), "labels": self._export.labels}
            self._onEvent({"event": "result", "name": "data", "values": values})
            self._finish(EXIT_DONE, "")
        except REASONS as error:
            self._finish(EXIT_FAILED, reason(error))

    def _tell(self) -> None:
        """Of the case that was written; raises what went wrong with it."""
        if self._step is not None:
            self._step.result()
            self._done += 1
            total = len(self._export.cases)
            self._onEvent({"event": "progress", "stage": _("cases written"), "step": self._done, "total": total})

    def _finish(self, exitCode: int, sentence: str) -> None:
        self._poller.stop()
        self.isRunning = False
        if exitCode:
            self._export.remove()
        self._onFinished(exitCode, sentence)


def caseNames(pairs: Sequence[NodePair]) -> list[str]:
    """File names of the cases: of their volumes, without what file systems refuse, each once."""
    names: list[str] = []
    for volume, _segmentation in pairs:
        name = re.sub(r"[^\w.-]+", "_", volume.GetName()).strip("._") or "case"
        number, unique = 2, name
        while unique in names:
            number, unique = number + 1, f"{name}-{number}"
        names.append(unique)
    return names


def _segmentNames(pairs: Sequence[NodePair]) -> list[str]:
    """Of all segmentations, in the order of their first appearance."""
    return list(dict.fromkeys(name for _volume, segmentation in pairs for name in segmentIds(segmentation)))


def _writeCase(
    paths: Sequence[Path],
    volume: tuple[bytes, memoryview],
    layers: Sequence[Layer],
    shape: Sequence[int],
    toRas: np.ndarray,
    names: Mapping[int, str],
) -> None:
    """In a thread; ValueError if labels would be lost, see `DiNTSLib.images.composeAll`."""
    writeParts(paths[0], volume)
    try:
        writeLabels(paths[1], layers, shape, toRas, names)
    except ValueError as error:
        raise ValueError(_("{case}: {reason}").format(case=paths[0].stem, reason=error)) from error
