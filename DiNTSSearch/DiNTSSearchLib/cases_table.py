"""The table of what the check found: a line for each case, and one for each problem of the data set as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import qt
from slicer.i18n import tr as _

from DiNTSSearchLib.tables import fill

WARNING, ERROR, NOTE = "\u26a0", "\u2716", "\u2139"


class CasesTable:
    """Shows `dints.data.check.CheckResult` as it is on disk."""

    def __init__(self, table: qt.QTableWidget) -> None:
        self._table = table
        self._shown: Mapping[str, Any] | None = None

    def show(self, check: Mapping[str, Any]) -> None:
        """What must be solved comes first, of the data set, then of cases; then what was taken how, then the others."""
        if check == self._shown:
            return
        self._shown = check
        general: list[dict[str, str]] = []
        problems: dict[str, list[dict[str, str]]] = {}
        for problem in check["problems"]:
            own = general if problem.get("case") is None else problems.setdefault(problem["case"], [])
            own.append(problem)
        facts = {case["name"]: case for case in check["cases"]}
        rows = [[Path(problem["file"]).name, _finding([problem]), "", "", ""] for problem in general]
        rows += [[name, _finding(own), *_facts(facts.get(name))] for name, own in problems.items()]
        notes: Sequence[str] = check.get("notes", ())
        rows += [
            [_("note {number}").format(number=number), f"{NOTE} {text}", "", "", ""]
            for number, text in enumerate(notes, 1)
        ]
        rows += [[name, _("fine"), *_facts(case)] for name, case in facts.items() if name not in problems]
        hints = [*map(_sentence, general), *("\n".join(map(_sentence, own)) for own in problems.values()), *notes]
        headers = [_("Case"), _("Finding"), _("Size"), _("Spacing (mm)"), _("Labels (ml)")]
        fill(self._table, headers, rows, hints)


def _facts(case: Mapping[str, Any] | None) -> tuple[str, str, str]:
    """Size, spacing and volume of each label; empty where no image of the case could be read."""
    if case is None:
        return "", "", ""
    volumes = ", ".join(f"{volume / 1000:.3g}" for volume in case["label_volumes"].values())
    return " x ".join(map(str, case["size"])), " x ".join(f"{step:.2g}" for step in case["spacing"]), volumes


def _finding(problems: Sequence[Mapping[str, str]]) -> str:
    """The worst problem in a few words."""
    errors = [problem for problem in problems if problem["severity"] == "error"]
    return f"{ERROR} {errors[0]['reason']}" if errors else f"{WARNING} {problems[0]['reason']}"


def _sentence(problem: Mapping[str, str]) -> str:
    return f"{problem['file']}: {problem['reason']}; {problem['remedy']}"
