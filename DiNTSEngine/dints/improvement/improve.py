"""The next version of a model: fine-tuned on corrections, compared with the one before, written if it is not worse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from dints.errors import InputError
from dints.evaluation.cross_validation import cross_validate
from dints.evaluation.export import export
from dints.events import Reporter
from dints.files.storage import write_json
from dints.improvement.comparison import WORSE, Comparison, compare_versions, segment_and_score
from dints.improvement.matching import match_labels
from dints.improvement.start import prepare_from, read_start
from dints.model.installed import describe
from dints.model.manifest import LabelStyle
from dints.model.model import Model, load_model
from dints.run import Run
from dints.run_layout import RunLayout
from dints.stages import train

RESULT = "improvement.json"  # in the run
DRAFT = "draft.zip"  # in the run: the new version until it is known whether it is worse


@dataclass(frozen=True)
class Improvement:
    """How a new version compares with the one before, and where it is; `path` is None if it is worse."""

    comparison: Comparison
    path: Path | None
    version: int
    parent: str
    run: Path

    def to_mapping(self) -> dict[str, Any]:
        """Plain values for JSON."""
        own = {"path": str(self.path) if self.path else None, "version": self.version, "parent": self.parent}
        return {**self.comparison.to_mapping(), **own, "run": str(self.run)}


def improve(
    model: Path,
    data: Path,
    out: Path,
    work: Path,
    device: torch.device,
    reporter: Reporter,
    overrides: Sequence[str] = (),
    old_run: Path | None = None,
    compact: bool = False,
) -> Improvement:
    """Fine-tunes a model on a data set and compares both versions on what the set holds out.

    Stopped, another call with the same arguments goes on. The model itself is only read.

    Args:
        data: with cases that are held out ("validation" in its list), as `dints.data.corrections` arranges it.
        out: file or folder of the new version, which must not exist yet.
        work: folder of the run.
        old_run: run that the model comes from; its cases are learned from again, its held-out ones compared on, too.
        compact: write kernels rounded to 8 bits, for a quarter of the size.

    Raises:
        InputError: `out` exists, the data cannot be used, or `work` is another run.
    """
    if out.exists():
        raise InputError(f"{out}: exists already; give the new version another name")
    old = load_model(model)
    run = _opened(old, data, work, overrides, old_run, reporter)
    train(run, [fold for fold in run.startable_folds if fold not in run.trained_folds], device, reporter)
    if not run.scores_file.is_file():
        cross_validate(run, str(device), reporter)
    draft = run.folder / DRAFT
    candidate = export(run, Reporter(), path=str(draft), compact=compact)
    comparison = _compared(run, old, candidate, device, reporter)
    path = None
    if comparison.verdict != WORSE:
        notes, styles = old.manifest.notes, _styles(old, run)
        exported = export(run, Reporter(), None, notes, str(out), styles, compact, comparison.verdict)
        path = exported.path
    draft.unlink()
    lineage = candidate.manifest.lineage
    found = Improvement(comparison, path, lineage.version, lineage.parent, run.folder)
    write_json(run.folder / RESULT, found.to_mapping())
    return found


def _opened(
    model: Model, data: Path, work: Path, overrides: Sequence[str], old_run: Path | None, reporter: Reporter
) -> Run:
    if not RunLayout(work).is_run:
        return prepare_from(read_start(str(model.path)), work, data, overrides, reporter, old_run)
    run = Run(work)
    if run.start is None or run.start.model.get("id") != model.manifest.id:
        raise InputError(f"{work}: is a run that did not start from {model.path}; give another folder with --run")
    if run.data_folder != data.resolve() or run.config.with_overrides(overrides) != run.config:
        raise InputError(f"{work}: was begun with other data or settings; give another folder with --run")
    return run


def _compared(run: Run, old: Model, new: Model, device: torch.device, reporter: Reporter) -> Comparison:
    """On all cases that the run holds out: of the corrections, and of the training before."""
    cases = [case for case in run.datalist.cases if case.name in run.held_out]
    task = run.config.task
    scores = [
        segment_and_score(model, cases, task, str(device), f"compare {name}", reporter)
        for name, model in (("old", old), ("new", new))
    ]
    return compare_versions(scores[0], scores[1], task, describe(old.manifest)["dice"])


def _styles(old: Model, run: Run) -> dict[int, LabelStyle]:
    """The colours and terminology of labels, under the values that they have now."""
    values = match_labels(old.manifest.config.task.labels, run.config.task.labels)
    return {values[value]: style for value, style in old.manifest.styles.items() if value in values}
