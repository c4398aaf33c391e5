"""The time that a run is given, and what is said of it before it starts."""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping, Sequence

import torch

from dints.config import Config
from dints.cost.memory import predict_memory, retraining_cost
from dints.errors import InputError
from dints.events import Reporter, gibibytes
from dints.plan.forecast import TimeLimit, expected_design, kept_plan, plan_run, rest_of
from dints.plan.plan import Plan, lines
from dints.plan.predict import SEARCH, courses, training_courses
from dints.process_group import is_main_process, world_size
from dints.run import Run
from dints.zoo.catalogue import AnyDesign

PAPER = "paper"  # in place of hours: as long as the paper's settings take
HOURS_WITHOUT_GPU = 3.0  # where neither a time nor settings are given


def add_hours(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--hours",
        type=_hours,
        metavar="H",
        help="choose settings with which the whole run takes that long at most, on this device; "
        f'"{PAPER}": as long as the paper\'s settings take (default of new runs without --config: '
        f"{HOURS_WITHOUT_GPU:g} without a GPU, {PAPER} with one)",
    )


def _hours(text: str) -> float | str:
    """A positive number, or "paper"."""
    if text == PAPER:
        return PAPER
    try:
        hours = float(text)
    except ValueError:
        hours = math.nan
    if not 0 < hours < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a number of hours above 0, or {PAPER}")
    return hours


def time_limit(arguments: argparse.Namespace, device: torch.device) -> TimeLimit | None:
    """What the arguments give a new run; None is as long as its settings take.

    InputError if several processes are to work together: one of them cannot measure alone.
    """
    hours = arguments.hours
    if hours is None and (device.type != "cpu" or arguments.config or world_size() > 1):
        return None
    if hours == PAPER:
        return None
    if world_size() > 1:
        remedy = "begin the run without torchrun, stop it when it has begun to search, and go on with torchrun"
        raise InputError(f"--hours: cannot be measured by several processes; {remedy}")
    architecture = str(getattr(arguments, "architecture", None) or "")
    return TimeLimit(HOURS_WITHOUT_GPU if hours is None else float(hours), device, architecture)


def refuse_other_time(arguments: argparse.Namespace, run: Run) -> None:
    """InputError if a run that exists is given another time than it began with."""
    if arguments.hours is None:
        return
    plan = kept_plan(run.plan_file, Reporter())
    if plan is None and run.plan_file.is_file():
        return  # it is damaged, which is said when it is made anew; what the run began with, nobody knows
    began_with = plan.hours if plan and plan.hours else PAPER
    if arguments.hours != began_with:
        own = "no time" if began_with == PAPER else f"{began_with:g} hours"
        raise InputError(f"{run.folder}: was started with {own}; resume without --hours or use a new folder")


def announce(run: Run, device: torch.device, reporter: Reporter, folds: Sequence[int] | None = None) -> None:
    """Says how long what is left of a run will take, before it starts; several processes together cannot measure it.

    Args:
        folds: those that will be trained; None is all.
    """
    if world_size() > 1:
        if is_main_process():
            reporter.message("How long this takes is not predicted for several processes together.")
        return
    plan = plan_run(run, device, reporter)
    rest = rest_of(run, plan, folds)
    show(plan, rest, run.config, _design(run), reporter)
    own = training_courses(run.config, plan.timings, plan.stages)
    reporter.expect(rest, courses(run.config, plan.timings) | own)


def recall(run: Run, busy_with: str, reporter: Reporter) -> None:
    """Says what was predicted when the run began and is still left, where nothing can be measured now.

    Args:
        busy_with: why, for the error.

    Raises:
        InputError: nothing was predicted yet.
    """
    plan = kept_plan(run.plan_file, reporter)
    if plan is None:
        raise InputError(f"{run.folder}: {busy_with}, and its plan is not here yet; try again when it has begun")
    show(plan, rest_of(run, plan), run.config, _design(run), reporter)


def _design(run: Run) -> AnyDesign | None:
    """The architecture, if it is known."""
    return run.architecture() if run.architecture_file.is_file() else None


def show(plan: Plan, stages: Mapping[str, float], config: Config, design: AnyDesign | None, reporter: Reporter) -> None:
    """The table of stages, what was chosen, and the result "plan"."""
    for sentence in (*plan.chosen, *plan.left_out):
        reporter.message(sentence)
    design = design or expected_design(config)
    memory = memory_of(config, design, searching=SEARCH in stages)
    words = {stage: gibibytes(size) for stage, size in memory.items()}
    if design is None and "train" in words:
        words["train"] = f"about {words['train']}"
    for line in lines(stages, words) if stages else ["Nothing of the run is left to do"]:
        reporter.message(line)
    told = plan.to_mapping() | {"stages": dict(stages), "memory": memory}
    reporter.result("plan", seconds=sum(stages.values()), **told)


def memory_of(config: Config, design: AnyDesign | None, searching: bool) -> dict[str, float]:
    """Bytes of search, if there is one, and training, by the first word of their stages.

    Args:
        design: what is, or will probably be, retrained.
    """
    found: dict[str, float] = {}
    predicted = predict_memory(config) if searching or design is None else None
    if predicted and searching:
        found["search"] = predicted.search
    if predicted and design is None:
        found["train"] = predicted.retraining(config.search.memory_budget)
    if design is not None:
        found["train"] = retraining_cost(design, config).training_memory
    return found
