"""Folds spread over several devices: each fold is trained by a process of its own, as soon as a device is free."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import torch

from dints.events import Reporter
from dints.run import Run
from dints.stages import train
from dints.training.device_tasks import Task, run_on_devices


def train_on_devices(run: Run, folds: Sequence[int], devices: Sequence[torch.device], reporter: Reporter) -> None:
    """Like `dints.stages.train`, with one fold at a time on each device.

    Raises:
        InputError, RunError: a fold failed or its process was killed; the others were trained nevertheless.
    """
    run.cache(reporter)  # once, and not by every process
    tasks = [Task(f"fold {fold}", partial(_train_fold, run.folder, fold)) for fold in folds]
    run_on_devices(tasks, devices, reporter)


def _train_fold(folder: Path, fold: int, device: torch.device, reporter: Reporter) -> None:
    train(Run(folder), [fold], device, reporter)
