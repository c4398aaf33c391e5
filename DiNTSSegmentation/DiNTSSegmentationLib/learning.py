"""Corrections kept as a data set, and models that learn from them: without a panel, and for the panel itself.

The commands are the engine's, see docs/correct-and-learn.md.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

from dints.errors import InputError
from DiNTSLib.background import submit, writeParts
from DiNTSLib.images import writeLabels
from DiNTSLib.jobs import REASONS, reason
from DiNTSLib.scene import ijkToRas, importSegmentation, importVolume, segmentLayers, volumeParts
from DiNTSLib.terminology import segmentStyles
from DiNTSSegmentationLib.background_command import BackgroundCommand, CommandCallback
from DiNTSSegmentationLib.models import ModelEntry, nextVersionFile
from DiNTSSegmentationLib.region import sameGrid

INDEX = "dataset.json"  # of a data set of corrections
VERSIONS = "versions"  # folder in it: the work of improvements and the models that they made


@dataclass(frozen=True)
class CorrectionCounts:
    """Cases of a data set of corrections."""

    training: int = 0
    heldOut: int = 0


def correctionCounts(folder: str | Path) -> CorrectionCounts:
    """Of a folder; none where it holds no data set.

    Raises:
        InputError: its index cannot be read.
    """
    index = Path(folder) / INDEX
    try:
        content = json.loads(index.read_bytes())
        return CorrectionCounts(len(content["training"]), len(content.get("validation", ())))
    except FileNotFoundError:
        return CorrectionCounts()
    except (OSError, ValueError, KeyError, TypeError) as error:
        text = _("{file} cannot be read: {reason}; choose another folder.")
        raise InputError(text.format(file=index, reason=error)) from error


def checkCorrection(
    volumes: Sequence[slicer.vtkMRMLScalarVolumeNode | None],
    segmentation: slicer.vtkMRMLSegmentationNode | None,
    model: ModelEntry | None,
    folder: str,
) -> None:
    """Raises InputError with the first reason why a correction cannot be added."""
    if model is None or model.problem:
        raise InputError(_("Choose a model that is not damaged."))
    if len(volumes) != len(model.channels) or any(volume is None for volume in volumes):
        raise InputError(_("Choose a volume for each of the model's channels."))
    if not sameGrid(volumes):
        raise InputError(_("The volumes differ in size or place; resample them to the first one."))
    if segmentation is None or segmentation.GetSegmentation().GetNumberOfSegments() == 0:
        raise InputError(_("Choose the segmentation that was corrected."))
    if not folder:
        raise InputError(_("Choose a folder for the data set."))


def addCorrection(
    volumes: Sequence[slicer.vtkMRMLScalarVolumeNode],
    segmentation: slicer.vtkMRMLSegmentationNode,
    model: ModelEntry,
    folder: str | Path,
    *,
    onFinished: CommandCallback | None = None,
) -> BackgroundCommand:
    """Adds volumes, one a channel, and their corrected segmentation to a data set.

    Segments are labels by their names: those that the model knows have its values, others become new labels. Files are
    numbered; nothing of the nodes but voxels, grid and segment names is kept. Blocks unless `onFinished` is given.

    Raises:
        InputError: the correction cannot be added.
        RunError: adding failed; only without `onFinished`.
    """
    checkCorrection(volumes, segmentation, model, str(folder))
    temporary = Path(tempfile.mkdtemp(prefix="correction-", dir=slicer.app.temporaryPath))

    def end(task: BackgroundCommand) -> None:
        submit(shutil.rmtree, temporary, True)
        if onFinished:
            onFinished(task)

    try:
        images = [temporary / f"{channel:04}.nrrd" for channel in range(len(volumes))]
        labels = temporary / "labels.seg.nrrd"
        names = labelValues(segmentation, model)
        layers, shape = segmentLayers(segmentation, volumes[0], names), slicer.util.arrayFromVolume(volumes[0]).shape
        parts = [volumeParts(volume) for volume in volumes]
    except REASONS as error:
        shutil.rmtree(temporary, ignore_errors=True)
        raise InputError(reason(error)) from error
    writing = [submit(writeParts, path, part) for path, part in zip(images, parts, strict=True)]
    writing.append(submit(writeLabels, labels, layers, shape, ijkToRas(volumes[0]), names))
    arguments = ["add", "--to", str(folder), "--image", *map(str, images), "--labels", str(labels)]
    arguments += ["--model", model.path]
    user = slicer.app.applicationLogic().GetUserInformation().GetName()
    arguments += ["--by", user] if user else []
    return _begin(BackgroundCommand(_("Adding a case"), arguments, None, end, writing), onFinished)


def improveModel(
    model: ModelEntry,
    folder: str | Path,
    *,
    device: str = "auto",
    onProgress: CommandCallback | None = None,
    onFinished: CommandCallback | None = None,
) -> BackgroundCommand:
    """Fine-tunes a model on a data set of corrections and compares both; goes on where it was stopped.

    The task's result "improvement" has the verdict and the new model's "path", None if it is worse.
    """
    path = nextVersionFile(model, Path(folder) / VERSIONS)
    arguments = ["improve", "--model", model.path, "--data", str(folder), "--out", str(path)]
    arguments += ["--run", str(path.with_suffix("")), "--device", device]
    title = _("Improving {model}").format(model=model.title)
    return _begin(BackgroundCommand(title, arguments, onProgress, onFinished), onFinished)


def installModel(path: str | Path, *, onFinished: CommandCallback | None = None) -> BackgroundCommand:
    """Copies a model to the models folder, beside its older versions: reading all of it takes a while and PyTorch."""
    title = _("Installing {file}").format(file=Path(path).name)
    return _begin(BackgroundCommand(title, ["models", "install", str(path)], None, onFinished), onFinished)


def rankScans(
    model: ModelEntry,
    scans: str | Path,
    *,
    device: str = "auto",
    onProgress: CommandCallback | None = None,
    onFinished: CommandCallback | None = None,
) -> BackgroundCommand:
    """Ranks the scans of a folder by what the model is unsure of; proposals are written beside the folder."""
    folder = Path(scans)
    output = folder.with_name(f"{folder.name} proposals")
    arguments = ["rank", "--model", model.path, "--input", str(folder), "--output", str(output), "--device", device]
    title = _("Ranking {folder}").format(folder=folder.name)
    return _begin(BackgroundCommand(title, arguments, onProgress, onFinished), onFinished)


def openProposal(
    row: Mapping[str, Any], model: ModelEntry
) -> tuple[list[slicer.vtkMRMLScalarVolumeNode], slicer.vtkMRMLSegmentationNode]:
    """Loads a ranked scan and its proposal: a volume a channel, and a segmentation.

    Args:
        row: of the result "ranking".

    Raises:
        ValueError: a file cannot be read.
    """
    volumes = [importVolume(path, row["case"]) for path in row["images"]]
    name = _("{volume} segmentation").format(volume=row["case"])
    segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
    try:
        importSegmentation(row["proposal"], segmentation, segmentStyles(dict(model.labels), model.styles), volumes[0])
    except ValueError:
        slicer.mrmlScene.RemoveNode(segmentation)
        raise
    return volumes, segmentation


def labelValues(segmentation: slicer.vtkMRMLSegmentationNode, model: ModelEntry) -> dict[int, str]:
    """{value: name} of all segments: the model's values, and the next free ones for names that it does not know."""
    known = {name: value for value, name in model.labels}
    segments = segmentation.GetSegmentation()
    names = dict.fromkeys(segments.GetNthSegment(number).GetName() for number in range(segments.GetNumberOfSegments()))
    following = max(known.values(), default=0) + 1
    new = {name: following + number for number, name in enumerate(name for name in names if name not in known)}
    return {(known | new)[name]: name for name in names}


def _begin(task: BackgroundCommand, onFinished: CommandCallback | None) -> BackgroundCommand:
    task.start()
    if onFinished is None:
        task.wait()
    return task
