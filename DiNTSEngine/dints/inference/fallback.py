"""When memory runs out, the same work again in a way that needs less of it."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import torch

from dints.errors import RunError
from dints.events import Reporter

CPU = torch.device("cpu")
OUT_OF_MEMORY_PHRASES = (  # of PyTorch's CUDA and CPU allocators, of cuDNN and cuBLAS, and of ITK
    "out of memory",
    "DefaultCPUAllocator",
    "not enough memory",
    "ALLOC_FAILED",
    "Failed to allocate memory",
)
Result = TypeVar("Result")


@dataclass(frozen=True)
class Execution:
    """Where and in what portions windows are computed; nothing in it changes what is computed."""

    name: str  # for the user
    device: torch.device
    accumulate_on: torch.device
    batch_size: int
    one_at_a_time: bool = False  # networks on the device


def executions(device: torch.device, batch_size: int, networks: int) -> list[Execution]:
    """From the fastest way to the one that needs least memory of the device, each step on top of the one before."""
    steps = [Execution(f"{batch_size} windows at once on {device}", device, device, batch_size)]
    if batch_size > 1:
        steps.append(replace(steps[-1], name=f"one window at a time on {device}", batch_size=1))
    if device != CPU:
        steps.append(replace(steps[-1], name="sums of the windows in main memory", accumulate_on=CPU))
        if networks > 1:
            steps.append(replace(steps[-1], name=f"only one network at a time on {device}", one_at_a_time=True))
        steps.append(Execution("the CPU alone", CPU, CPU, batch_size=1))
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


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory ran out, on the GPU or in main memory."""
    return isinstance(error, MemoryError) or any(phrase in str(error) for phrase in OUT_OF_MEMORY_PHRASES)


def release_memory() -> None:
    """Gives memory that is no longer used back to the device."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
