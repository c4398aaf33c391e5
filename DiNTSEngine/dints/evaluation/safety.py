"""The safety bound of a run's model, measured where its networks meet cases that they were not trained on."""

from __future__ import annotations

from collections.abc import Sequence

import SimpleITK as sitk

from dints.events import Reporter
from dints.files.storage import write_json
from dints.inference.predictor import Predictor
from dints.inference.safety_bound import MeasuredCase, SafetyBound, safety_bound
from dints.run import Run


def measure(
    predictor: Predictor, channels: Sequence[sitk.Image], labels: sitk.Image, networks: int
) -> MeasuredCase | None:
    """A first look at a case against what the same network, the only one, segmented there before any cleanup.

    None where a first look of a model of so many networks would not pay.
    """
    looked = predictor.look(channels, networks)
    if looked is None:
        return None
    look, grid = looked
    return MeasuredCase.of(look, grid.crop(sitk.GetArrayFromImage(labels)), grid)


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
