"""The panel in every state in which a user meets it, without an engine, by name."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

MODELS = 50
DESCRIPTION = "Anterior and posterior hippocampus in T1-weighted MRI, cropped around one hippocampus"
NOTES = "Five networks of one architecture, each trained on four fifths of 200 scans. Not for clinical decisions. " * 8
CARD = {
    "scores": [{"label": name, "dice": 0.89, "cases": 200} for name in ("Anterior", "Posterior")],
    "cases": 200,
    "extent": [[31.0, 43.0], [40.0, 59.0], [24.0, 47.0]],
    "stated": {"data": NOTES, "licence": "CC-BY-SA 4.0; it is that of its data.", "limits": NOTES},
}
LONG_TITLE = "A model with a name of an institute, a task, a modality, a date and the version of its data set (3)"
ESTIMATE = {
    "memory": 2**30,
    "windows": 513,
    "seconds": 190.0,
    "device": "cuda",
    "device_memory": 2**29,
    "at_most": False,
}
WARNING = "the GPU's memory ran out; the scan is segmented in smaller steps on the CPU"
ERROR = "labels.nrrd: cannot be written (No space left on device); free disk space and press Apply again"


def models() -> list[Any]:
    """As many as a user may have, with names of all lengths and one damaged file."""
    from DiNTSSegmentationLib.models import ModelEntry

    entry = {
        "bytes": 15 * 2**20,
        "description": DESCRIPTION,
        "modality": "MR",
        "channels": ("MRI",),
        "labels": ((1, "Anterior"), (2, "Posterior")),
        "spacing": (0.75, 0.75, 0.75),
        "folds": 5,
        "dice": 0.88,
        "notes": NOTES,
        "card": CARD,
    }
    names = ["hippocampus-mr", LONG_TITLE, *(f"model {number}" for number in range(3, MODELS))]
    whole = [
        ModelEntry(file=f"{index}.zip", path=f"/models/{index}.zip", name=name, **entry)
        for index, name in enumerate(names)
    ]
    return [*whole, ModelEntry("cut.zip", "/models/cut.zip", 100, "/models/cut.zip: manifest.json cannot be read")]


def without_models(panel: Any) -> None:
    """As where the engine came without any."""
    panel.models.entries = []
    panel.models.list.show([])
    panel.models.choose("")
    panel.update()


def empty(panel: Any) -> None:
    """Nothing was loaded yet."""


def ready(panel: Any) -> None:
    import slicer

    slicer.util.addVolumeFromArray(np.zeros((20, 20, 20), np.int16), name="hippocampus_001")
    slicer.app.processEvents()
    panel.update()
    panel.estimate.show(ESTIMATE)


def listing(panel: Any) -> None:
    ready(panel)
    panel.models.list.open()


def described(panel: Any) -> None:
    ready(panel)
    panel.ui.detailsButton.click()


def long_name(panel: Any) -> None:
    ready(panel)
    panel.models.choose("/models/1.zip")


def damaged(panel: Any) -> None:
    ready(panel)
    panel.models.choose("/models/cut.zip")


def edited(panel: Any) -> None:
    import slicer

    ready(panel)
    segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Mine")
    segmentation.GetSegmentation().AddEmptySegment("drawn", "drawn")
    panel.parameters.segmentation = segmentation
    panel.update()


def running(panel: Any) -> None:
    from DiNTSSegmentationLib.cases import State

    ready(panel)
    panel.estimate.stop()
    run = begun()
    run.state, run.done, run.total, run.secondsLeft = State.RUNNING, 40, 513, 75.0
    panel.progress.show(run)


def finished(panel: Any) -> None:
    """With two segments, their table and a warning."""
    import slicer
    from DiNTSSegmentationLib.cases import ResultNodes, State
    from DiNTSSegmentationLib.edits import markAsResult
    from DiNTSSegmentationLib.results import showStatistics

    running(panel)
    volume = panel.inputs.volumes[0]
    segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "hippocampus_001 segmentation")
    for name in ("Anterior", "Posterior"):
        segmentation.GetSegmentation().AddEmptySegment(name, name)
    markAsResult(segmentation)
    rows = [{"name": name, "volume": 1.33, "surface": 7.57, "mean": 49.4} for name in ("Anterior", "Posterior")]
    run = begun()
    run.state, run.log = State.DONE, [("warning", WARNING)]
    results = ResultNodes(segmentation.GetID(), "", showStatistics(rows, segmentation, volume))
    run.cases = [SimpleNamespace(results=results, before=None, state=State.DONE, values={})]
    end(panel, run)


def failed(panel: Any) -> None:
    from DiNTSSegmentationLib.cases import State

    running(panel)
    run = begun()
    run.state, run.error = State.FAILED, ERROR
    end(panel, run)


def advanced(panel: Any) -> None:
    ready(panel)
    panel.ui.advancedBox.collapsed = False


def batch(panel: Any) -> None:
    from DiNTSSegmentationLib.parameters import Source

    ready(panel)
    panel.ui.batchSection.collapsed = False
    panel.parameters.batchSource = Source.FOLDER
    panel.update()


def learning(panel: Any) -> None:
    """With all buttons and a long sentence."""
    ready(panel)
    panel.ui.learnSection.collapsed = False
    row = {"case": "a scan", "disagreement": 0.08, "predicted_dice": 0.83, "error": 0.03, "proposal": "a scan.nii.gz"}
    panel.learn.ranking.show([{**row, "case": f"{number} {LONG_TITLE}"} for number in range(20)])
    panel.learn._sentence, panel.learn._newModel = NOTES[:110], "new.zip"
    panel.update()


def log(panel: Any) -> None:
    failed(panel)
    panel.ui.logBox.collapsed = False


ON_THE_WAY = (empty, ready, long_name, running)
"""From the opened module to the segmentation."""

STATES: dict[str, Callable[[Any], None]] = {
    state.__name__: state
    for state in (
        *(*ON_THE_WAY, without_models, listing, described, damaged, edited),
        *(finished, failed, advanced, batch, learning, log),
    )
}


def begun() -> Any:
    """A run of one scan."""
    from DiNTSSegmentationLib.cases import Settings, State
    from DiNTSSegmentationLib.runs import SegmentationRun

    return SegmentationRun("hippocampus_001", [SimpleNamespace(state=State.WAITING)], Settings("/models/0.zip", {}))


def end(panel: Any, run: Any) -> None:
    """As the queue does."""
    panel.progress.show(run)
    panel.onFinished(run)
    panel.estimate.stop()
