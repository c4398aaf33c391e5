"""The report's sections on networks that were trained beside one another: the race, and the comparison."""

from __future__ import annotations

from typing import Any

import numpy as np

from dints.files.storage import read_json
from dints.report.figures import Chart, Curve, chart_svg
from dints.report.run_files import Part, RunFiles, naming, shown
from dints.run_layout import RaceFiles
from dints.search.race_state import Racer, RaceReader, heat_ends, heat_of

ABSENT = "\N{EN DASH}"
MILLION, BILLION, MEBIBYTE = 1e6, 1e9, 2**20


def race(run: RunFiles) -> Part:
    """Who took part in the race, and who went on."""
    files = run.race
    if not files.standings.exists():
        if not run.config.race.enabled:
            return "The search has no race (race.enabled)."
        return "There was no race." if run.was_not_searched else "The race has not started yet."
    races = [("Candidates", files), ("The leader against what is one change away from it", files.near)]
    is_over = run.architecture_file.exists()
    parts = [
        {"caption": caption, "race": shown(_race, own, is_over)} for caption, own in races if own.standings.exists()
    ]
    return {"races": parts}


def _race(files: RaceFiles, is_over: bool) -> Part:
    with naming(files.standings):
        racers = RaceReader(files).racers()
        ends = heat_ends(racers)
        head = ["Candidate", "Origin", "Filters", *(f"Dice, {end} steps" for end in ends), "Went on to"]
        rows = [_racer(racer, ends, is_over) for racer in racers]
        if is_over and rows:
            rows[0][-1] += ", first"
        return {"head": head, "rows": rows, "charts": [chart_svg(_chart(racers))] if ends else []}


def _racer(racer: Racer, ends: list[int], is_over: bool) -> list[str]:
    """One that has no Dice at the end of its training is out of the race."""
    dice = [f"{racer.dice[end]:.4f}" if end in racer.dice else ABSENT for end in ends]
    filters = ABSENT if racer.filters is None else str(racer.filters)
    heat = heat_of(racer, ends)
    is_out = is_over and racer.steps not in racer.dice
    went_on = f"out in heat {max(1, heat)}" if is_out else f"heat {heat}" if heat else ABSENT
    return [racer.name, racer.origin, filters, *dice, went_on]


def _chart(racers: list[Racer]) -> Chart:
    """A line a candidate; those that came farthest in colour."""
    farthest = max(len(racer.dice) for racer in racers)
    curves: dict[str, Curve] = {}
    others: list[Curve] = []
    for racer in racers:
        steps, dice = (np.array(values, float) for values in racer.curve)
        if len(racer.dice) == farthest > 1:
            curves[racer.name] = steps, dice
        elif racer.dice:
            others.append((steps, dice))
    return Chart("Dice of cases that the trainings do not see", curves, others=others, dots=True)


def comparison(run: RunFiles) -> Part:
    """The searched network beside others of the same memory, and whether the search paid."""
    path = run.compare_file
    if not path.exists():
        return f"Nothing has been compared yet; `dints compare --run {run.folder}` tells whether the search paid."
    compared = read_json(path)
    with naming(path):
        head = ["Network", "Filters", "Parameters, million", "Multiply-adds, billion", "Training memory, MiB", "Dice"]
        own = str(compared["networks"][0]["caption"]).capitalize()
        head += [f"{own} minus this", "95 % interval", f"{own} is"]
        folds = ", ".join(str(fold) for fold in compared["folds"])
        return {
            "verdict": str(compared["verdict"]),
            "head": head,
            "rows": [_network(network) for network in compared["networks"]],
            "failed": [[str(one["caption"]), str(one["reason"])] for one in compared.get("failed", [])],
            "meaning": f"Mean Dice of the validation cases of the folds {folds}; differences are paired by case.",
        }


def _network(network: dict[str, Any]) -> list[str]:
    cost, found = network["cost"], network["difference"]
    sizes = [(cost["parameters"], MILLION, 2), (cost["macs"], BILLION, 2), (cost["training_memory"], MEBIBYTE, 0)]
    costs = [f"{value / unit:.{places}f}" for value, unit, places in sizes]
    differences = [ABSENT] * 3
    if found is not None:
        interval = f"{found['low']:+.4f} to {found['high']:+.4f}"
        differences = [f"{found['mean']:+.4f}", interval, str(found["verdict"])]
    return [str(network["caption"]), str(network["filters"]), *costs, f"{network['dice']:.4f}", *differences]
