"""The safety bound of a run's model, measured where its networks meet cases that they were not trained on."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import SimpleITK as sitk

from dints.errors import InputError
from dints.events import Reporter
from dints.files.storage import read_json, write_json
from dints.inference.predictor import Predictor
from dints.inference.safety_bound import MeasuredLook, SafetyBound, safety_bound
from dints.inference.tiling import Tiling
from dints.run import Run

FOLDS = "folds"  # of which networks the bound was measured


def kept_bound(run: Run, folds: Collection[int]) -> dict[str, Any]:
    """What a model of these folds says of its bound: one that holds for all of them, or a reason.

    InputError if what was kept is damaged.
    """
    if not run.bound_file.is_file():
        return {"reason": "it was not measured"}
    values = read_json(run.bound_file)
    try:
        measured_for = set(values.pop(FOLDS, folds))
        if "reason" not in values:
            SafetyBound.from_mapping(values, str(run.bound_file))
    except (AttributeError, TypeError, InputError) as error:
        remedy = f"`dints evaluate --run {run.folder}` measures it anew"
        raise InputError(f"{run.bound_file}: is damaged; {remedy}") from error
    if set(folds) - measured_for:
        return {"reason": "it was measured before all of these networks were trained; evaluate the run again"}
    return dict(values)


def measure(
    predictor: Predictor, channels: Sequence[sitk.Image], own: sitk.Image, reference: sitk.Image, networks: int
) -> list[MeasuredLook]:
    """First looks at a case, against what the same network, the only one, segmented there before any cleanup.

    And against the reference, whose values must all be labels. Those alone that would pay for so many networks.
    """
    looks, grid = predictor.looks(channels, networks)
    found, true = (grid.crop(sitk.GetArrayFromImage(image)) for image in (own, reference))
    return [MeasuredLook.of(look, scale, found, true, grid) for scale, look in looks.items()]


def keep_bound(run: Run, folds: Sequence[int], measured: Sequence[MeasuredLook], reporter: Reporter) -> None:
    """Says which bound holds for all cases of these folds, or why none does, and keeps it for the run's model."""
    config = run.config
    bound = safety_bound(measured, Tiling.of(config.inference, config.sampling.patch, config.training.folds))
    if isinstance(bound, SafetyBound):
        write_json(run.bound_file, bound.to_mapping() | {FOLDS: list(folds)})
        reporter.message(
            f"Safety bound {bound.threshold:.2g}: a first look {bound.way.in_words()} spares {bound.saved:.0%} of the "
            f"work on {bound.cases} cases, and nothing that was found in them"
        )
    else:
        write_json(run.bound_file, {"reason": bound})
        reporter.message(f"No safety bound, so every window will be computed: {bound}")
