"""List the installed models, show or install one, export a run, or convert a model."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from dints.commands.options import add_run
from dints.data.outputs import refuse_replacing
from dints.errors import InputError
from dints.events import Reporter
from dints.model.archive import read_manifest
from dints.model.folder import models_folder
from dints.model.installed import describe, find_model, install, installed_models, remove, use
from dints.model.manifest import FORMAT, LabelStyle
from dints.model.model import load_model
from dints.model.reference import save_reference_architecture, save_reference_weights
from dints.run import Run
from dints.space.architecture import Architecture
from dints.space.network import Network
from dints.space.search_space import SearchSpace
from dints.stages import export
from dints.zoo.catalogue import entries


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(title="actions", metavar="ACTION")
    parser.set_defaults(act=_list)
    parser.add_argument(
        "--architectures", action="store_const", dest="act", const=_architectures, help="list architectures to train"
    )
    actions.add_parser("list", help=f"the models in {models_folder()} (the default action)")
    for name, action, text in (
        ("show", _show, "what a model says of itself"),
        ("install", _install, "copy a model file to the installed models"),
        ("remove", _remove, "delete an installed model"),
    ):
        command = actions.add_parser(name, help=text)
        command.add_argument("model", help="model file or folder, or the name of an installed model")
        command.set_defaults(act=action)
    command = actions.add_parser("use", help="choose which version the name of a model means")
    command.add_argument("model", help="name of an installed model")
    command.add_argument("version", type=int, help="1 is the first; `dints models list` shows all")
    command.set_defaults(act=_use)
    command = actions.add_parser("export", help="write the trained folds of a run as a model file")
    add_run(command)
    command.add_argument("--output", default="", help="model file (.zip) or folder (default: model.zip in the run)")
    command.add_argument("--name", help="in place of the task's name")
    command.add_argument("--notes", default="", help="lines 'Data: ...', 'Licence: ...', 'Limits: ...', and any others")
    command.add_argument("--label", action="append", default=[], metavar="VALUE=NAME", help="rename a label")
    command.add_argument("--color", action="append", default=[], metavar="VALUE=#RRGGBB", help="colour of a label")
    text = "entry of a label in 3D Slicer's form"
    command.add_argument("--terminology", action="append", default=[], metavar="VALUE=ENTRY", help=text)
    command.add_argument("--compact", action="store_true", help="round kernels to 8 bits: a quarter of the size")
    command.set_defaults(act=_export)
    command = actions.add_parser("convert", help="write a model of an older format in the format of today")
    command.add_argument("model", help="model file or folder, or the name of an installed model")
    command.add_argument("--output", type=Path, required=True, help="model file (.zip) or folder")
    command.set_defaults(act=_convert)
    command = actions.add_parser("reference", help="write a model in the format of the reference implementation")
    command.add_argument("model", help="model file or folder, or the name of an installed model")
    command.add_argument("--output", type=Path, required=True, help="folder for the architecture and the weights")
    command.set_defaults(act=_reference)


def _architectures(arguments: argparse.Namespace, reporter: Reporter) -> None:
    found = entries(SearchSpace())
    listed = [{"name": e.name, "caption": e.caption, "data": e.data, "figures": e.figures} for e in found]
    reporter.result("architectures", architectures=listed)
    for entry in found:
        figures = f"; {entry.figures}" if entry.figures else ""
        reporter.message(f"{entry.name}: {entry.caption} (data: {entry.data}){figures}")


def run(arguments: argparse.Namespace, reporter: Reporter) -> None:
    arguments.act(arguments, reporter)


def _list(arguments: argparse.Namespace, reporter: Reporter) -> None:
    entries = installed_models()
    reporter.result("models", folder=str(models_folder()), models=entries)
    for entry in entries:
        problem = entry.get("problem")
        reporter.message(f"{entry['file']}: {problem or entry['summary']}{_version_notes(entry)}")
    if not entries:
        reporter.message(f"No models in {models_folder()}; add one with `dints models install FILE`")


def _version_notes(entry: dict[str, Any]) -> str:
    """What a later version learned from, and whether it is in use."""
    notes = []
    if entry.get("parent") and entry["learned_from"]:
        lesson = entry["learned_from"][-1]
        notes.append(f"; learned from {lesson['cases']} corrections and {lesson['old_cases']} cases of before")
    if "version" in entry and not entry["in_use"]:
        notes.append("; not in use")
    return "".join(notes)


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


def _use(arguments: argparse.Namespace, reporter: Reporter) -> None:
    path = use(arguments.model, arguments.version)
    reporter.result("model", path=str(path), name=arguments.model, version=arguments.version)
    reporter.message(f"{arguments.model} is version {arguments.version} from now on: {path}")


def _remove(arguments: argparse.Namespace, reporter: Reporter) -> None:
    path = remove(arguments.model)
    reporter.message(f"Removed {path}")


def _export(arguments: argparse.Namespace, reporter: Reporter) -> None:
    run = Run(arguments.run_folder)
    config = run.model_config()
    labels = {**config.task.labels, **_by_label("--label", arguments.label, config.task.labels)}
    colors = _by_label("--color", arguments.color, labels)
    entries = _by_label("--terminology", arguments.terminology, labels)
    styles = {value: LabelStyle(colors.get(value, ""), entries.get(value, "")) for value in {**colors, **entries}}
    config = replace(config, task=replace(config.task, name=arguments.name or config.task.name, labels=labels))
    model = export(run, reporter, config, arguments.notes, arguments.output, styles, arguments.compact)
    reporter.message(f"Exported {model.path}")


def _by_label(option: str, arguments: list[str], labels: dict[int, str]) -> dict[int, str]:
    """The texts of VALUE=TEXT by the label's value."""
    texts = {}
    for argument in arguments:
        value, _, text = argument.partition("=")
        if not value.isdecimal() or int(value) not in labels or not text.strip():
            known = ", ".join(map(str, labels))
            raise InputError(f"{option} {argument!r}: expected VALUE=TEXT with a value among {known}")
        texts[int(value)] = text.strip()
    return texts


def _convert(arguments: argparse.Namespace, reporter: Reporter) -> None:
    path = find_model(arguments.model)
    if path.is_file():  # a folder that exists is never written into
        refuse_replacing([arguments.output], [path])
    model = load_model(path).converted(arguments.output)
    reporter.message(f"Wrote {model.path} in format {FORMAT}; its weights are the same, bit for bit")


def _reference(arguments: argparse.Namespace, reporter: Reporter) -> None:
    model = load_model(find_model(arguments.model))
    architecture = model.manifest.architecture
    if not isinstance(architecture, Architecture):
        raise InputError(f"{model.path}: is no network of the search space; the reference can only build those")
    save_reference_architecture(architecture, arguments.output / "architecture.pth")
    for fold, network in enumerate(model.networks):
        assert isinstance(network, Network)
        save_reference_weights(network, arguments.output / f"fold{fold}.pt")
    reporter.message(f"Wrote architecture.pth and {len(model.networks)} state dicts to {arguments.output}")
