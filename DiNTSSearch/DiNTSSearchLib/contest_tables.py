"""Rows of the tables of a race and of a comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from slicer.i18n import tr as _

from dints.search.race_state import Racer, heat_ends, heat_of

ABSENT = "\N{EN DASH}"


def raceTable(racers: Sequence[Racer]) -> tuple[list[str], list[list[str]], list[str]]:
    """Headers, lines and tool tips: where a candidate comes from, its newest Dice and the heat that it has reached."""
    ends = heat_ends(racers)
    rows = []
    for racer in racers:
        dice = f"{list(racer.dice.values())[-1]:.3f}" if racer.dice else ABSENT
        filters = ABSENT if racer.filters is None else str(racer.filters)
        rows.append([racer.origin, filters, dice, str(heat_of(racer, ends) or ABSENT)])
    hints = [_("{name}: {steps} steps").format(name=racer.name, steps=racer.steps) for racer in racers]
    return [_("Candidate"), _("Filters"), _("Dice"), _("Heat")], rows, hints


def comparisonTable(comparison: Mapping[str, Any]) -> tuple[list[str], list[list[str]], list[str]]:
    """Headers, lines and tool tips: Dice of a network, and how much better the searched one is, with its interval.

    Those that could not be trained come last; their tool tip says why.
    """
    failed = comparison.get("failed", [])
    rows = [[own["caption"], f"{own['dice']:.3f}", _difference(own["difference"])] for own in comparison["networks"]]
    hints = [_("{filters} filters").format(filters=own["filters"]) for own in comparison["networks"]]
    rows += [[own["caption"], ABSENT, _("failed")] for own in failed]
    hints += [own["reason"] for own in failed]
    own = rows[0][0].capitalize() if rows else ""
    return [_("Network"), _("Dice"), _("{network} minus this").format(network=own)], rows, hints


def _difference(found: Mapping[str, Any] | None) -> str:
    return f"{found['mean']:+.3f} ({found['low']:+.3f} to {found['high']:+.3f})" if found else ABSENT
