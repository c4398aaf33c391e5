"""A case of the cross-validation in the scene: image, reference and prediction."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

from DiNTSSearchLib.run_folder import RunFolder


def openCase(run: RunFolder, name: str) -> tuple[Any, Any, Any]:
    """Loads a case and shows it; returns volume, reference and prediction.

    The reference is drawn as an outline, the prediction filled.

    Raises:
        ValueError: a file is missing or cannot be read.
    """
    from DiNTSLib.scene import importVolume

    files = run.scores()["cases"][name]
    image, label = Path(files["images"][0]), Path(files["label"])
    for path in (image, label, run.prediction(name)):
        if not path.exists():
            raise ValueError(_("{path} is no longer there; put it back or evaluate again").format(path=path))
    volume = importVolume(image, name)
    labels = {value: text for value, text in run.settings.task.labels.items() if value}
    reference = _segmentation(label, _("{name} reference").format(name=name), labels, volume)
    prediction = _segmentation(run.prediction(name), _("{name} prediction").format(name=name), labels, volume)
    reference.GetDisplayNode().SetVisibility2DFill(False)
    prediction.GetDisplayNode().SetVisibility2DOutline(False)
    slicer.util.setSliceViewerLayers(background=volume, fit=True)
    return volume, reference, prediction


def _segmentation(path: Path, name: str, labels: dict[int, str], volume: Any) -> Any:
    from DiNTSLib.scene import importSegmentation, placeBeside

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
    try:
        importSegmentation(path, node, labels, volume)
    except ValueError:
        slicer.mrmlScene.RemoveNode(node)
        raise
    placeBeside(node, volume)
    return node
