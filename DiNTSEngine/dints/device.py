"""Where the work runs and in which precision."""

from __future__ import annotations

import contextlib
import functools
import os
import platform
from pathlib import Path
from typing import Any

import torch

from dints.errors import InputError, brief

PRECISION_VARIABLE = "DINTS_PRECISION"  # "full" switches mixed precision off


def select_device(name: str = "auto") -> torch.device:
    """ "auto" takes the first GPU if there is one; otherwise a PyTorch device name such as "cpu" or "cuda:1"."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device("cuda" if name == "gpu" else name)
    except RuntimeError:
        device = None
    misread = ":" in name and str(device) != name  # PyTorch takes numbers modulo 256
    if device is None or device.type not in ("cpu", "cuda") or misread:
        raise InputError(f"device {brief(name)} is not known; use auto, cpu, cuda or cuda:N")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise InputError(
            f"device {brief(name)} is not there: PyTorch sees {torch.cuda.device_count()} GPUs; use cpu or auto"
        )
    return device


def devices_at_hand(name: str = "auto") -> list[torch.device]:
    """All GPUs if there are several and the name, "auto" or "cuda", leaves the choice; otherwise one device."""
    device = select_device(name)
    if device.type == "cuda" and device.index is None:
        return [torch.device("cuda", index) for index in range(torch.cuda.device_count())]
    return [device]


def autocast(device: torch.device) -> contextlib.AbstractContextManager[Any]:
    """Mixed precision where the device computes in half precision natively, full precision elsewhere."""
    half = half_type(device)
    return contextlib.nullcontext() if half is None else torch.autocast(device.type, dtype=half)


def half_type(device: torch.device) -> torch.dtype | None:
    """The half precision that a device computes in: bfloat16 where it has it, float16 on older GPUs, none else.

    None as well if the environment variable DINTS_PRECISION is "full".
    """
    if os.environ.get(PRECISION_VARIABLE) == "full":
        return None
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.get_device_capability(device) >= (8, 0) else torch.float16
    return torch.bfloat16 if device.type == "cpu" and _processor_has_bfloat16() else None


@functools.cache
def _processor_has_bfloat16() -> bool:
    """Products of bfloat16 in the processor itself (AVX-512 BF16 or AMX); emulated they would be slower."""
    capabilities = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def device_name(device: torch.device) -> str:
    """For logs and reports."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"


def speed_name(device: torch.device) -> str:
    """What measured times hold for: the device, how much of the processor is used, and the precision."""
    half = half_type(device)
    precision = "single precision" if half is None else str(half).removeprefix("torch.")
    if device.type == "cuda":
        return f"{device_name(device)}, {precision}"
    return f"CPU ({_processor()}), {torch.get_num_threads()} threads, {precision}"


@functools.cache
def _processor() -> str:
    """Its model, as far as the system tells it without another program."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def device_memory(device: torch.device) -> int | None:
    """Bytes of a GPU's memory; None for the CPU."""
    return torch.cuda.get_device_properties(device).total_memory if device.type == "cuda" else None
