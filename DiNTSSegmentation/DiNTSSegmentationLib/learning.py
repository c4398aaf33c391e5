"""Corrections kept as a data set, and models that learn from them: without a panel, and for the panel itself.

The commands are the engine's, see docs/correct-and-learn.md.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import slicer
from slicer.i18n import tr as _

from dints.data.segments import folded
from dints.errors import InputError
from dints.files.storage import read_json
from DiNTSLib.background import submit, writeParts
from DiNTSLib.images import Layer, composeAll
from DiNTSLib.jobs import REASONS, reason
from DiNTSLib.nrrd import nrrdParts
from DiNTSLib.scene import ijkToRas, importSegmentation, importVolume, segmentIds, segmentLayers, volumeParts
from DiNTSLib.temporary import TemporaryFolder
from DiNTSLib.terminology import segmentStyles
from DiNTSSegmentationLib.background_command import BackgroundCommand, CommandCallback
from DiNTSSegmentationLib.models import ModelEntry, nextVersionFile
from DiNTSSegmentationLib.region import sameGrid

INDEX = "dataset.json"  # of a data set of corrections
RESULT = "improvement.json"  # of an improvement's run
VERSIONS = "versions"  # folder in it: the work of improvements and the models that they made
PROPOSAL_ATTRIBUTE, SCAN_ROLE = "DiNTS.Proposal", "DiNTS.Scan"  # of the segmentation of a ranked scan


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
    if any(volume is not None and volume.GetImageData() is None for volume in volumes):
        raise InputError(_("A volume has no voxels; load it again."))
    if not sameGrid(volumes):
        raise InputError(_("The volumes differ in size or place; resample them to the first one."))
    if segmentation is None or segmentation.GetSegmentation().GetNumberOfSegments() == 0:
        raise InputError(_("Choose the segmentation that was corrected."))
    _checkSegmentation(segmentation, volumes)
    if not folder:
        raise InputError(_("Choose a folder for the data set."))


def _checkSegmentation(
    segmentation: slicer.vtkMRMLSegmentationNode, volumes: Sequence[slicer.vtkMRMLScalarVolumeNode]
) -> None:
    """Raises InputError where it is of another volume, or its segments cannot be told apart by their names."""
    source = segmentation.GetNodeReference(segmentation.GetReferenceImageGeometryReferenceRole())
    if source is not None and source not in volumes:
        text = _(
            "“{segmentation}” is of another volume, “{volume}”: choose that one, or copy the segments to a new "
            "segmentation in the module Segmentations."
        )
        raise InputError(text.format(segmentation=segmentation.GetName(), volume=source.GetName()))
    try:
        segmentIds(segmentation)
    except ValueError as error:
        raise InputError(str(error)) from error


def addCorrection(
    volumes: Sequence[slicer.vtkMRMLScalarVolumeNode],
    segmentation: slicer.vtkMRMLSegmentationNode,
    model: ModelEntry,
    folder: str | Path,
    *,
    onFinished: CommandCallback | None = None,
) -> BackgroundCommand:
    """Adds volumes, one a channel, and their corrected segmentation to a data set.

    Segments are labels by their names: those that the model knows have its values, others become new labels if they
    hold something. Files are numbered; nothing of the nodes but voxels, grid and segment names is kept. Blocks unless
    `onFinished` is given.

    Raises:
        InputError: the correction cannot be added.
        RunError: adding failed; only without `onFinished`.
    """
    checkCorrection(volumes, segmentation, model, str(folder))
    ids = segmentIds(segmentation)
    values = labelValues(ids, model)
    try:
        labelled = {value: ids[name] for value, name in values.items()}
        layers, parts = segmentLayers(segmentation, volumes[0], labelled), [volumeParts(volume) for volume in volumes]
        temporary = TemporaryFolder()
    except REASONS as error:
        raise InputError(reason(error)) from error
    images = [Path(temporary.name, f"{channel:04}.nrrd") for channel in range(len(volumes))]
    labels = Path(temporary.name, "labels.seg.nrrd")
    known, shape = {value for value, _name in model.labels}, slicer.util.arrayFromVolume(volumes[0]).shape
    writing = [submit(writeParts, path, part) for path, part in zip(images, parts, strict=True)]
    writing.append(submit(_writeCorrection, labels, layers, shape, ijkToRas(volumes[0]), values, known))
    arguments = ["add", "--to", str(folder), "--image", *map(str, images), "--labels", str(labels)]
    arguments += ["--model", model.path]
    user = slicer.app.applicationLogic().GetUserInformation().GetName()
    arguments += ["--by", user] if user else []
    return _begin(BackgroundCommand(_("Adding a case"), arguments, None, onFinished, writing, temporary), onFinished)


def _writeCorrection(
    path: Path,
    layers: Sequence[Layer],
    shape: Sequence[int],
    toRas: np.ndarray,
    names: Mapping[int, str],
    known: Set[int],
) -> None:
    """In a thread; with the names of segments that the model knows or that hold something.

    Raises:
        ValueError: as `composeAll`.
    """
    voxels = composeAll(layers, shape, toRas, names)
    present = known | set(np.unique(voxels).tolist())
    writeParts(path, nrrdParts(voxels, toRas, {value: name for value, name in names.items() if value in present}))


def improveModel(
    model: ModelEntry,
    folder: str | Path,
    *,
    device: str = "auto",
    onProgress: CommandCallback | None = None,
    onFinished: CommandCallback | None = None,
) -> BackgroundCommand:
    """Fine-tunes a model on a data set of corrections and compares both; goes on where it was stopped.

    What was begun before the data set changed, or was moved, is not gone on with: its networks have not seen all cases.
    The task's result "improvement" has the verdict and the new model's "path", None if it is worse.
    """
    path = nextVersionFile(model, Path(folder) / VERSIONS)
    arguments = ["improve", "--model", model.path, "--data", str(folder), "--out", str(path)]
    arguments += ["--run", f"{path.with_suffix('')}-{_state(model, Path(folder))}", "--device", device]
    title = _("Improving {model}").format(model=model.title)
    return _begin(BackgroundCommand(title, arguments, onProgress, onFinished), onFinished)


def finishedImprovement(model: ModelEntry, folder: str | Path) -> dict[str, Any] | None:
    """The result of an improvement of this model on these cases whose new version is still in the folder; None where
    there is none. The application may have ended before it was put to use."""
    for file in sorted((Path(folder) / VERSIONS).glob(f"*-{_state(model, Path(folder))}/{RESULT}")):
        try:
            values = read_json(file)
        except InputError:
            continue  # a damaged one is made anew
        isWhole = isinstance(values, dict) and {"path", "sentence", "forgetting"} <= values.keys()
        if isWhole and values["path"] and Path(values["path"]).exists():
            return dict(values)
    return None


def _state(model: ModelEntry, folder: Path) -> str:
    """Of what an improvement starts from; each has a run of its own."""
    index = folder / INDEX
    content = index.read_bytes() if index.is_file() else b""
    start = f"{model.family} {model.version} {folder.resolve()}".encode(errors="replace")
    return f"{zlib.crc32(start + content):08x}"


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

    What is in the scene already comes as it is: it may have been corrected.

    Args:
        row: of the result "ranking".

    Raises:
        ValueError: a file cannot be read.
    """
    opened = _opened(row)
    if opened is not None:
        return opened
    volumes: list[slicer.vtkMRMLScalarVolumeNode] = []
    name = _("{volume} segmentation").format(volume=row["case"])
    segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
    try:
        for path in row["images"]:
            volumes.append(importVolume(path, row["case"]))
        importSegmentation(row["proposal"], segmentation, segmentStyles(dict(model.labels), model.styles), volumes[0])
    except ValueError:
        for node in (segmentation, *volumes):
            slicer.mrmlScene.RemoveNode(node)
        raise
    segmentation.SetAttribute(PROPOSAL_ATTRIBUTE, _proposal(row))
    for volume in volumes:
        segmentation.AddNodeReferenceID(SCAN_ROLE, volume.GetID())
    return volumes, segmentation


