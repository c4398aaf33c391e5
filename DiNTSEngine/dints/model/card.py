"""The facts of a model's card: what its manifest says of scores, cases, data, licence and limits, and what it does not.

Manifests come from strangers and from older engines: what is missing or of another kind is None or empty here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from dints.model.manifest import Manifest

STATED = ("data", "licence", "limits")  # lines of the notes that a card repeats: "Licence: CC-BY-SA 4.0"
SPELLINGS = {"license": "licence"}


def card(manifest: Manifest) -> dict[str, Any]:
    """Plain values.

    Returns:
        "scores", of each label in its order: {"label", "dice", "cases"} of the cross-validation (each case by the
        network that had not seen it), None where unknown; without a cross-validation the mean Dice of the networks,
        without cases. "cases": number of cases of the training. "extent": [[shortest, longest]] of their field of view
        in mm along R, A and S. "stated": {"data", "licence", "limits"}, the text of these lines of the notes or "".
    """
    training = manifest.training
    return {
        "scores": _scores(manifest),
        "cases": _count(training.get("cases")),
        "extent": _extent(training.get("range")),
        "stated": stated(manifest.notes),
    }


def stated(notes: str) -> dict[str, str]:
    """What the notes say in lines that begin with a word of `STATED` and a colon; "" of the others."""
    found = dict.fromkeys(STATED, "")
    for line in notes.splitlines():
        head, _, text = line.partition(":")
        key = head.strip().lower()
        key = SPELLINGS.get(key, key)
        if key in found:
            found[key] = text.strip()
    return found


def _scores(manifest: Manifest) -> list[dict[str, Any]]:
    labels = [(value, name) for value, name in manifest.config.task.labels.items() if value]
    rows = manifest.training.get("cross_validation")
    if not isinstance(rows, list) or not rows:
        return [
            {"label": name, "dice": _mean_of_folds(manifest, place), "cases": None}
            for place, (_value, name) in enumerate(labels)
        ]
    of_all = [row for row in rows if _of(row, "fold") is None]
    found = []
    for value, name in labels:
        dice = next((_of(row, "dice") for row in of_all if _of(row, "value") == value), None)
        found.append({"label": name, "dice": _score(_of(dice, "mean")), "cases": _count(_of(dice, "count"))})
    return found


def _mean_of_folds(manifest: Manifest, place: int) -> float | None:
    scores = [fold.dice[place] for fold in manifest.folds if place < len(fold.dice)]
    known = [score for score in scores if score is not None]
    return sum(known) / len(known) if known else None


def _extent(values: Any) -> list[list[float]] | None:
    lengths = _of(values, "extent")
    if not isinstance(lengths, list | tuple) or not lengths:
        return None
    pairs = [list(pair) for pair in lengths if isinstance(pair, list | tuple) and len(pair) == 2]
    return pairs if len(pairs) == len(lengths) and all(_is_number(end) for pair in pairs for end in pair) else None


def _of(values: Any, key: str) -> Any:
    return values.get(key) if isinstance(values, Mapping) else None


def _score(value: Any) -> float | None:
    return float(value) if _is_number(value) else None


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
