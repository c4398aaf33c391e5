"""Trainings spread over several devices: each is done by a process of its own, as soon as a device is free."""

from __future__ import annotations

import _thread
import multiprocessing
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from typing import Any, NamedTuple

import torch

from dints.errors import InputError, RunError
from dints.events import Reporter
from dints.training.stopping import stoppable

LISTEN_SECONDS = 0.5  # to messages, before a look at whether to stop

Work = Callable[[torch.device, Reporter], Any]


class Task(NamedTuple):
    """What one process does. Both the work and what it returns go through a pipe: they must be picklable."""

    name: str  # for messages
    work: Work


def run_on_devices(tasks: Sequence[Task], devices: Sequence[torch.device], reporter: Reporter) -> list[Any]:
    """What each task returns, in order, with one task at a time on each device; a single device works in this process.

    A device may be named several times: two tasks side by side on the cores of a CPU, for example.

    Raises:
        KeyboardInterrupt: the tasks were stopped; each finished and saved its step.
        InputError, RunError: a task failed or its process was killed; the others were done nevertheless, if they were
            not stopped.
    """
    if len(devices) == 1 or len(tasks) == 1:
        return [task.work(devices[0], reporter) for task in tasks]
    waiting, free = list(enumerate(tasks)), list(devices)
    running: dict[Any, _TaskProcess] = {}
    ended: list[_TaskProcess] = []
    with stoppable() as stop:
        try:
            while running or (waiting and not stop.requested):
                while waiting and free and not stop.requested:
                    child = _TaskProcess(*waiting.pop(0), free.pop(0))
                    running[child.messages] = child
                for messages in wait(list(running), LISTEN_SECONDS):
                    try:
                        running[messages].deliver(reporter)
                    except EOFError:
                        ended.append(running.pop(messages))
                        free.append(ended[-1].device)
                if stop.requested:
                    for child in running.values():
                        child.stop()
        finally:
            for child in running.values():
                child.process.terminate()
    failures = [failure for child in ended for failure in child.failures()]
    stop.heed()  # first: whoever goes on after a failure does not go on here
    if failures:
        raise failures[0]
    return [child.result for child in sorted(ended, key=lambda child: child.number)]


class _Returned(NamedTuple):
    """The last message of a task that was done."""

    value: Any


class _TaskProcess:
    """A process that does one task on one device, and the end of the pipe at which its messages arrive."""

    def __init__(self, number: int, task: Task, device: torch.device) -> None:
        self.number, self.name, self.device = number, task.name, device
        self.error: Exception | None = None
        self.result: Any = None
        context = multiprocessing.get_context("spawn")  # CUDA does not survive a fork
        self.messages, sender = context.Pipe(duplex=False)
        stopping, self._stop = context.Pipe(duplex=False)  # an Event waits for whoever ended while waiting for it
        self.process = context.Process(target=_do, args=(task.work, str(device), sender, stopping))
        self.process.start()
        sender.close()  # so that the pipe ends with the child
        stopping.close()

    def deliver(self, reporter: Reporter) -> None:
        """Takes one message; EOFError when the process has ended."""
        message = self.messages.recv()
        if isinstance(message, Exception):
            self.error = message
        elif isinstance(message, _Returned):
            self.result = message.value
        else:
            method, arguments, values = message
            getattr(reporter, method)(*arguments, **values)

    def stop(self) -> None:
        """Lets the process finish and save its step; it ends without a result."""
        if not self._stop.closed:
            with suppress(OSError):  # it has ended
                self._stop.send(None)
            self._stop.close()

    def failures(self) -> list[Exception]:
        """What went wrong in the process that has ended, if anything did."""
        self.process.join()
        if self.error is None and self.process.exitcode:
            reason = f"its process ended with code {self.process.exitcode}"
            return [RunError(f"{self.name}: {reason}; run the same command again to resume")]
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


def _do(work: Work, device: str, messages: Connection, stopping: Connection) -> None:
    try:
        threading.Thread(target=_interrupt_on, args=(stopping,), daemon=True).start()
        messages.send(_Returned(work(torch.device(device), _Forwarding(messages))))
    except (InputError, RunError) as error:
        messages.send(error)
    except KeyboardInterrupt:
        return  # it was stopped, and the parent knows


def _interrupt_on(stopping: Connection) -> None:
    with suppress(EOFError):  # the parent has gone
        stopping.recv()
        _thread.interrupt_main()
