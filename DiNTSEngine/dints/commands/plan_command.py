"""Predict how long each stage of a run takes on this computer, and the memory that it needs, before it starts."""

from __future__ import annotations

import argparse

from dints.commands.options import add_device, add_run
from dints.config import Config
from dints.cost.memory import predict_memory, retraining_cost
from dints.device import select_device
from dints.events import Reporter, gibibytes
from dints.plan.forecast import plan_run
from dints.plan.plan import Plan, lines
from dints.run import Run, run_lock
from dints.zoo.catalogue import AnyDesign


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_run(parser)
    add_device(parser)


def run(arguments: argparse.Namespace, reporter: Reporter) -> None:
    with run_lock(arguments.run_folder, shared=True):
        run = Run(arguments.run_folder)
        device = select_device(arguments.device)
        plan = plan_run(run, device, reporter)
    design = run.architecture() if run.architecture_file.is_file() else None
    show(plan, run.config, design, reporter)


def show(plan: Plan, config: Config, design: AnyDesign | None, reporter: Reporter) -> None:
    """The table, what was chosen, and the result "plan"."""
    for line in lines(plan.stages, memory_of(config, design)):
        reporter.message(line)
    for sentence in (*plan.chosen, *plan.left_out):
        reporter.message(sentence)
    reporter.result("plan", seconds=plan.seconds, **plan.to_mapping())


def memory_of(config: Config, design: AnyDesign | None) -> dict[str, str]:
    """Of search and training, by the first word of their stages."""
    if design is not None:
        return {"train": gibibytes(retraining_cost(design, config).training_memory)}
    predicted = predict_memory(config)
    retraining = predicted.retraining(config.search.memory_budget)
    return {"search": gibibytes(predicted.search), "train": f"about {gibibytes(retraining)}"}
