"""How long the parts of a run take on this computer: each is done for some seconds, by the code of the run itself."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from torch import nn

from dints.config import Config
from dints.cost.memory import every_edge
from dints.data.cache import build_cache
from dints.data.cases import Case
from dints.data.check import check_case
from dints.data.images import read_image, write_image
from dints.data.sampling import prefetch
from dints.data.segments import read_named_label
from dints.errors import InputError
from dints.evaluation.evaluate import evaluate_case
from dints.events import Reporter
from dints.files.passing import passing_folder
from dints.geometry import Size
from dints.inference.components import keep_largest_components
from dints.inference.sliding_window import sliding_window
from dints.plan.extents import Extent, shares
from dints.plan.ladder import patch_steps
from dints.plan.stopwatch import SECONDS, Stepper, SteppersAt, line_of, seconds_of
from dints.plan.timings import StepTime, Timings
from dints.search.loop import Search
from dints.space.network import build_network
from dints.training.retrain import FoldTrainer
from dints.zoo.catalogue import AnyDesign

PREFIX = "dints-plan"  # of the folder that a measuring removes; a killed one leaves it to the next
FORWARD_SHARE = 1 / 3  # of a training step: the backward pass takes twice as long as the forward pass

CASE_STEPS = 3  # readings and scorings that are timed after the first, which loads libraries, if they are short


class Meter:
    """Times parts of a run on one case, each once for each network; a context, which removes what it wrote.

    Args:
        case: a labelled one, of typical size.
        extent: its size.
        config: of the task and the preprocessing; the settings that are timed may differ in all else.
        device: on which the run is to work.
        seconds: for each of two sizes of each step.
    """

    def __init__(
        self, case: Case, extent: Extent, config: Config, device: torch.device, seconds: float = SECONDS
    ) -> None:
        self.case, self.extent, self.device, self.seconds = case, extent, device, seconds
        self._task, self._preprocessing = config.task, config.preprocessing
        self._lines: dict[tuple[object, ...], StepTime] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Meter:
        with ExitStack() as stack:
            self._folder = stack.enter_context(passing_folder(PREFIX))
            stack.enter_context(torch.random.fork_rng(devices=_gpus(self.device)))
            self._time_case()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stack.close()

    def __call__(self, config: Config, design: AnyDesign | None = None, searching: bool = True) -> Timings:
        """Seconds with the settings of a configuration.

        Args:
            design: what is retrained. Where none is known yet, it is taken to be what the search aims at: a share of
                the network with every edge on, in time as in memory (Eq. 10).
            searching: whether the steps of a search are measured; else they count as 0.
        """
        share = 1.0 if design else config.search.memory_budget
        design = design or every_edge(config.search.space)
        voxels, at_once = math.prod(config.sampling.patch), config.inference.batch_size
        training = share * self.training_line(config, design)(voxels * config.training.batch_size)
        patches = voxels * config.search.batch_size
        return replace(
            self._case_times,
            weights_step=self.search_line(config, architecture=False)(patches) if searching else 0.0,
            architecture_step=self.search_line(config, architecture=True)(patches) if searching else 0.0,
            training_step=training,
            window=share * self.window_line(config, design)(voxels * at_once) / at_once,
        )

    def rough(self, config: Config, design: AnyDesign) -> Timings:
        """The same within two seconds a network, for a choice among networks; the search is left out.

        A training step is measured once for all sizes of the patch; a window counts as a third of its patch's share.
        """
        own, voxels = config.training, math.prod(config.sampling.patch)
        key = ("rough", design, own.filters, own.optimizer, own.deep_supervision)
        line = self._line(
            key, partial(self._training, config, design), config, own.batch_size, design, self.seconds / 4
        )
        step = line(voxels * own.batch_size)
        return replace(self._case_times, training_step=step, window=line(voxels) * FORWARD_SHARE)

    def search_line(self, config: Config, architecture: bool) -> StepTime:
        """A step of the search for weights or architecture, by the voxels of its batch."""
        own = config.search
        key = ("search", architecture, own.space, own.filters, config.sampling.patch)
        return self._line(key, partial(self._searching, config, architecture), config, own.batch_size)

    def training_line(self, config: Config, design: AnyDesign) -> StepTime:
        """A training step by the voxels of its batch."""
        own = config.training
        key = ("training", design, own.filters, own.optimizer, own.deep_supervision, config.sampling.patch)
        return self._line(key, partial(self._training, config, design), config, own.batch_size, design)

    def window_line(self, config: Config, design: AnyDesign) -> StepTime:
        """Windows of inference that a network sees at once, by their voxels."""
        batch = config.inference.batch_size
        key = ("window", design, config.training.filters, config.sampling.patch, batch)
        return self._line(key, partial(self._windows, config, design), config, batch, design)

    def _line(
        self,
        key: tuple[object, ...],
        steppers: SteppersAt,
        config: Config,
        batch: int,
        design: AnyDesign | None = None,
        seconds: float | None = None,
    ) -> StepTime:
        if key not in self._lines:
            patch = config.sampling.patch
            steps = patch_steps(config.search.space, design, patch)
            self._lines[key] = line_of(steppers, patch, batch, steps, self.device, seconds or self.seconds)
        return self._lines[key]

    @contextmanager
    def _searching(self, config: Config, architecture: bool, patch: Size, batch: int) -> Iterator[Stepper]:
        config = _sized(config, patch, batch)
        search = Search(config, self._cache, [self.case.name] * 2, self._folder, self.device, Reporter())
        learn = search.learn_architecture if architecture else search.learn_weights
        step = search.first_architecture_step if architecture else 0
        with closing(prefetch(search.batches[0], 0)) as batches:
            yield lambda: learn(step, *next(batches))

    @contextmanager
    def _training(self, config: Config, design: AnyDesign, patch: Size, batch: int) -> Iterator[Stepper]:
        config, names = _sized(config, patch, batch), [self.case.name]
        build = partial(_network, design, config)
        trainer = FoldTrainer(config, build, self._cache, (names, names), 0, self._folder, self.device, Reporter())
        numbers = itertools.count()
        with closing(prefetch(trainer.batches, 0)) as batches:
            yield lambda: trainer.train_step(next(numbers), *next(batches))

    @contextmanager
    def _windows(self, config: Config, design: AnyDesign, patch: Size, batch: int) -> Iterator[Stepper]:
        """Windows in a row, without overlap."""
        network = _network(design, config).eval()
        volume = torch.randn(len(config.task.channels), patch[0] * batch, patch[1], patch[2])

        def step() -> None:
            for _band in sliding_window(volume, [network], patch, patch, batch_size=batch, device=self.device):
                pass

        yield step

    def _time_case(self) -> None:
        """Reading, preprocessing and scoring of the case, as check, cache and evaluation do it."""
        task, labels, folders = self._task, self._task.labels, map(str, itertools.count())
        reference = read_named_label(label_of(self.case), task.values)
        prediction = self._folder / "prediction.nii.gz"

        def preprocess() -> None:
            folder = self._folder / next(folders)
            self._cache = build_cache([self.case], self._preprocessing, labels, folder, Reporter(), task.ignored)

        def score() -> None:
            write_image(reference, prediction)
            evaluate_case(read_image(prediction), reference, labels, task.tolerance)
            keep_largest_components(reference, tuple(value for value in labels if value), task.nested)

        self._case_times = Timings(
            *(0, 0, 0, 0),
            check=self._per_voxel(partial(check_case, self.case, task.channels, labels, task.ignored)),
            cache=self._per_voxel(preprocess),
            score=self._per_voxel(score),
            cropped=shares(
                self._cache.case(self.case.name).grid.working_shape,
                self.extent.working_shape(self._preprocessing.spacing),
            ),
        )

    def _per_voxel(self, work: Stepper) -> float:
        """Seconds of work on the case's file."""
        return seconds_of(work, self.device, self.seconds, CASE_STEPS) / self.extent.voxels


def label_of(case: Case) -> Path:
    """Its label's file. InputError if it has none."""
    if case.label is None:
        raise InputError(f"{case.name}: has no label; plan with labelled cases")
    return case.label


def _gpus(device: torch.device) -> list[int]:
    return [device.index or 0] if device.type == "cuda" else []


def _network(design: AnyDesign, config: Config) -> nn.Module:
    task = config.task
    network: nn.Module = build_network(design, len(task.channels), len(task.labels), config.training.filters)
    return network


def _sized(config: Config, patch: Size, batch: int) -> Config:
    return replace(
        config,
        sampling=replace(config.sampling, patch=patch),
        search=replace(config.search, batch_size=batch, seconds=0.0),  # steps for a budget in seconds are the same
        training=replace(config.training, batch_size=batch),
    )
