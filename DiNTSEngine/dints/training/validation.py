"""Dice of a network on held-out cases while it trains, on the working grid."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from torch import nn

from dints.config import Config
from dints.config.ignored import IGNORED
from dints.data.cache import CachedCase
from dints.events import Reporter
from dints.inference.fallback import Execution, executions, first_that_fits
from dints.inference.sliding_window import sliding_window
from dints.inference.window_grid import stride_of
from dints.metrics.segmentation import dice
from dints.process_group import gather, shard
from dints.training.stopping import StopRequest


def validate(
    network: nn.Module,
    cases: Sequence[CachedCase],
    config: Config,
    device: torch.device,
    reporter: Reporter,
    stop: StopRequest | None = None,
) -> list[float]:
    """Mean Dice over the cases for each foreground class; NaN for a class that no case has.

    Several processes share the cases and all get the result. Where memory runs out, a case is segmented in ways that
    need less, and the reporter is warned.

    Raises:
        KeyboardInterrupt: `stop` was requested; what was scored is given up.
    """
    network.eval()
    own = []
    for case in shard(cases):
        work = partial(predict_classes, network, case, config)
        classes = first_that_fits(executions(device, batch_size=1, networks=1), work, reporter)
        own.append(_case_dice(classes, np.asarray(case.label), config))
        if stop:
            stop.heed()
    network.to(device).train()  # it may have been moved to where there is more memory
    scores = gather(own)
    return [mean_defined([score[index] for score in scores]) for index in range(len(config.task.labels) - 1)]


@torch.inference_mode()
def predict_classes(network: nn.Module, case: CachedCase, config: Config, execution: Execution) -> np.ndarray:
    """Class indices uint8 [X, Y, Z] on the working grid, by sliding window."""
    volume = torch.from_numpy(np.array(case.image))
    stride = stride_of(config.sampling.patch, config.training.validation_overlap)
    classes = np.zeros(case.label.shape, np.uint8)
    bands = sliding_window(
        volume,
        [network],
        config.sampling.patch,
        stride,
        device=execution.device,
        accumulate_on=execution.accumulate_on,
    )
    for band in bands:
        rows = band.logits[0].max(0).indices.to(torch.uint8)  # on the CPU eight times as fast as argmax
        classes[:, :, band.first_row : band.first_row + rows.shape[-1]] = rows.cpu().numpy()
    return classes


def _case_dice(prediction: np.ndarray, reference: np.ndarray, config: Config) -> list[float]:
    classes = range(1, len(config.task.labels))
    if config.task.ignored:
        prediction = np.where(reference == IGNORED, IGNORED, prediction)
    return [dice(prediction == index, reference == index) for index in classes]


def mean_defined(values: Sequence[float]) -> float:
    """Mean of the values that are not NaN; NaN if none is."""
    defined = [value for value in values if not math.isnan(value)]
    return sum(defined) / len(defined) if defined else math.nan
