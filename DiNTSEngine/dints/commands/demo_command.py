"""The whole job in one command: check, search, retrain, cross-validate, segment unseen cases, report.

Without --data it works on phantoms that it generates. An interrupted demo goes on where it stopped.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from dints.commands.opening import open_or_create
from dints.commands.options import add_configuration, add_data, add_device, fold_list
from dints.commands.planning import add_hours, announce
from dints.data.phantom import write_phantoms
from dints.device import select_device
from dints.errors import InputError
from dints.evaluation.cross_validation import cross_validate, evaluate_model, report_summary
from dints.events import Reporter
from dints.plan.forecast import kept_plan
from dints.report.write import write_report
from dints.run import Run, run_lock
from dints.run_layout import RunLayout
from dints.stages import check_folds, export, search, train

PHANTOM_CONFIG, PHANTOMS = "phantom", "phantoms"  # its settings, and the folder of its data in the run
DEMO_FOLDS = [0, 1]
HELD_OUT = 2  # labelled cases for the ensemble


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--run", type=Path, default=Path("runs/demo"), dest="run_folder", metavar="RUN", help="folder (runs/demo)"
    )
    add_data(parser)
    parser.add_argument("--data-only", action="store_true", help="generate the phantoms and stop")
    add_configuration(parser)
    add_hours(parser)
    parser.add_argument("--folds", type=fold_list, help="folds to retrain (default: 0,1; all of a run with --hours)")
    parser.add_argument("--held-out", type=int, help=f"labelled cases kept for the ensemble (new runs: {HELD_OUT})")
    add_device(parser)


def run(arguments: argparse.Namespace, reporter: Reporter) -> None:
    if arguments.data_only and arguments.data:
        raise InputError("--data-only generates phantoms, and --data takes other data; give one of them")
    with run_lock(arguments.run_folder):
        _whole_job(arguments, reporter)


def _is_of_phantoms(arguments: argparse.Namespace) -> bool:
    """Whether the data are those that this command generates: not of a run that was begun with others."""
    folder: Path = arguments.run_folder
    if arguments.data_only or not RunLayout(folder).is_run:
        return True
    return Run(folder).data_folder == (folder / PHANTOMS).resolve()


def _whole_job(arguments: argparse.Namespace, reporter: Reporter) -> None:
    if arguments.data is None and _is_of_phantoms(arguments):
        arguments.data = arguments.run_folder / PHANTOMS
        arguments.config = arguments.config or PHANTOM_CONFIG
        if not (arguments.data / "dataset.json").is_file():
            write_phantoms(arguments.data, reporter=reporter)
    if arguments.data_only:
        reporter.result("data", path=str(arguments.data), config=arguments.config)
        return
    device = select_device(arguments.device)
    is_new = not RunLayout(arguments.run_folder).is_run
    held_out = HELD_OUT if arguments.held_out is None and is_new else arguments.held_out
    run = open_or_create(arguments, device, reporter, held_out=held_out)
    folds = _folds(arguments, run)
    check_folds(run, folds)
    announce(run, device, reporter, folds)
    search(run, device, reporter)
    train(run, folds, device, reporter)
    report_summary("Cross-validation", cross_validate(run, arguments.device, reporter), reporter)
    model = export(run, reporter)
    unseen = [case for case in run.datalist.cases if case.name in run.held_out]
    if unseen:
        rows = evaluate_model(model, unseen, run.held_out_folder, arguments.device, reporter)
        report_summary("Ensemble on unseen cases", rows, reporter)
    path = write_report(run.folder)
    reporter.result("report", path=str(path))
    reporter.message(f"Model: {model.path}\nReport: {path}")


def _folds(arguments: argparse.Namespace, run: Run) -> list[int]:
    """Those that were asked for; else two, or all of a run that was made to fit its time."""
    if arguments.folds is not None:
        folds: list[int] = arguments.folds
        return folds
    plan = kept_plan(run.plan_file, Reporter())
    if plan is None and run.plan_file.is_file():
        reason = "is damaged, so it is not known whether the run was to fit a time, with all of its folds"
        raise InputError(f"{run.plan_file}: {reason}; say which with --folds, for example 0,1")
    return list(range(run.config.training.folds)) if plan and plan.hours else DEMO_FOLDS
