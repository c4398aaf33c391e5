"""A run on disk: opened, created, locked. `dints.run_layout` owns its paths and its logs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import torch
from torch import nn

from dints.config import Config
from dints.data.cache import Cache, build_cache
from dints.data.datalist import Case, DataList, data_folds, read_datalist
from dints.data.joined import joined, old_name
from dints.data.record import DataRecord, Splits, changes, record_of
from dints.errors import InputError
from dints.events import Reporter
from dints.files.lock import locked
from dints.files.storage import checksum, read_json, remove_leftovers, write_json
from dints.process_group import is_main_process
from dints.run_layout import FoldState, RunLayout
from dints.seeds import shuffled
from dints.space.network import build_network
from dints.training.checkpoint import restoring
from dints.training.start import StartRecord
from dints.zoo.catalogue import AnyDesign, read_design

RUN_FORMAT = 1
FEWEST_TO_SPLIT = 4  # cases; of fewer each fold is validated on one, so that two are left to learn from


@contextmanager
def run_lock(folder: Path, shared: bool = False) -> Iterator[None]:
    """Keeps other processes from working on a run, and clears away what killed ones left half written there.

    Processes that train one network together count as one.

    Args:
        shared: lets those in that share the run with this one: they train other folds.

    Raises:
        InputError: another process works on the run.
    """
    if not is_main_process():
        yield
        return
    with locked(folder, shared):
        remove_leftovers(folder, recursive=True)
        yield


class Run(RunLayout):
    """Opens a run folder; `create` makes one. Everything else that happens to it is in `dints.stages`."""

    def __init__(self, folder: str | Path) -> None:
        super().__init__(folder)
        if not self.is_run:
            raise InputError(f"{self.folder}: is not a run; start one with `dints search --data FOLDER --run RUN`")
        values = read_json(self.run_file)
        if not isinstance(values, dict) or values.get("format") != RUN_FORMAT:
            raise InputError(f"{self.run_file}: is not of format {RUN_FORMAT}; start a new run")
        data, held_out = values.get("data"), values.get("held_out")
        if not isinstance(data, str) or not isinstance(held_out, list) or not all(isinstance(n, str) for n in held_out):
            raise InputError(f"{self.run_file}: does not name its data and held-out cases; start a new run")
        self.data_folder = Path(data)
        self.held_out: frozenset[str] = frozenset(held_out)
        self.start = StartRecord.from_mapping(values.get("start"), str(self.run_file))
        self.config = Config.load(self.config_file)
        if values.get("config_sha256", own := checksum(self.config_file)) != own:  # runs of before have none
            raise InputError(f"{self.config_file}: is not what the run began with; put it back, or start a new run")

    @staticmethod
    def create(
        folder: str | Path,
        data: str | Path,
        config: Config,
        held_out: Sequence[str] = (),
        start: StartRecord | None = None,
    ) -> Run:
        """Makes the folder of a new run, or opens the same one again.

        Args:
            held_out: names of labelled cases that neither search nor training may see.
            start: what its networks start from; the weights are in the folder already.

        Raises:
            InputError: `folder` is a run on other data, or with other settings or held-out cases.
        """
        layout, data = RunLayout(folder), Path(data).resolve()
        if layout.is_run:
            existing = Run(folder)
            if existing.data_folder != data:
                raise InputError(f"{folder}: is a run on {existing.data_folder}, not on {data}; choose another folder")
            if (existing.config, existing.held_out, existing.start) != (config, frozenset(held_out), start):
                raise InputError(f"{folder}: is a run with other settings or held-out cases; choose another folder")
            return existing
        config.save(layout.config_file)
        _write_run_file(layout, data, held_out, start)
        return Run(folder)

    @property
    def drawn_held_out(self) -> frozenset[str]:
        """The held-out cases that were drawn when the run began; the data set may hold out others itself."""
        return self.held_out - frozenset(self.datalist.held_out)

    def model_config(self) -> Config:
        """The configuration with the cleanup that the cross-validation found."""
        if not self.cleanup_file.is_file():
            return self.config
        return Config.from_mapping({"inference": read_json(self.cleanup_file)}, str(self.cleanup_file), self.config)

    @property
    def states(self) -> list[FoldState]:
        """How far each fold is, in order."""
        return [self.fold_state(fold, self.config.training.iterations) for fold in range(self.config.training.folds)]

    @property
    def trained_folds(self) -> list[int]:
        """Folds whose training is finished."""
        return [fold for fold, state in enumerate(self.states) if state.finished]

    def require_trained_folds(self, reporter: Reporter, wanted: Sequence[int] | None = None) -> list[int]:
        """The trained folds, or those that are wanted; warns of those that were begun and are not finished.

        InputError if none is finished, or one that is wanted is not.
        """
        states = self.states
        if wanted is not None:
            return self._finished(wanted, states)
        trained = [fold for fold, state in enumerate(states) if state.finished]
        begun = [
            f"fold {fold} (step {state.step} of {state.total})"
            for fold, state in enumerate(states)
            if state.started and not state.finished
        ]
        resume = f"`dints train --run {self.folder}`"
        if not trained:
            reason = f"only {', '.join(begun)} begun; {resume} finishes them" if begun else f"run {resume} first"
            raise InputError(f"{self.folder}: has no trained fold: {reason}")
        if begun:
            reporter.warning(f"{self.folder}: {', '.join(begun)} left out, as not finished; {resume} goes on")
        return trained

    def _finished(self, wanted: Sequence[int], states: Sequence[FoldState]) -> list[int]:
        for fold in wanted:
            if not 0 <= fold < len(states):
                raise InputError(f"fold {fold}: does not exist; the run has folds 0 to {len(states) - 1}")
            if not states[fold].finished:
                step = f"step {states[fold].step} of {states[fold].total}"
                remedy = f"`dints train --run {self.folder} --folds {fold}` trains it"
                raise InputError(f"fold {fold} of {self.folder}: is not trained to its end ({step}); {remedy}")
        return list(wanted)

    def architecture(self) -> AnyDesign:
        """What is retrained: searched, or given. InputError if there is none yet."""
        if not self.architecture_file.is_file():
            raise InputError(f"{self.folder}: has no architecture yet; search first or give one with --architecture")
        return read_design(self.architecture_file)

    def build(self) -> nn.Module:
        """A network of the architecture, with random weights."""
        task = self.config.task
        return build_network(self.architecture(), len(task.channels), len(task.labels), self.config.training.filters)

    def begin(self, fold: int) -> nn.Module:
        """The network that a fold starts as: of the model that the run started from, else with random weights."""
        network = self.build()
        if self.start:
            with restoring(self.start_file(fold), torch.device("cpu")) as state:
                network.load_state_dict(state["network"])
        return network

    @property
    def startable_folds(self) -> list[int]:
        """Folds that are trained unless others are asked for: all, or those that have weights to start from."""
        return list(self.start.folds) if self.start else list(range(self.config.training.folds))

    @cached_property
    def datalist(self) -> DataList:
        """The data set with all of its cases. InputError if it is no longer there."""
        if not self.data_folder.exists():
            raise InputError(f"{self.data_folder}: the data set of {self.folder} is gone; say where it is with --data")
        return self._read(self.data_folder)

    @cached_property
    def old_run(self) -> Run | None:
        """The run whose cases are learned from beside the new ones."""
        return Run(self.start.old_run) if self.start and self.start.old_run else None

    def _read(self, data: Path) -> DataList:
        datalist, old = read_datalist(data, self.config.task), self.old_run
        return joined(datalist, old.known_cases, old.held_out) if old else datalist

    @property
    def known_cases(self) -> list[Case]:
        """Labelled cases of the folds and those that are held out, by name."""
        held_out = [case for case in self.datalist.cases if case.name in self.held_out]
        return sorted((*self.cases.values(), *held_out), key=lambda case: case.name)

    @cached_property
    def record(self) -> DataRecord:
        """The cases as they were when the run began; a run that has no record yet gets one."""
        if not self.cases_file.is_file():
            self._keep(record_of(self.datalist, self._drawn_splits()))
        return DataRecord.from_mapping(read_json(self.cases_file), str(self.cases_file))

    @cached_property
    def cases(self) -> dict[str, Case]:
        """Labelled cases of the folds, by name. InputError if the data set is no longer that of the run's first day."""
        found = changes(self.record, self.datalist)
        if found:
            raise InputError(
                f"{self.data_folder}: is not what it was when {self.folder} began ({found}); undo that, start a new "
                "run, or go on with --accept-changes: new cases are left out, changed ones taken as they are"
            )
        every = {name for fold in self.record.folds for name in fold}
        return {case.name: case for case in self.datalist.cases if case.name in every}

    def accept_changes(self) -> str:
        """Goes on with the folds as they are: new cases are left out, changed files taken. Says what changed.

        InputError if a case of a fold is missing.
        """
        found = changes(self.record, self.datalist)
        lost = [name for name in found.missing if any(name in fold for fold in self.record.folds)]
        if lost:
            raise InputError(f"{self.data_folder}: lacks {', '.join(lost)}, which folds were drawn with; put them back")
        if found:
            self._keep(DataRecord(record_of(self.datalist, ()).files, self.record.folds))
        return str(found)

    def move_data(self, data: Path) -> None:
        """Takes the same cases from another place. InputError if they are others there."""
        datalist = self._read(data)
        if found := changes(self.record, datalist):
            raise InputError(f"{data}: holds other cases than {self.folder} began with ({found}); give the same data")
        _write_run_file(self, Path(data).resolve(), self.held_out, self.start)
        self.data_folder = Path(data).resolve()
        self.__dict__.pop("datalist", None)
        self.__dict__.pop("cases", None)

    def _drawn_splits(self) -> Splits:
        """By the data list where it says so, else by the seed."""
        names = [case.name for case in self.datalist.cases if case.name not in self.held_out]
        if self.datalist.folds:
            return _parts(names, [[name for name in fold if name in set(names)] for fold in self.datalist.folds])
        folds, seed = self.config.training.folds, self.config.training.seed
        if self.old_run:
            before = [[old_name(name) for name in validation] for _, validation in self.old_run.splits]
            new = shuffled(sorted(set(names) - {name for fold in before for name in fold}), seed, "new cases")
            return _parts(names, [[*own, *new[fold :: len(before)]] for fold, own in enumerate(before)])
        if self.start and len(names) < max(folds, FEWEST_TO_SPLIT):  # some are validated in two folds
            dealt = shuffled(sorted(names), seed, "few cases")
            return _parts(names, [[dealt[fold % len(dealt)]] for fold in range(folds)])
        return data_folds(names, folds, seed, self.datalist.dealt)

    def _keep(self, record: DataRecord) -> None:
        write_json(self.cases_file, record.to_mapping())
        for name in ("record", "cases"):
            self.__dict__.pop(name, None)

    @cached_property
    def splits(self) -> Splits:
        """(training names, validation names) of every fold."""
        return self.record.splits

    def cache(self, reporter: Reporter) -> Cache:
        """Preprocessed volumes of all cases, built where they are missing."""
        return build_cache(
            list(self.cases.values()),
            self.config.preprocessing,
            self.config.task.labels,
            self.cache_folder,
            reporter,
            self.config.task.ignored,
        )


def _parts(names: Sequence[str], validation: Sequence[Sequence[str]]) -> Splits:
    """(training names, validation names) by those that each fold is validated on."""
    return tuple((tuple(sorted(set(names) - set(fold))), tuple(sorted(fold))) for fold in validation)


def _write_run_file(layout: RunLayout, data: Path, held_out: Iterable[str], start: StartRecord | None) -> None:
    """What the run stays with: its data, held-out cases and settings, which are there already."""
    values = {"data": str(data), "held_out": sorted(held_out), "config_sha256": checksum(layout.config_file)}
    write_json(layout.run_file, {"format": RUN_FORMAT, **values, **({"start": start.to_mapping()} if start else {})})


def load_fold(run: Run, fold: int) -> tuple[nn.Module, tuple[float | None, ...]]:
    """The best network of a fold, on the CPU and ready for inference, and its validation Dice a foreground class."""
    network = run.build()
    with restoring(run.fold(fold).best, torch.device("cpu")) as state:
        network.load_state_dict(state["network"])
        dice = tuple(None if value is None else float(value) for value in state["dice"])
    network.eval().requires_grad_(False)
    return network, dice
