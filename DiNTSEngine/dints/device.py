"""Where the work runs and in which precision."""

from __future__ import annotations

import contextlib

import torch

from dints.errors import InputError


def select_device(name: str = "auto") -> torch.device:
    """ "auto" takes the first GPU if there is one; otherwise a PyTorch device name such as "cpu" or "cuda:1"."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device("cuda" if name == "gpu" else name)
    except RuntimeError as error:
        raise InputError(f"device {name!r} is not known; use auto, cpu, cuda or cuda:N") from error
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise InputError(
            f"device {name!r} is not there: PyTorch sees {torch.cuda.device_count()} GPUs; use cpu or auto"
        )
    return device


def autocast(device: torch.device) -> contextlib.AbstractContextManager:
    """Mixed precision on a GPU (bfloat16 where it has it, else float16), full precision elsewhere."""
    if device.type != "cuda":
        return contextlib.nullcontext()
    return torch.autocast("cuda", dtype=half_type(device))


def half_type(device: torch.device) -> torch.dtype:
    """The half precision that a GPU computes in."""
    return torch.bfloat16 if torch.cuda.get_device_capability(device) >= (8, 0) else torch.float16


def device_name(device: torch.device) -> str:
    """For logs and reports."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"


def device_memory(device: torch.device) -> int | None:
    """Bytes of a GPU's memory; None for the CPU."""
    return torch.cuda.get_device_properties(device).total_memory if device.type == "cuda" else None
