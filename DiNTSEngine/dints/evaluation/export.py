"""The trained folds of a run as one model, with what it says of its training."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from dints.config import Config
from dints.data.joined import is_old
from dints.evaluation.cross_validation import expected_dice
from dints.evaluation.evaluate import ScoreRow, case_means, plain_summary, read_scores, summarize
from dints.evaluation.safety import kept_bound
from dints.events import Reporter
from dints.inference.calibration import Calibration
from dints.inference.training_range import TrainingRange
from dints.model.installed import newest_version
from dints.model.lineage import Lesson, Lineage
from dints.model.manifest import Fold, LabelStyle, Manifest
from dints.model.model import Model, save_model
from dints.run import Run, load_fold
from dints.training.log import defined


def export(
    run: Run,
    reporter: Reporter,
    config: Config | None = None,
    notes: str = "",
    path: str = "",
    styles: Mapping[int, LabelStyle] | None = None,
    compact: bool = False,
    verdict: str = "",
) -> Model:
    """Writes the trained folds as one model file.

    Args:
        config: in place of the run's, to give another name or cleanup.
        path: a .zip or a folder; the run's `model.zip` by default.
        styles: colours and terminology of labels.
        compact: round kernels to 8 bits, for a quarter of the size.
        verdict: how it compares with the model that the run started from, if it did.
    """
    trained = {fold: load_fold(run, fold) for fold in run.require_trained_folds(reporter)}
    scored = _cross_validation(run, trained)
    manifest = Manifest(
        config=config or run.model_config(),
        architecture=run.architecture(),
        folds=tuple(Fold("", "", _cross_validated(scored, fold) or dice) for fold, (_, dice) in trained.items()),
        notes=notes,
        styles=styles or {},
        training=_training(run, list(trained), scored, reporter),
        lineage=_lineage(run, verdict),
    )
    weights = [network.state_dict() for network, _ in trained.values()]
    model = save_model(path or run.model_file, manifest, weights, compact)
    if len(trained) < run.config.training.folds:
        folds = ", ".join(map(str, trained))
        reporter.message(f"{model.path}: holds {len(trained)} of {run.config.training.folds} folds: {folds}")
    reporter.result("model", path=str(model.path), name=manifest.name)
    return model


def _training(run: Run, folds: list[int], scored: Sequence[ScoreRow], reporter: Reporter) -> dict[str, Any]:
    """What a model says of the training of its folds."""
    seen = ((case.image, case.label, case.grid) for case in run.cache(reporter).cases.values())
    known = TrainingRange.of(seen, len(run.config.task.labels))
    before = run.start.model.get("range") if run.start else None
    if before:  # what was learned before is still known
        known = known.joined(TrainingRange.from_mapping(before, str(run.run_file)))
    return {
        "cases": len(run.cases),
        "folds": folds,
        "iterations": run.config.training.iterations,
        "range": known.to_mapping(),
        "cross_validation": plain_summary(scored) if scored else None,
        "safety_bound": kept_bound(run, folds),
        "calibration": _calibration(run, scored),
    }


def _calibration(run: Run, scored: Sequence[ScoreRow]) -> dict[str, Any] | None:
    """Of the cross-validation; None if it has too few cases, or is one of before."""
    expected = expected_dice(run.evaluation_folder)
    true = {case: scores["dice"] for case, scores in case_means(scored).items() if "dice" in scores}
    pairs = [
        (own, true[case])
        for case, own in expected.items()
        if own is not None and not math.isnan(true.get(case, math.nan))
    ]
    found = Calibration.fit([own for own, _ in pairs], [dice for _, dice in pairs])
    return found.to_mapping() if found else None


def _lineage(run: Run, verdict: str) -> Lineage:
    """That of a next version where the run started from a model, else of a first one."""
    before = run.start.model if run.start else {}
    if not before.get("id"):
        return Lineage()
    held_out = [name for name in run.held_out if not is_old(name)]
    old = [name for name in run.cases if is_old(name)]
    version = 1 + max(before["version"], newest_version(before["family"]))
    date = datetime.now(UTC).isoformat(timespec="seconds")
    lesson = Lesson(version, len(run.cases) - len(old), len(held_out), len(old), date, verdict)
    earlier = Lineage.from_mapping(before["lineage"], str(run.run_file)).learned_from
    return Lineage(version, before["family"], before["id"], (*earlier, lesson))


def _cross_validation(run: Run, folds: Collection[int]) -> list[ScoreRow]:
    """Scores of these folds, as far as they were evaluated; others may have been when it was made."""
    rows = read_scores(run.evaluation_folder).rows if run.scores_file.is_file() else ()
    return [row for row in rows if row.fold in folds]


def _cross_validated(rows: Sequence[ScoreRow], fold: int) -> tuple[float | None, ...]:
    """Mean Dice a foreground class of a fold in the cross-validation; empty if it was not evaluated."""
    lines = (line for line in summarize(rows) if line.fold == fold and line.value is not None)
    return tuple(defined(line.statistics["dice"].mean) for line in lines if "dice" in line.statistics)
