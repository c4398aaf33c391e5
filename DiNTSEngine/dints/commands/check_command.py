"""Read every case of a data set and list all problems at once."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from dints.commands.options import add_configuration, configuration, refuse_contradiction
from dints.config import Config, PreprocessingConfig, TaskConfig
from dints.data.check import CheckResult, check
from dints.data.datalist import DataList, read_datalist
from dints.data.fingerprint import default_config, fingerprint, preprocessing, with_scaling
from dints.data.outputs import refuse_replacing
from dints.errors import InputError
from dints.events import Reporter
from dints.files.storage import write_json
from dints.run_layout import RunLayout


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("data", type=Path, help="folder with dataset.json, or with images/ and labels/")
    add_configuration(parser)
    parser.add_argument("--folds", type=int, help="how many folds will be trained: --set training.folds=FOLDS")
    parser.add_argument("--output", type=Path, help="write what was found as JSON")
    parser.add_argument("--settings", type=Path, help="write the settings for these data as YAML, to be adjusted")


def run(arguments: argparse.Namespace, reporter: Reporter) -> None:
    _refuse_files_of_runs([arguments.output, arguments.settings])
    if arguments.folds is not None:
        folds = [f"training.folds={arguments.folds}"]
        refuse_contradiction(arguments.set, folds)
        arguments.set = [*arguments.set, *folds]
    config = configuration(arguments)
    task = config.task if config and config.task != TaskConfig() else None
    datalist = read_datalist(arguments.data, task)
    given = [Path(path) for path in (arguments.data, arguments.config or "") if Path(path).is_file()]
    refuse_replacing([arguments.output, arguments.settings], [*datalist.files, *given])
    training = (config or Config()).with_overrides(arguments.set).training
    result = check(datalist, training.folds, reporter, training.seed)
    if not result.errors:
        result = with_scaling(result, _scaling(arguments, config if task else None, datalist, result), datalist)
    if arguments.output:
        write_json(arguments.output, result.to_mapping())
    for sentence in result.notes:
        reporter.message(f"{arguments.data}: {sentence}")
    for problem in result.problems:
        reporter.message(f"{problem.severity}: {problem}")
    reporter.result("check", **result.to_mapping())
    result.refuse_errors("all listed above")
    if arguments.settings:
        _settings(arguments, config if task else None, datalist, result).save(arguments.settings)
    count = len(datalist.cases) - len(datalist.held_out)
    reporter.message(f"{arguments.data}: {count} cases can be trained with")


def _refuse_files_of_runs(outputs: Iterable[Path | None]) -> None:
    """What a run began with stays as it was."""
    for path in outputs:
        run = RunLayout(path.parent) if path else None
        if path and run and run.is_run and path in (run.config_file, run.check_file):
            raise InputError(f"{path}: belongs to a run, which goes on as it began; write to another file")


def _settings(
    arguments: argparse.Namespace, complete: Config | None, datalist: DataList, result: CheckResult
) -> Config:
    """The settings that a search of these data would start with; `complete` ones describe the task themselves."""
    if complete is None:
        from dints.device import device_memory, select_device  # PyTorch is not needed without --settings

        derived = default_config(datalist, fingerprint(result, datalist), device_memory(select_device()))
        complete = Config.load(arguments.config, derived) if arguments.config else derived
    return complete.with_overrides(arguments.set)


def _scaling(
    arguments: argparse.Namespace, complete: Config | None, datalist: DataList, result: CheckResult
) -> PreprocessingConfig:
    """The preprocessing of `_settings`, which takes no look at the device."""
    if complete is None:
        base = Config()
        task = replace(base.task, name=datalist.name, channels=datalist.channels)
        derived = preprocessing(fingerprint(result, datalist), base.preprocessing)
        base = replace(base, task=task, preprocessing=derived)
        complete = Config.load(arguments.config, base) if arguments.config else base
    return complete.with_overrides(arguments.set).preprocessing
