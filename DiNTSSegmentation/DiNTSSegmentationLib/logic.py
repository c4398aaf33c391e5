"""Segmenting without a panel: from scripts, from other modules, and for the panel itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleLogic

from dints.data.batch import folder_works
from dints.data.formats import image_name
from dints.errors import InputError
from DiNTSLib.events import Event
from DiNTSLib.terminology import segmentStyles
from DiNTSLib.worker import EngineWorker, sharedWorker
from DiNTSSegmentationLib.cases import FileCase, Settings
from DiNTSSegmentationLib.edits import holdsWork
from DiNTSSegmentationLib.models import ModelEntry, findModel
from DiNTSSegmentationLib.node_cases import BatchCase, NodeCase, Target
from DiNTSSegmentationLib.parameters import Quality, SegmentationParameters
from DiNTSSegmentationLib.region import rasGrid, sameGrid, voxelBox
from DiNTSSegmentationLib.runs import RunQueue, SegmentationRun
from DiNTSSegmentationLib.sequences import frameCases

Callback = Callable[[SegmentationRun], None]


class DiNTSSegmentationLogic(ScriptedLoadableModuleLogic):
    """Segments volumes with installed models, in the engine's worker. Never asks anything and opens no window.

    Args:
        worker: in place of the application's shared one, see `DiNTSLib.worker.EngineWorker`.
    """

    def __init__(self, worker: EngineWorker | None = None) -> None:
        super().__init__()
        self.moduleName = "DiNTSSegmentation"  # also where a subclass or a script makes one
        self._worker = worker
        self._queue: RunQueue | None = None

    @property
    def worker(self) -> EngineWorker:
        if self._worker is None:
            self._worker = sharedWorker()
        return self._worker

    @property
    def queue(self) -> RunQueue:
        """The runs that were started with this logic."""
        if self._queue is None:
            self._queue = RunQueue(self.worker)
        return self._queue

    def getParameterNode(self) -> SegmentationParameters:
        return SegmentationParameters(super().getParameterNode())

    def segment(
        self,
        volume: slicer.vtkMRMLScalarVolumeNode | Sequence[slicer.vtkMRMLScalarVolumeNode],
        segmentation: slicer.vtkMRMLSegmentationNode | None = None,
        *,
        model: str | Path,
        region: slicer.vtkMRMLMarkupsROINode | None = None,
        allFrames: bool = False,
        quality: Quality = Quality.STANDARD,
        device: str = "auto",
        options: Mapping[str, Any] | None = None,
        disagreement: bool = False,
        statistics: bool = False,
        overwrite: bool = False,
        onProgress: Callback | None = None,
        onFinished: Callback | None = None,
    ) -> SegmentationRun:
        """Segments a volume.

        Args:
            volume: a scalar volume node, or a sequence of them, one a channel in the model's order.
            segmentation: node to put the result into; a new one by default.
            model: path of a model, its file's name in the models folder, or the name it was given.
            region: markups ROI node outside of which nothing is computed.
            allFrames: segment every frame of the sequence that the volume shows.
            device: "auto", "cuda", "cuda:1", "cpu", or "@NAME" for another computer, one of `dints hosts`.
            options: of `dints.inference.predictor.Predictor.predict`, in place of those of the quality.
            disagreement, statistics: also make an uncertainty map and a table.
            overwrite: replace a segmentation that was edited by hand.
            onProgress, onFinished: called in the main thread; with `onFinished` the method returns at once.

        Returns:
            The run; its `results` are the IDs of the nodes.

        Raises:
            InputError: something does not fit, said in a sentence with the remedy.
            RunError: the work failed (only without `onFinished`).
        """
        volumes = [volume] if isinstance(volume, slicer.vtkMRMLNode) else list(volume)
        entry = findModel(str(model))
        self.check(volumes, entry, segmentation, region, overwrite)
        settings = self.settings(entry, quality, device, options, disagreement, statistics)
        name, regionId = volumes[0].GetName(), region.GetID() if region else ""
        target = Target(segmentation, _resultName(volumes[0]))
        cases: Sequence[NodeCase]
        if allFrames:
            cases = frameCases(volumes, regionId, target)
        else:
            cases = [NodeCase(name, [node.GetID() for node in volumes], regionId, target)]
        return self._run(SegmentationRun(name, cases, settings, onProgress, onFinished))

    def segmentVolumes(
        self,
        volumes: Sequence[slicer.vtkMRMLScalarVolumeNode],
        *,
        model: str | Path,
        quality: Quality = Quality.STANDARD,
        device: str = "auto",
        options: Mapping[str, Any] | None = None,
        statistics: bool = False,
        onProgress: Callback | None = None,
        onFinished: Callback | None = None,
    ) -> SegmentationRun:
        """Segments volumes one after the other, each into a new node; otherwise as `segment`.

        A volume that the model has a segmentation of in the scene is left alone: a batch goes on where it was stopped.
        """
        entry = findModel(str(model))
        _checkOneChannel(entry)
        if not volumes:
            raise InputError(_("The scene has no volume; load one."))
        settings = self.settings(entry, quality, device, options, False, statistics)
        cases = [BatchCase(node.GetName(), [node.GetID()], "", Target(None, _resultName(node))) for node in volumes]
        return self._run(SegmentationRun(_("All volumes"), cases, settings, onProgress, onFinished))

    def segmentFolder(
        self,
        inputFolder: str | Path,
        outputFolder: str | Path,
        *,
        model: str | Path,
        quality: Quality = Quality.STANDARD,
        device: str = "auto",
        options: Mapping[str, Any] | None = None,
        onProgress: Callback | None = None,
        onFinished: Callback | None = None,
    ) -> SegmentationRun:
        """Segments every image of a folder into a file of the same name; what is there already is left alone."""
        entry = findModel(str(model))
        source, target = Path(inputFolder), Path(outputFolder)
        works = folder_works(source, target, len(entry.channels))
        settings = self.settings(entry, quality, device, options, False, False)
        cases = [FileCase(image_name(result), images, result) for images, result in works]
        return self._run(SegmentationRun(source.name, cases, settings, onProgress, onFinished))

    def check(
        self,
        volumes: Sequence[slicer.vtkMRMLScalarVolumeNode | None],
        model: ModelEntry,
        segmentation: slicer.vtkMRMLSegmentationNode | None,
        region: slicer.vtkMRMLMarkupsROINode | None,
        overwrite: bool = False,
    ) -> None:
        """Raises InputError with the first reason why this cannot be segmented."""
        if model.problem:
            raise InputError(_("The model's file is damaged; choose or import another one."))
        for number, channel in enumerate(model.channels):
            volume = volumes[number] if number < len(volumes) else None
            if volume is None:
                raise InputError(_("Choose a volume for “{channel}”.").format(channel=channel))
            if volume.GetImageData() is None:
                raise InputError(_("“{volume}” has no voxels; load it again.").format(volume=volume.GetName()))
        if len(volumes) > len(model.channels):
            raise InputError(_("{count} volumes are too many for the model.").format(count=len(volumes)))
        if not sameGrid(volumes):
            raise InputError(_("The volumes differ in size or place; resample them to the first one."))
        if region is not None:
            voxelBox(region, volumes[0])
        if segmentation is not None and not overwrite and holdsWork(segmentation):
            raise InputError(
                _("“{segmentation}” was edited by hand; use a new segmentation or say that it may be replaced.").format(
                    segmentation=segmentation.GetName()
                )
            )

    def settings(
        self,
        model: ModelEntry,
        quality: Quality,
        device: str,
        options: Mapping[str, Any] | None,
        disagreement: bool,
        statistics: bool,
    ) -> Settings:
        """What a run asks of the engine. Only several networks can disagree."""
        merged = {**quality.options(), **(options or {})}
        networks = len(merged.get("folds") or range(model.folds))
        styles = segmentStyles(dict(model.labels), model.styles)
        return Settings(model.path, styles, device, merged, disagreement and networks > 1, statistics)

    def estimate(
        self,
        volume: slicer.vtkMRMLScalarVolumeNode,
        model: ModelEntry,
        settings: Settings,
        onResult: Callable[[dict[str, Any]], None],
        region: slicer.vtkMRMLMarkupsROINode | None = None,
        frames: int = 1,
    ) -> int:
        """Asks the worker for windows, memory (bytes) and, once it knows, seconds; returns its number.

        `onResult` gets the values in the main thread, or nothing if there is no answer. They are those of the whole
        volume, which a `region` takes at most, and of all `frames`.
        """
        size, spacing = rasGrid(volume)
        job: dict[str, Any] = {"command": "estimate", "model": model.path, "size": size, "spacing": spacing}
        job |= {"device": settings.device, "options": settings.options}

        def take(event: Event) -> None:
            if event["event"] == "result":
                values = event["values"]
                values["windows"] *= frames
                values["seconds"] = values["seconds"] and frames * values["seconds"]
                values["at_most"] = values["at_most"] or region is not None
                onResult(values)

        return self.worker.submit(job, take, lambda code, text: None)

    def _run(self, run: SegmentationRun) -> SegmentationRun:
        self.queue.add(run)
        if run.onFinished is None:
            run.wait()
        return run


def _resultName(volume: slicer.vtkMRMLScalarVolumeNode) -> str:
    return _("{volume} segmentation").format(volume=volume.GetName())


def _checkOneChannel(model: ModelEntry) -> None:
    if len(model.channels) != 1:
        raise InputError(
            _(
                "“{model}” takes {count} volumes at a time, which a batch of the scene cannot match; use a folder."
            ).format(model=model.title, count=len(model.channels))
        )
