"""An old and a new version of a model on cases that neither has learned from: paired, label by label."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import SimpleITK as sitk

from dints.config import TaskConfig
from dints.data.cases import Case
from dints.data.images import read_channels
from dints.data.joined import is_old
from dints.data.segments import read_named_label
from dints.errors import InputError
from dints.evaluation.evaluate import evaluate_case
from dints.evaluation.paired import CONFIDENCE, FEWEST_CASES, PairedDifference, paired_difference
from dints.events import Reporter
from dints.improvement.matching import match_labels
from dints.model.model import Model
from dints.training.log import defined
from dints.training.validation import mean_defined

Dice = Mapping[str, Mapping[int, float]]  # by case, then by label value; NaN where undefined or unknown

WORSE, SAME = "worse", "not told apart"


@dataclass(frozen=True)
class LabelComparison:
    """Mean Dice of a label, old and new, and the paired difference; None where no case tells."""

    value: int | None  # None is the mean over labels
    label: str
    old: float | None
    new: float | None
    difference: float | None
    low: float | None
    high: float | None
    cases: int
    verdict: str


@dataclass(frozen=True)
class Comparison:
    """What both versions reach, and what that allows to say."""

    verdict: str
    sentence: str
    mean: LabelComparison
    labels: tuple[LabelComparison, ...]
    forgetting: dict[str, Any]
    cases: tuple[dict[str, Any], ...]

    def to_mapping(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self) | {"labels": [asdict(row) for row in self.labels], "cases": list(self.cases)}


def segment_and_score(
    model: Model, cases: Sequence[Case], task: TaskConfig, device: str, stage: str, reporter: Reporter
) -> dict[str, dict[int, float]]:
    """Dice of a model on cases whose labels are those of `task`; labels are matched by name.

    NaN for a label that the model does not have. Of several channels the model gets those that it knows.

    Raises:
        InputError: a case cannot be read, or lacks a channel of the model.
    """
    own = model.manifest.config.task
    predictor, values = model.predictor(device), match_labels(own.labels, task.labels)
    places = [task.channels.index(name) if name in task.channels else place for place, name in enumerate(own.channels)]
    found = {}
    for number, case in enumerate(cases, start=1):
        channels = read_channels(case.images)
        labels = _in_values(predictor.segment([channels[place] for place in places]), values)
        if case.label is None:
            raise InputError(f"{case.name}: has no label to compare with; compare on labelled cases")
        reference = read_named_label(case.label, task.values, labels)
        scores = evaluate_case(labels, reference, task.labels, task.tolerance, case.name, ("dice",), task.ignored)
        known = set(values.values())
        found[case.name] = {value: own["dice"] if value in known else math.nan for value, own in scores.items()}
        reporter.progress(stage, number, len(cases))
    return found


def compare_versions(old: Dice, new: Dice, task: TaskConfig, usual_dice: float | None) -> Comparison:
    """Compares the scores of the same cases.

    It is worse if the mean over labels is, or any label, or the mean on cases of the training before; better if the
    mean is and nothing is worse. The intervals of the labels hold together at 95 % (Bonferroni): of many labels one
    would lie below 0 by chance, each at 95 %, and a version that is no worse would be refused.

    Args:
        usual_dice: of the old version in its cross-validation. Where no case from before is at hand, forgetting is
            looked for on the corrections that it had segmented at least so well.
    """
    labels = {value: name for value, name in task.labels.items() if value}
    pairs = {value: (_column(old, value), _column(new, value)) for value in labels}
    compared = sum(bool(_in_both(*pair)) for pair in pairs.values())
    each = 1 - (1 - CONFIDENCE) / max(1, compared)
    rows = tuple(_row(value, name, *pairs[value], each) for value, name in labels.items())
    mean = _row(None, "mean of labels", *_means(old, new))
    forgetting = _forgetting(old, new, usual_dice)
    lost = forgetting["kind"] == "old" and forgetting["verdict"] == WORSE
    verdict = WORSE if lost or WORSE in (mean.verdict, *(row.verdict for row in rows)) else mean.verdict
    sentence = _sentence(task.name, verdict, mean, rows)
    cases = tuple(
        {"case": case, "source": "old" if is_old(case) else "corrections", "old": _plain(old[case]), "new": _plain(own)}
        for case, own in new.items()
    )
    return Comparison(verdict, sentence, mean, rows, forgetting, cases)


def _forgetting(old: Dice, new: Dice, usual_dice: float | None) -> dict[str, Any]:
    """What became of what was known before; the kind says on which cases that was measured."""
    before = [case for case in new if is_old(case)]
    kind, what = "old", "held-out cases of the training before"
    if not before and usual_dice is not None:
        kind, what = "unchanged", "corrections that the old version had segmented as well as it usually does"
        before = [case for case in new if mean_defined(list(old[case].values())) >= usual_dice]
    row = _row(None, "", *_means(*({case: scores[case] for case in before} for scores in (old, new))))
    if row.difference is None:
        text = "No case tells what was forgotten: none of the training before is at hand."
        nothing = dict.fromkeys(("kind", "difference", "low", "high"))
        return {**nothing, "cases": 0, "verdict": SAME, "sentence": text}
    interval = f"Dice {row.difference:+.3f}, 95 % interval {row.low:+.3f} to {row.high:+.3f}, {row.cases} cases"
    note = "" if kind == "old" else " None of the training before is at hand: this cannot show what was lost there."
    sentence = f"On {what}: {row.verdict} ({interval}).{note}"
    values = {name: getattr(row, name) for name in ("cases", "difference", "low", "high", "verdict")}
    return {"kind": kind, **values, "sentence": sentence}


def _sentence(name: str, verdict: str, mean: LabelComparison, rows: Sequence[LabelComparison]) -> str:
    if mean.difference is None:
        return f"{name}: {SAME}, as no held-out case has a label that both versions know."
    interval = f"95 % interval {mean.low:+.3f} to {mean.high:+.3f}"
    sentence = (
        f"{name}: {verdict} (Dice {mean.difference:+.3f}, {interval}, {mean.cases} cases neither has learned from)."
    )
    worse = [row.label for row in rows if row.verdict == WORSE]
    if worse:
        sentence += f" Worse: {', '.join(worse)}."
    if mean.cases < FEWEST_CASES:
        sentence += f" Fewer than {FEWEST_CASES} cases cannot tell versions apart; add corrections."
    return sentence


def _row(
    value: int | None, label: str, old: Mapping[str, float], new: Mapping[str, float], confidence: float = CONFIDENCE
) -> LabelComparison:
    both = _in_both(old, new)
    before, now = (defined(mean_defined([scores[case] for case in both])) for scores in (old, new))
    if not both:
        return LabelComparison(value, label, before, now, None, None, None, 0, SAME)
    ours, theirs = ({case: own[case] for case in both} for own in (new, old))
    found: PairedDifference = paired_difference(ours, theirs, confidence=confidence)
    return LabelComparison(value, label, before, now, found.mean, found.low, found.high, found.cases, found.verdict)


def _in_both(old: Mapping[str, float], new: Mapping[str, float]) -> list[str]:
    """The cases that tell something of both."""
    return [case for case in new if not (math.isnan(new[case]) or math.isnan(old[case]))]


def _column(scores: Dice, value: int) -> dict[str, float]:
    return {case: own[value] for case, own in scores.items()}


def _means(old: Dice, new: Dice) -> tuple[dict[str, float], dict[str, float]]:
    """Mean of each case over the labels that are defined for both."""
    shared = {
        case: [value for value in own if not (math.isnan(own[value]) or math.isnan(old[case][value]))]
        for case, own in new.items()
    }
    first, second = (
        {case: mean_defined([scores[case][value] for value in values]) for case, values in shared.items()}
        for scores in (old, new)
    )
    return first, second


def _plain(scores: Mapping[int, float]) -> dict[str, float | None]:
    return {str(value): defined(score) for value, score in scores.items()}


def _in_values(labels: sitk.Image, values: Mapping[int, int]) -> sitk.Image:
    """A label image with other values; those that have none become background."""
    voxels = sitk.GetArrayViewFromImage(labels)
    table = np.zeros(int(voxels.max()) + 1 if voxels.size else 1, np.uint16)
    for value, other in values.items():
        if value < len(table):
            table[value] = other
    image = sitk.GetImageFromArray(table[voxels])
    image.CopyInformation(labels)
    return image
