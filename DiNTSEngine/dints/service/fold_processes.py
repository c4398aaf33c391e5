"""Folds spread over several devices: each fold is trained by a process of its own, as soon as a device is free."""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import torch

from dints.errors import InputError, RunError
from dints.events import Reporter
from dints.run import Run
from dints.stages import train


def train_on_devices(run: Run, folds: Sequence[int], devices: Sequence[torch.device], reporter: Reporter) -> None:
    """Like `dints.stages.train`, with one fold at a time on each device.

    Raises:
        InputError, RunError: a fold failed or its process was killed; the others were trained nevertheless.
    """
    run.cache(reporter)  # once, and not by every process
    waiting, free = list(folds), list(devices)
    running: dict[Any, _FoldProcess] = {}
    failures: list[Exception] = []
    try:
        while waiting or running:
            while waiting and free:
                child = _FoldProcess(run.folder, waiting.pop(0), free.pop(0))
                running[child.messages] = child
            for messages in wait(list(running)):
                child = running[messages]
                try:
                    child.deliver(reporter)
                except EOFError:
                    free.append(running.pop(messages).device)
                    failures += child.failures()
    finally:
        for child in running.values():
            child.process.terminate()
    if failures:
        raise failures[0]


class _FoldProcess:
    """A process that trains one fold on one device, and the end of the pipe at which its messages arrive."""

    def __init__(self, folder: Path, fold: int, device: torch.device) -> None:
        self.fold, self.device = fold, device
        self.error: Exception | None = None
        context = multiprocessing.get_context("spawn")  # CUDA does not survive a fork
        self.messages, sender = context.Pipe(duplex=False)
        self.process = context.Process(target=_train_fold, args=(folder, fold, str(device), sender))
        self.process.start()
        sender.close()  # so that the pipe ends with the child

    def deliver(self, reporter: Reporter) -> None:
        """Takes one message; EOFError when the process has ended."""
        message = self.messages.recv()
        if isinstance(message, Exception):
            self.error = message
        else:
            method, arguments, values = message
            getattr(reporter, method)(*arguments, **values)

    def failures(self) -> list[Exception]:
        """What went wrong in the process that has ended, if anything did."""
        self.process.join()
        if self.error is None and self.process.exitcode:
            reason = f"its process ended with code {self.process.exitcode}"
            return [RunError(f"fold {self.fold}: {reason}; run the same command again to resume")]
        return [] if self.error is None else [self.error]


class _Forwarding(Reporter):
    """Sends every call through a pipe. Once the parent is gone, that fails, and the child ends as well."""

    def __init__(self, messages: Connection) -> None:
        self._messages = messages

    def progress(self, stage: str, step: int, total: int, /, **metrics: float) -> None:
        self._messages.send(("progress", (stage, step, total), metrics))

    def message(self, text: str) -> None:
        self._messages.send(("message", (text,), {}))

    def warning(self, text: str) -> None:
        self._messages.send(("warning", (text,), {}))

    def result(self, name: str, /, **values: Any) -> None:
        self._messages.send(("result", (name,), values))


def _train_fold(folder: Path, fold: int, device: str, messages: Connection) -> None:
    try:
        train(Run(folder), [fold], torch.device(device), _Forwarding(messages))
    except (InputError, RunError) as error:
        messages.send(error)
