"""Work that runs out of memory is done again in a way that needs less, and the user hears of it."""

from __future__ import annotations

import pytest
import torch

from dints.errors import RunError, is_out_of_memory
from dints.events import Reporter
from dints.inference.assemble import SLAB_BYTES
from dints.inference.fallback import THIN_SLAB_BYTES, executions, first_that_fits

GPU, CPU = torch.device("cuda", 0), torch.device("cpu")


class Warnings(Reporter):
    def __init__(self) -> None:
        self.texts: list[str] = []

    def warning(self, text: str) -> None:
        self.texts.append(text)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate memory"),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
        RuntimeError("itk::ERROR: Image: Failed to allocate memory for image."),
    ],
)
def test_the_ways_in_which_libraries_run_out_of_memory_are_known(error):
    assert is_out_of_memory(error)


def test_the_allocators_own_error_is_known():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**55)
    assert is_out_of_memory(caught.value)


def test_other_errors_are_no_reason_to_try_again():
    calls = []

    def work(step):
        calls.append(step)
        raise RuntimeError("sizes do not match")

    with pytest.raises(RuntimeError, match="sizes do not match"):
        first_that_fits(executions(GPU, 4, 2), work, Reporter())
    assert len(calls) == 1


def portions(device: torch.device, batch_size: int, networks: int) -> list[tuple]:
    steps = executions(device, batch_size, networks)
    return [(step.device, step.accumulate_on, step.batch_size, step.one_at_a_time, step.slab_bytes) for step in steps]


def test_a_gpu_is_given_up_step_by_step():
    assert portions(GPU, batch_size=4, networks=5) == [
        (GPU, GPU, 4, False, SLAB_BYTES),
        (GPU, GPU, 1, False, SLAB_BYTES),
        (GPU, CPU, 1, False, SLAB_BYTES),
        (GPU, CPU, 1, True, SLAB_BYTES),
        (CPU, CPU, 1, False, SLAB_BYTES),
        (CPU, CPU, 1, False, THIN_SLAB_BYTES),
    ]
    assert len(portions(GPU, batch_size=1, networks=1)) == 4


def test_on_the_cpu_there_are_steps_as_well():
    assert portions(CPU, batch_size=2, networks=5) == [
        (CPU, CPU, 2, False, SLAB_BYTES),
        (CPU, CPU, 1, False, SLAB_BYTES),
        (CPU, CPU, 1, False, THIN_SLAB_BYTES),
    ]
    assert len(portions(CPU, batch_size=1, networks=1)) == 2


def test_each_warning_names_the_step_that_follows():
    steps = executions(GPU, batch_size=4, networks=5)
    reporter = Warnings()

    def work(step):
        if step != steps[-1]:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return "labels"

    assert first_that_fits(steps, work, reporter) == "labels"
    assert len(reporter.texts) == len(steps) - 1
    for text, step in zip(reporter.texts, steps[1:], strict=True):
        assert text.endswith(f"starting again with {step.name}")


def test_tensors_of_a_step_that_failed_are_free_before_the_next():
    import weakref

    kept = []

    def work(step):
        if kept:
            return kept[0]() is None
        tensor = torch.zeros(8)
        kept.append(weakref.ref(tensor))
        raise MemoryError

    assert first_that_fits(executions(CPU, 2, 1), work, Reporter())


def test_the_last_step_ends_in_an_error_that_says_what_to_do():
    def work(step):
        raise MemoryError

    with pytest.raises(RunError, match="close other programs or segment a smaller region"):
        first_that_fits(executions(CPU, 2, 1), work, Reporter())
