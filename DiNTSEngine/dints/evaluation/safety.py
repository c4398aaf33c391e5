"""The safety bound of a run's model, measured where its networks meet cases that they were not trained on."""

from __future__ import annotations

from collections.abc import Sequence

import SimpleITK as sitk

from dints.events import Reporter
from dints.files.storage import write_json
from dints.inference.predictor import Predictor
from dints.inference.safety_bound import MeasuredLook, SafetyBound, safety_bound
from dints.inference.tiling import Tiling
from dints.run import Run


def measure(
    predictor: Predictor, channels: Sequence[sitk.Image], own: sitk.Image, reference: sitk.Image, networks: int
) -> list[MeasuredLook]:
    """First looks at a case, against what the same network, the only one, segmented there before any cleanup.

    And against the reference, whose values must all be labels. Those alone that would pay for so many networks.
    """
    looks, grid = predictor.looks(channels, networks)
    found, true = (grid.crop(sitk.GetArrayFromImage(image)) for image in (own, reference))
    return [MeasuredLook.of(look, scale, found, true, grid) for scale, look in looks.items()]


def keep_bound(run: Run, measured: Sequence[MeasuredLook], reporter: Reporter) -> None:
    """Says which bound holds for all cases, or why none does, and keeps it for the run's model."""
    config = run.config
    bound = safety_bound(measured, Tiling.of(config.inference, config.sampling.patch, config.training.folds))
    if isinstance(bound, SafetyBound):
        write_json(run.bound_file, bound.to_mapping())
        reporter.message(
            f"Safety bound {bound.threshold:.2g}: a first look {bound.way.in_words()} spares {bound.saved:.0%} of the "
            f"work on {bound.cases} cases, and nothing that was found in them"
        )
    else:
        write_json(run.bound_file, {"reason": bound})
        reporter.message(f"No safety bound, so every window will be computed: {bound}")