def _opened(
    row: Mapping[str, Any],
) -> tuple[list[slicer.vtkMRMLScalarVolumeNode], slicer.vtkMRMLSegmentationNode] | None:
    for segmentation in slicer.util.getNodesByClass("vtkMRMLSegmentationNode"):
        if segmentation.GetAttribute(PROPOSAL_ATTRIBUTE) == _proposal(row):
            volumes = [segmentation.GetNthNodeReference(SCAN_ROLE, number) for number in range(len(row["images"]))]
            if None not in volumes:  # else one was deleted, and the scan may have been loaded again since
                return volumes, segmentation
    return None


def _proposal(row: Mapping[str, Any]) -> str:
    """Its file, as it is now: another model writes its own there."""
    file = Path(row["proposal"])
    return f"{file} {file.stat().st_mtime_ns if file.is_file() else 0}"


def labelValues(names: Iterable[str], model: ModelEntry) -> dict[int, str]:
    """{value: name} of segments: the model's values, and the next free ones for names that it does not know."""
    known = {folded(name): value for value, name in model.labels}
    following = max(known.values(), default=0) + 1
    new = {name: following + number for number, name in enumerate(name for name in names if folded(name) not in known)}
    return {new[name] if name in new else known[folded(name)]: name for name in names}


def _begin(task: BackgroundCommand, onFinished: CommandCallback | None) -> BackgroundCommand:
    task.start()
    if onFinished is None:
        task.wait()
    return task
