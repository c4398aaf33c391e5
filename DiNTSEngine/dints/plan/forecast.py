"""The plan of a data set or run under given settings: measured, or taken from where it was kept."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from dints.config import Config
from dints.data.cases import Case
from dints.data.check import check
from dints.device import device_name
from dints.errors import InputError
from dints.events import Reporter
from dints.files.storage import read_json, write_json
from dints.plan.extents import Extent, stored_extents, typical
from dints.plan.measure import Meter
from dints.plan.plan import Plan, settings_key
from dints.plan.predict import predict
from dints.run import Run
from dints.zoo.catalogue import AnyDesign


def meter(cases: Sequence[Case], sizes: Sequence[Extent], config: Config, device: torch.device) -> Meter:
    """Measures on the case of typical size. InputError if there is none."""
    if not sizes:
        raise InputError("no labelled case is left to plan with; give cases with labels")
    chosen = typical(sizes)
    case = next(case for case in cases if case.name == chosen.name)
    return Meter(case, chosen, config, device)


def plan_run(run: Run, device: torch.device, reporter: Reporter) -> Plan:
    """The plan of a run with its present architecture: that which is kept in it, or a new one, which is kept then."""
    design = run.architecture() if run.architecture_file.is_file() else None
    key, name = settings_key(run.config, design), device_name(device)
    kept = kept_plan(run.plan_file, reporter)
    if kept and (kept.settings, kept.device) == (key, name):
        return kept
    plan = _measured(run, design, device, key, reporter)
    if kept and kept.device == name:  # the same run further on
        plan = Plan(name, key, plan.timings, plan.stages, kept.hours, kept.chosen, kept.left_out)
    plan.save(run.plan_file)
    return plan


def kept_plan(path: Path, reporter: Reporter) -> Plan | None:
    """What was kept; None, with a warning, if it cannot be read."""
    if not path.is_file():
        return None
    try:
        return Plan.load(path)
    except InputError as error:
        reporter.warning(str(error))
        return None


def _measured(run: Run, design: AnyDesign | None, device: torch.device, key: str, reporter: Reporter) -> Plan:
    cases, settings = run.cases, run.config.training
    if not run.check_file.is_file():
        write_json(run.check_file, check(run.datalist, settings.folds, reporter, settings.seed).to_mapping())
    sizes = stored_extents(read_json(run.check_file), cases.keys(), str(run.check_file))
    reporter.message(f"Measuring how long this takes on {device_name(device)}, a minute at most")
    with meter(list(cases.values()), sizes, run.config, device) as measure:
        timings = measure(run.config, design)
    return Plan(device_name(device), key, timings, predict(run.config, sizes, timings, given=design is not None))
