"""List the installed models, show or install one, or export a run or a model."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from dints.commands.options import add_run
from dints.errors import InputError
from dints.events import Reporter
from dints.model.archive import read_manifest
from dints.model.installed import describe, find_model, install, installed_models, models_folder, remove
from dints.model.model import load_model
from dints.model.reference import save_reference_architecture, save_reference_weights
from dints.run import Run
from dints.stages import export


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(title="actions", metavar="ACTION")
    parser.set_defaults(act=_list)
    actions.add_parser("list", help=f"the models in {models_folder()} (the default action)")
    for name, action, text in (
        ("show", _show, "what a model says of itself"),
        ("install", _install, "copy a model file to the installed models"),
        ("remove", _remove, "delete an installed model"),
    ):
        command = actions.add_parser(name, help=text)
        command.add_argument("model", help="model file or folder, or the name of an installed model")
        command.set_defaults(act=action)
    command = actions.add_parser("export", help="write the trained folds of a run as a model file")
    add_run(command)
    command.add_argument("--output", default="", help="model file (.zip) or folder (default: model.zip in the run)")
    command.add_argument("--name", help="in place of the task's name")
    command.add_argument("--notes", default="", help="intended use, limits, where the data comes from")
    command.add_argument("--label", action="append", default=[], metavar="VALUE=NAME", help="rename a label")
    command.set_defaults(act=_export)
    command = actions.add_parser("reference", help="write a model in the format of the reference implementation")
    command.add_argument("model", help="model file or folder, or the name of an installed model")
    command.add_argument("--output", type=Path, required=True, help="folder for the architecture and the weights")
    command.set_defaults(act=_reference)


def run(arguments: argparse.Namespace, reporter: Reporter) -> None:
    arguments.act(arguments, reporter)


def _list(arguments: argparse.Namespace, reporter: Reporter) -> None:
    entries = installed_models()
    reporter.result("models", folder=str(models_folder()), models=entries)
    for entry in entries:
        problem = entry.get("problem")
        reporter.message(f"{entry['file']}: {problem}" if problem else f"{entry['file']}: {entry['summary']}")
    if not entries:
        reporter.message(f"No models in {models_folder()}; add one with `dints models install FILE`")


def _show(arguments: argparse.Namespace, reporter: Reporter) -> None:
    path = find_model(arguments.model)
    values = describe(read_manifest(path)) | {"path": str(path)}
    reporter.result("model", **values)
    for key, value in values.items():
        reporter.message(f"{key}: {value}")


def _install(arguments: argparse.Namespace, reporter: Reporter) -> None:
    path = install(Path(arguments.model))
    reporter.result("model", path=str(path))
    reporter.message(f"Installed {path}")


def _remove(arguments: argparse.Namespace, reporter: Reporter) -> None:
    path = remove(arguments.model)
    reporter.message(f"Removed {path}")


def _export(arguments: argparse.Namespace, reporter: Reporter) -> None:
    run = Run(arguments.run_folder)
    config = run.model_config()
    labels = _renamed(config.task.labels, arguments.label)
    config = replace(config, task=replace(config.task, name=arguments.name or config.task.name, labels=labels))
    model = export(run, reporter, config, arguments.notes, arguments.output)
    reporter.message(f"Exported {model.path}")


def _renamed(labels: dict[int, str], changes: list[str]) -> dict[int, str]:
    """Labels with the names of VALUE=NAME in place of their own."""
    renamed = dict(labels)
    for change in changes:
        value, _, name = change.partition("=")
        if not value.isdecimal() or int(value) not in labels or not name.strip():
            known = ", ".join(map(str, labels))
            raise InputError(f"--label {change!r}: expected VALUE=NAME with a value among {known}")
        renamed[int(value)] = name.strip()
    return renamed


def _reference(arguments: argparse.Namespace, reporter: Reporter) -> None:
    model = load_model(find_model(arguments.model))
    save_reference_architecture(model.manifest.architecture, arguments.output / "architecture.pth")
    for fold, network in enumerate(model.networks):
        save_reference_weights(network, arguments.output / f"fold{fold}.pt")
    reporter.message(f"Wrote architecture.pth and {len(model.networks)} state dicts to {arguments.output}")
