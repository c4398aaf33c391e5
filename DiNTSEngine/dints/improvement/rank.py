"""Which unlabelled scan to correct next: those first that a model is least sure of."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dints.data.cases import Case
from dints.data.images import naming, read_channels, write_image
from dints.data.outputs import refuse_overlap
from dints.data.plain_folders import image_cases
from dints.errors import InputError, RunError, StorageError, brief
from dints.events import Reporter
from dints.files.storage import read_json, remove_leftovers, write_json, write_text
from dints.improvement.preview import preview_file, write_preview
from dints.model.model import Model

TABLE, RANKING = "ranking.csv", "ranking.json"
COLUMNS = ("case", "predicted_dice", "error", "disagreement", "proposal", "images")

Row = dict[str, Any]


def rank(
    model: Model, folder: Path, output: Path, device: str, reporter: Reporter, options: Mapping[str, Any] | None = None
) -> list[Row]:
    """Segments every scan of a folder and sorts them: the lowest predicted Dice first, else the most disagreement.

    A scan in which nothing was found comes first of all. Proposals, a small picture of each, and the table go to
    `output` after each scan; those that this model made before are kept.

    Args:
        options: of `Predictor.predict`.

    Returns:
        Rows with "case", "images", "proposal", "disagreement", "predicted_dice" and "error".

    Raises:
        InputError: the folder holds no images.
        RunError: some could not be segmented; all others are in the table.
    """
    cases = _cases(model, folder, output)
    known = _known(model, output, reporter)
    rows, failures = [row for row in known if row["case"] in {case.name for case in cases}], []
    predictor = model.predictor(device) if len(rows) < len(cases) else None
    done = {row["case"] for row in rows}
    for number, case in enumerate(cases, start=1):
        if case.name not in done and predictor is not None:
            try:
                channels = read_channels(case.images, reporter.warning)
                with naming(case.images):
                    # With the map, as it takes all networks: it is their doubt that ranks.
                    prediction = predictor.predict(channels, confidence=True, disagreement=True, **(options or {}))
                write_image(prediction.labels, _proposal(output, case))
                write_preview(channels[0], prediction.labels, preview_file(_proposal(output, case)))
            except StorageError:
                raise
            except (InputError, RunError) as error:
                failures.append(str(error))
                reporter.warning(f"left out: {error}")
            else:
                rows.append(_row(case, output, model.assessment(prediction.confidence)))
                reporter.result("ranked", **rows[-1])
                _write(output, model, sorted(rows, key=_order))
        reporter.progress("rank", number, len(cases))
    _write(output, model, sorted(rows, key=_order))
    if failures:
        raise RunError(f"{len(failures)} of {len(cases)} scans were not segmented: {'; '.join(failures)}")
    return sorted(rows, key=_order)


def _cases(model: Model, folder: Path, output: Path) -> list[Case]:
    if not folder.is_dir():
        raise InputError(f"{folder}: is not a folder; give a folder of images")
    cases = image_cases(folder, len(model.manifest.config.task.channels), without=output)
    if not cases:
        raise InputError(f"{folder}: holds no images; give a folder of images")
    refuse_overlap([(case.images, _proposal(output, case)) for case in cases], [model.path])
    remove_leftovers(output)
    return cases


def _known(model: Model, output: Path, reporter: Reporter) -> list[Row]:
    """Rows of the same model whose proposals are there; of another model none, nor where they are damaged."""
    path = output / RANKING
    if not path.is_file():
        return []
    try:
        values = read_json(path)
        if values["model"] != model.manifest.reference:
            return []
        return [{name: row[name] for name in COLUMNS} for row in values["cases"] if Path(row["proposal"]).is_file()]
    except (InputError, LookupError, TypeError) as error:
        reporter.warning(f"{path}: is damaged ({brief(error)}); all scans are ranked again")
        return []


def _row(case: Case, output: Path, assessment: Mapping[str, float | None]) -> Row:
    files = {"images": [str(path) for path in case.images], "proposal": str(_proposal(output, case))}
    return {"case": case.name, **files, **assessment}


def _order(row: Row) -> tuple[float, float]:
    """Small for what is least sure."""
    nothing_found = row["disagreement"] is None
    dice = row["predicted_dice"] if row["predicted_dice"] is not None else (-1.0 if nothing_found else 0.0)
    return dice, -(row["disagreement"] or 0.0)


def _write(output: Path, model: Model, rows: Sequence[Row]) -> None:
    write_json(output / RANKING, {"model": model.manifest.reference, "cases": list(rows)})
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    table.writerows(
        [";".join(row[name]) if name == "images" else ("" if row[name] is None else row[name]) for name in COLUMNS]
        for row in rows
    )
    write_text(output / TABLE, text.getvalue())


def _proposal(output: Path, case: Case) -> Path:
    return output / f"{case.name}.nii.gz"
