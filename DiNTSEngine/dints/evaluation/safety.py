"""The safety bound of a run's model, measured where its networks meet cases that they were not trained on."""

from __future__ import annotations

from collections.abc import Sequence

import SimpleITK as sitk

from dints.data.images import read_channels, read_image
from dints.events import Reporter
from dints.files.storage import write_json
from dints.inference.predictor import Predictor
from dints.inference.safety_bound import MeasuredCase, SafetyBound, safety_bound
from dints.inference.sliding_window import ForwardPass
from dints.run import Run


def measure_fold(run: Run, network: ForwardPass, fold: int, device: str, reporter: Reporter) -> list[MeasuredCase]:
    """First looks at the validation cases of a fold, against what it segmented there before any cleanup.

    Cases in which a first look would not pay are left out.
    """
    predictor = Predictor([network], run.config, device)
    names, measured = run.splits[fold][1], []
    for number, name in enumerate(names, start=1):
        looked = predictor.look(read_channels(run.cases[name].images), run.config.training.folds)
        if looked:
            look, grid = looked
            labels = grid.crop(sitk.GetArrayFromImage(read_image(run.prediction_file(name))))
            measured.append(MeasuredCase.of(look, labels, grid))
        reporter.progress(f"safety bound {fold}", number, len(names))
    return measured


def keep_bound(run: Run, measured: Sequence[MeasuredCase], reporter: Reporter) -> None:
    """Says which bound holds for all cases, or why none does, and keeps it for the run's model."""
    bound = safety_bound(measured)
    if isinstance(bound, SafetyBound):
        write_json(run.bound_file, bound.to_mapping())
        reporter.message(
            f"Safety bound {bound.threshold:.2g}: a first look leaves out {bound.saved:.0%} of the windows of "
            f"{bound.cases} cases, and nothing that was found in them"
        )
    else:
        write_json(run.bound_file, {"reason": bound})
        reporter.message(f"No safety bound, so every window will be computed: {bound}")
