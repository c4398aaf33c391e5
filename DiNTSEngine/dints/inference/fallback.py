"""When memory runs out, the same work again in a way that needs less of it."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import torch

from dints.errors import RunError, is_out_of_memory
from dints.events import Reporter
from dints.inference.assemble import SLAB_BYTES

CPU = torch.device("cpu")
THIN_SLAB_BYTES = SLAB_BYTES // 16
Result = TypeVar("Result")


@dataclass(frozen=True)
class Execution:
    """Where and in what portions windows are computed; nothing in it changes what is computed."""

    name: str  # for the user
    device: torch.device
    accumulate_on: torch.device
    batch_size: int
    one_at_a_time: bool = False  # networks on the device
    slab_bytes: int = SLAB_BYTES  # working memory of the way back to the image's resolution


def executions(device: torch.device, batch_size: int, networks: int) -> list[Execution]:
    """From the fastest way to the one that needs least memory, each step on top of the one before."""
    place = "the CPU" if device == CPU else str(device)
    steps = [Execution(f"one window at a time on {place}", device, device, batch_size=1)]
    if batch_size > 1:
        steps.insert(0, replace(steps[0], name=f"{batch_size} windows at once on {place}", batch_size=batch_size))
    if device != CPU:
        steps.append(replace(steps[-1], name="sums of the windows in main memory", accumulate_on=CPU))
        if networks > 1:
            steps.append(replace(steps[-1], name=f"only one network at a time on {place}", one_at_a_time=True))
        steps.append(Execution("the CPU alone", CPU, CPU, batch_size=1))
    steps.append(replace(steps[-1], name="thin slabs on the CPU", slab_bytes=THIN_SLAB_BYTES))
    return steps


def first_that_fits(steps: Sequence[Execution], work: Callable[[Execution], Result], reporter: Reporter) -> Result:
    """The result of the first step whose memory suffices; warns of each one that was given up.

    Raises:
        RunError: memory ran out at the last step, too.
    """
    reason = ""
    for index, step in enumerate(steps):
        if index:
            release_memory()
            reporter.warning(f"memory ran out with {steps[index - 1].name} ({reason}); starting again with {step.name}")
        try:
            return work(step)
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            # Only the text is kept: the traceback would keep the tensors alive that filled the memory.
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    raise RunError(f"memory ran out with {steps[-1].name} ({reason}); close other programs or segment a smaller region")


def release_memory() -> None:
    """Gives memory that is no longer used back to the device."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
