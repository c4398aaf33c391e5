"""Memory runs out wherever it can: the labels are the same, the step that was taken is said, or else what to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from dints.errors import RunError
from dints.inference import predictor as predictor_module
from dints.inference.assemble import LabelAssembler
from dints.inference.fallback import executions

CPU, GPU = torch.device("cpu"), torch.device("cpu", 0)  # see `conftest.GPU`
BATCH, FOLDS, WINDOWS = 4, 3, 24  # windows of all folds together: 2 x 2 x 2 of each
GPU_STEPS = executions(GPU, BATCH, FOLDS)
ON_GPU = [step for step in GPU_STEPS if step.device == GPU]
ERRORS = [torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."), MemoryError()]


def fail(monkeypatch: pytest.MonkeyPatch, owner: Any, method: str, calls: set[int], error: Exception) -> None:
    """Lets some calls of a method, counted from 1, run out of memory."""
    original: Callable[..., Any] = getattr(owner, method)
    count = 0

    def failing(*arguments: Any, **options: Any) -> Any:
        nonlocal count
        count += 1
        if count in calls:
            raise error
        return original(*arguments, **options)

    monkeypatch.setattr(owner, method, failing)


def labels_of(predictor: Any, scan: sitk.Image, warnings: Any) -> np.ndarray:
    return sitk.GetArrayFromImage(predictor.segment([scan], warnings))


@pytest.mark.parametrize("step", ON_GPU, ids=lambda step: step.name)
def test_exactly_as_much_memory_as_a_step_needs_leads_to_this_step(
    step: Any, predictor: Any, scan: Any, warnings: Any, expected: Any, small_gpu: Any, monkeypatch: Any
) -> None:
    needed = _needed_by(step, predictor, scan, small_gpu, monkeypatch)
    index = GPU_STEPS.index(step)
    with small_gpu(needed) as gpu:
        labels = labels_of(predictor(GPU, gpu), scan, warnings)
    assert np.array_equal(labels, expected)
    assert len(warnings.texts) == index
    assert all(text.endswith(taken.name) for text, taken in zip(warnings.texts, GPU_STEPS[1:], strict=False))


def test_a_gpu_without_any_memory_leads_to_the_cpu(
    predictor: Any, scan: Any, warnings: Any, expected: Any, small_gpu: Any
) -> None:
    with small_gpu(0) as gpu:
        labels = labels_of(predictor(GPU, gpu), scan, warnings)
    assert np.array_equal(labels, expected)
    assert warnings.texts[-1].endswith("starting again with the CPU alone")


def _needed_by(step: Any, predictor: Any, scan: Any, small_gpu: Any, monkeypatch: Any) -> int:
    """Bytes of the device; each step needs less than the one before."""
    with monkeypatch.context() as patch, small_gpu(float("inf")) as gpu:
        patch.setattr(predictor_module, "executions", lambda *_: [step])
        predictor(GPU, gpu).segment([scan])
    return gpu.peak


def test_each_step_needs_less_than_the_one_before(predictor: Any, scan: Any, small_gpu: Any, monkeypatch: Any) -> None:
    needed = [_needed_by(step, predictor, scan, small_gpu, monkeypatch) for step in ON_GPU]
    assert needed == sorted(set(needed), reverse=True)


@pytest.mark.parametrize("error", ERRORS, ids=["GPU", "main memory"])
@pytest.mark.parametrize("device", [GPU, CPU], ids=["on the GPU", "on the CPU"])
@pytest.mark.parametrize("window", [1, 3, WINDOWS // BATCH], ids=["first", "third", "last"])
def test_a_window_that_does_not_fit(
    window: int, device: Any, error: Any, predictor: Any, scan: Any, warnings: Any, expected: Any, monkeypatch: Any
) -> None:
    prepared = predictor(device)
    fail(monkeypatch, type(prepared.networks[0]), "forward", {window}, error)
    assert np.array_equal(labels_of(prepared, scan, warnings), expected)
    (text,) = warnings.texts
    assert "memory ran out with 4 windows at once" in text
    assert "starting again with one window at a time" in text


@pytest.mark.parametrize(
    ("owner", "method", "calls"),
    [
        (LabelAssembler, "add", {1}),
        (LabelAssembler, "add", {2}),
        (LabelAssembler, "labels", {1}),
        (predictor_module, "keep_largest_components", {1}),
        (predictor_module.Grid, "restore", {1}),
    ],
    ids=["stitching the first band", "the second", "the labels", "cleaning", "the result"],
)
@pytest.mark.parametrize("device", [GPU, CPU], ids=["on the GPU", "on the CPU"])
def test_what_comes_after_the_windows_does_not_fit(
    owner: Any,
    method: str,
    calls: set[int],
    device: Any,
    predictor: Any,
    scan: Any,
    warnings: Any,
    expected: Any,
    monkeypatch: Any,
) -> None:
    fail(monkeypatch, owner, method, calls, MemoryError())
    assert np.array_equal(labels_of(predictor(device), scan, warnings), expected)
    assert len(warnings.texts) == 1


@pytest.mark.parametrize("error", [*ERRORS[1:], RuntimeError("DefaultCPUAllocator: can't allocate memory")])
@pytest.mark.parametrize("device", [GPU, CPU], ids=["on the GPU", "on the CPU"])
def test_a_scan_that_does_not_fit_is_said_and_not_prepared_again(
    device: Any, error: Exception, predictor: Any, scan: Any, warnings: Any, monkeypatch: Any
) -> None:
    """Smaller windows would not help."""
    fail(monkeypatch, predictor_module.Preprocessor, "__call__", {1}, error)
    with pytest.raises(RunError, match=r"^image: memory ran out while it was prepared.*crop the image or resample"):
        predictor(device).segment([scan], warnings)
    assert not warnings.texts


def test_networks_that_do_not_fit_on_the_gpu_together(
    predictor: Any, scan: Any, warnings: Any, expected: Any, small_gpu: Any
) -> None:
    network_bytes = 2**20  # see `conftest.NETWORK_BYTES`
    with small_gpu(1.5 * network_bytes) as gpu:
        labels = labels_of(predictor(GPU, gpu), scan, warnings)
    assert np.array_equal(labels, expected)
    assert "only one network at a time" in warnings.texts[-1]


def test_slabs_that_do_not_fit_become_thin(
    predictor: Any, scan: Any, warnings: Any, expected: Any, monkeypatch: Any
) -> None:
    """Main memory holds the volume and the sums, but not a thick slab of probabilities as well."""
    original = LabelAssembler.__init__

    def init(self: Any, grid: Any, vote: str, disagreement: bool, slab_bytes: int, *others: Any) -> None:
        original(self, grid, vote, disagreement, slab_bytes, *others)
        if slab_bytes > 100 * 2**20:
            raise MemoryError

    monkeypatch.setattr(LabelAssembler, "__init__", init)
    assert np.array_equal(labels_of(predictor(CPU), scan, warnings), expected)
    assert warnings.texts[-1].endswith("starting again with thin slabs on the CPU")


@pytest.mark.parametrize("device", [GPU, CPU], ids=["on the GPU", "on the CPU"])
def test_memory_that_never_suffices_ends_in_a_sentence_with_the_remedy(
    device: Any, predictor: Any, scan: Any, warnings: Any, monkeypatch: Any
) -> None:
    prepared = predictor(device)
    fail(monkeypatch, type(prepared.networks[0]), "forward", set(range(1, 100)), MemoryError())
    with pytest.raises(RunError, match=r"thin slabs on the CPU.*close other programs or segment a smaller region"):
        prepared.segment([scan], warnings)
    assert len(warnings.texts) == len(executions(device, BATCH, FOLDS)) - 1
