"""A run on disk: one folder with the configuration, the cache, and what every stage left behind.

run.json        which data set, and which cases are held out
config.yaml     every setting
check.json      what the check found
cache/          preprocessed volumes
search/         checkpoint.pt log.jsonl current.json architecture.{json,png,svg} summary.json
train/fold<k>/  last.pt best.pt log.jsonl
evaluation/     scores.csv scores.json cleanup.json predictions/
    held_out/       the same for cases that no network saw
model.zip       the exported ensemble
report.html
.lock           held while a process works on the run
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import torch

from dints.config import Config
from dints.data.cache import Cache, build_cache
from dints.data.datalist import Case, DataList, data_folds, read_datalist
from dints.errors import InputError
from dints.events import Reporter
from dints.files.lock import locked
from dints.files.storage import read_json, remove_leftovers, write_json
from dints.process_group import is_main_process
from dints.space.architecture import Architecture
from dints.space.network import Network, build_network
from dints.training.checkpoint import restoring

RUN_FORMAT = 1


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


class Run:
    """Opens a run folder; `create` makes one. Everything else that happens to it is in `dints.stages`."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        if not (self.folder / "run.json").is_file():
            raise InputError(f"{self.folder}: is not a run; start one with `dints search --data FOLDER --run RUN`")
        values = read_json(self.folder / "run.json")
        if not isinstance(values, dict) or values.get("format") != RUN_FORMAT:
            raise InputError(f"{self.folder}/run.json: is not of format {RUN_FORMAT}; start a new run")
        data, held_out = values.get("data"), values.get("held_out")
        if not isinstance(data, str) or not isinstance(held_out, list) or not all(isinstance(n, str) for n in held_out):
            raise InputError(f"{self.folder}/run.json: does not name its data and held-out cases; start a new run")
        self.data_folder = Path(data)
        self.held_out: frozenset[str] = frozenset(held_out)
        self.config = Config.load(self.folder / "config.yaml")

    @staticmethod
    def create(folder: str | Path, data: str | Path, config: Config, held_out: Sequence[str] = ()) -> Run:
        """Makes the folder of a new run; an existing run must be about the same data.

        Args:
            held_out: names of labelled cases that neither search nor training may see.

        Raises:
            InputError: `folder` is a run on other data.
        """
        folder, data = Path(folder), Path(data).resolve()
        if (folder / "run.json").is_file():
            existing = Run(folder)
            if existing.data_folder != data:
                raise InputError(f"{folder}: is a run on {existing.data_folder}, not on {data}; choose another folder")
        config.save(folder / "config.yaml")
        write_json(folder / "run.json", {"format": RUN_FORMAT, "data": str(data), "held_out": sorted(held_out)})
        return Run(folder)

    @property
    def search_folder(self) -> Path:
        """Of the architecture search."""
        return self.folder / "search"

    @property
    def architecture_file(self) -> Path:
        """The architecture that is retrained: searched, or put there."""
        return self.search_folder / "architecture.json"

    @property
    def evaluation_folder(self) -> Path:
        """Of the cross-validation."""
        return self.folder / "evaluation"

    @property
    def cleanup_file(self) -> Path:
        """Which labels gained from keeping their largest component in the cross-validation."""
        return self.evaluation_folder / "cleanup.json"

    def model_config(self) -> Config:
        """The configuration with the cleanup that the cross-validation found."""
        if not self.cleanup_file.is_file():
            return self.config
        return Config.from_mapping({"inference": read_json(self.cleanup_file)}, str(self.cleanup_file), self.config)

    @property
    def model_file(self) -> Path:
        """The exported ensemble."""
        return self.folder / "model.zip"

    def fold_folder(self, fold: int) -> Path:
        """Of one retrained fold."""
        return self.folder / "train" / f"fold{fold}"

    @property
    def trained_folds(self) -> list[int]:
        """Folds with a network."""
        return [fold for fold in range(self.config.training.folds) if (self.fold_folder(fold) / "best.pt").is_file()]

    def architecture(self) -> Architecture:
        """InputError if there is none yet."""
        if not self.architecture_file.is_file():
            raise InputError(f"{self.folder}: has no architecture yet; search first or give one with --architecture")
        return Architecture.load(self.architecture_file)

    @cached_property
    def datalist(self) -> DataList:
        """The data set with all of its cases."""
        return read_datalist(self.data_folder, self.config.task)

    @cached_property
    def cases(self) -> dict[str, Case]:
        """Labelled cases that are not held out, by name."""
        return {case.name: case for case in self.datalist.cases if case.name not in self.held_out}

    @cached_property
    def splits(self) -> tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]:
        """(training names, validation names) of every fold."""
        return data_folds(self.cases, self.config.training.folds, self.config.training.seed)

    def cache(self, reporter: Reporter) -> Cache:
        """Preprocessed volumes of all cases, built where they are missing."""
        return build_cache(
            list(self.cases.values()),
            self.config.preprocessing,
            tuple(sorted(self.config.task.labels)),
            self.folder / "cache",
            reporter,
        )


def load_fold(run: Run, fold: int) -> tuple[Network, tuple[float | None, ...]]:
    """The best network of a fold, on the CPU and ready for inference, and its validation Dice a foreground class."""
    config = run.config
    network = build_network(
        run.architecture(), len(config.task.channels), len(config.task.labels), config.training.filters
    )
    with restoring(run.fold_folder(fold) / "best.pt", torch.device("cpu")) as state:
        network.load_state_dict(state["network"])
        dice = tuple(None if value is None else float(value) for value in state["dice"])
    network.eval().requires_grad_(False)
    return network, dice
