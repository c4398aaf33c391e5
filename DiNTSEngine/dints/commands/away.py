"""`--on NAME` of commands that work on a run: what they would do here is done on another computer, and followed."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from dints.commands.options import add_host, configuration
from dints.config import Config, TaskConfig
from dints.data.check import CheckResult
from dints.data.datalist import DataList, dealing_order, read_datalist
from dints.data.record import FORMAT, DataRecord, changes
from dints.errors import InputError
from dints.events import JsonReporter, Reporter
from dints.files.passing import passing_folder
from dints.files.plain_yaml import to_yaml
from dints.files.storage import write_text
from dints.files.untrusted.yaml_text import parse_yaml
from dints.model.installed import find_model
from dints.remote.hosts import SCHEDULERS, Host, find_host
from dints.remote.runs.away import AwayRun
from dints.remote.runs.guest import Stage
from dints.remote.runs.parcel import Parcel
from dints.remote.worker import PREFIX
from dints.run import Run, run_lock
from dints.run_layout import RunLayout
from dints.stages import refuse_needless_search
from dints.zoo.catalogue import find_design

StagesThere = Callable[
    [Sequence[str], Sequence[str], Host], list[Stage]
]  # by the options of run and data there, and where


def add_on(parser: argparse.ArgumentParser) -> None:
    add_host(parser)
    parser.add_argument(
        "--detach", action="store_true", help="with --on: end once it is begun; `dints follow` shows it"
    )


@dataclass
class Words:
    """The words of a command there, and the files that they name: of here, or with a text."""

    words: list[str] = field(default_factory=list)
    files: dict[str, Path] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)

    def add(self, option: str, value: object) -> None:
        """An option, if it has a value."""
        if value is not None:
            self.words += [option, str(value)]

    def add_file(self, option: str, value: str | None, name: str) -> None:
        """An option whose value is a file of here, which goes there as `name`, or a name that is known there."""
        if value is not None and Path(value).is_file():
            self.files[name], value = Path(value), name
        self.add(option, value)

    def add_settings(self, option: str, value: str | None, name: str) -> None:
        """The same of a file of settings, without its comments, which may name a patient or a folder."""
        if value is not None and Path(value).is_file():
            settings = parse_yaml(Path(value).read_text(encoding="utf-8"))
            self.texts[name], value = to_yaml(settings), name
        self.add(option, value)

    def all_files(self, folder: Path) -> dict[str, Path]:
        """By their names there; those with a text are written into a folder."""
        for name, text in self.texts.items():
            write_text(folder / name, text)
        return self.files | {name: folder / name for name in self.texts}


def search_there(arguments: argparse.Namespace, reporter: Reporter) -> None:
    """`dints search --on`: the search, and with `--train` all that follows it."""
    words = _shared(arguments)
    words.add("--memory-budget", arguments.memory_budget)
    words.words += ["--no-topology-loss"] * arguments.no_topology_loss

    def stages(run: Sequence[str], data: Sequence[str], host: Host) -> list[Stage]:
        search = Stage("search", ("search", *run, *data, *words.words))
        if not arguments.train:
            return [search]
        most = (configuration(arguments) or Config()).with_overrides(arguments.set).training.folds
        folds = range(most) if host.scheduler != SCHEDULERS[0] else None  # a run that fits its time may have fewer
        return [search, *_training(arguments, ("train", *run), run, folds)]

    _do_there(arguments, words, stages, reporter)


def train_there(arguments: argparse.Namespace, reporter: Reporter) -> None:
    """`dints train --on`: the folds, and their evaluation."""
    if arguments.old:
        raise InputError("--old: is not possible on another computer; leave it out, or train here")
    words = _shared(arguments)
    if arguments.start is not None:
        model = find_model(arguments.start)
        if model.is_dir():
            raise InputError(f"{model}: is a folder; `dints models export` makes a file of it, which can be sent")
        words.add_file("--from", str(model), f"start{model.suffix}")

    def stages(run: Sequence[str], data: Sequence[str], host: Host) -> list[Stage]:
        command, folds = ("train", *run, *data, *words.words), arguments.folds
        known = RunLayout(arguments.run_folder).is_run  # a new run is made by the one job that begins it
        if host.scheduler != SCHEDULERS[0] and known:
            return _training(arguments, command, run, folds or Run(arguments.run_folder).startable_folds)
        chosen = () if folds is None else ("--folds", ",".join(map(str, folds)))
        return _training(arguments, (*command, *chosen), run, None)

    _do_there(arguments, words, stages, reporter)


def _training(
    arguments: argparse.Namespace, command: tuple[str, ...], run: Sequence[str], folds: Sequence[int] | None
) -> list[Stage]:
    """The training, with a job for each of the folds or one for all, and the evaluation."""
    tasks = tuple(("--folds", str(fold)) for fold in folds or ())
    return [Stage("train", command, tasks), Stage("evaluate", ("evaluate", *run, "--device", arguments.device))]


def _shared(arguments: argparse.Namespace) -> Words:
    if arguments.accept_changes:
        raise InputError("--accept-changes: what was sent does not change; start a new run with the data of today")
    words, config = Words(), (configuration(arguments) or Config()).with_overrides(arguments.set)
    refuse_needless_search(config)
    if config.search.architecture and Path(config.search.architecture).is_file():
        raise InputError("search.architecture: a file does not travel in a setting; give it with --architecture")
    words.add_settings("--config", arguments.config, "config.yaml")
    if arguments.architecture is not None:
        find_design(arguments.architecture, config.search.space)  # that there is none is said before anything is sent
        words.add_file("--architecture", arguments.architecture, f"architecture{Path(arguments.architecture).suffix}")
    for change in arguments.set:
        words.add("--set", change)
    words.add("--hours", arguments.hours)
    words.add("--device", arguments.device)
    return words


def _do_there(arguments: argparse.Namespace, words: Words, stages: StagesThere, reporter: Reporter) -> None:
    folder, host = arguments.run_folder, find_host(arguments.on)
    with run_lock(folder):
        away, datalist = _away(arguments, host, reporter)
        with away, stopping_there(away, reporter), passing_folder(PREFIX) as texts:
            begun = stages(("--run", away.run_there), ("--data", away.data_there), host)
            away.begin(begun, words.all_files(texts), datalist, reporter)
            if not arguments.detach:
                away.follow(reporter)


def _away(arguments: argparse.Namespace, host: Host, reporter: Reporter) -> tuple[AwayRun, DataList | None]:
    """The run, and what is to be sent of its data: nothing of one that was begun."""
    folder, data = arguments.run_folder, arguments.data
    known = AwayRun.open(folder) if RunLayout(folder).remote_file.is_file() else None
    if known and known.host.name != host.name:
        raise InputError(f"{folder}: is on {known.host.name}, not on {host.name}; start a new run there")
    if known and known.is_begun:
        _check_sent(known, data, reporter)
        return known, None
    if known and data is None:
        data = Path(known.record.data)
    if data is None:
        raise InputError(f"{folder}: is no run yet; give its data set with --data")
    config = configuration(arguments)
    datalist = read_datalist(data, config.task if config and config.task != TaskConfig() else None)
    CheckResult(datalist.problems, ()).refuse_errors(f"`dints check {data}` lists all")
    for problem in datalist.problems:
        reporter.warning(str(problem))
    seed = (config or Config()).with_overrides(arguments.set).training.seed
    names = [case.name for case in datalist.cases]
    datalist = replace(datalist, dealt=datalist.dealt or dealing_order(names, seed))  # folds are those of here
    return AwayRun.create(folder, host, data, Parcel(datalist), known.record if known else None), datalist


def _check_sent(away: AwayRun, data: Path | None, reporter: Reporter) -> None:
    """InputError if other data are given than were sent. Says what changed in them here since then."""
    sent = Path(away.record.data)
    if data is not None and data.resolve() != sent:
        remedy = "leave out --data, or start a new run"
        raise InputError(f"{away.layout.folder}: goes on with what was sent of {sent}, not with {data}; {remedy}")
    with suppress(InputError):  # what is no longer here is not needed
        then = DataRecord.from_mapping({"format": FORMAT, "folds": [], "cases": away.record.cases}, str(sent))
        config = away.layout.config_file
        now = read_datalist(sent, Config.load(config).task if config.is_file() else None)
        if differences := changes(then, now):
            reporter.warning(f"{sent}: changed since it was sent ({differences}); the run goes on with what was sent")


@contextmanager
def stopping_there(away: AwayRun, reporter: Reporter) -> Iterator[None]:
    """A request to stop ends the run there, where another program asks; Ctrl-C ends following alone."""
    try:
        yield
    except KeyboardInterrupt:
        if isinstance(reporter, JsonReporter):
            with suppress(InputError):  # it had not begun
                away.stop(False, reporter)
        raise
