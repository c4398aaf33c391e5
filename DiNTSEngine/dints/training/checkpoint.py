"""Checkpoints that survive an interruption at any moment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from dints.errors import InputError, brief, is_out_of_memory
from dints.files.tensors import save_tensors
from dints.files.untrusted.tensors import load_tensors
from dints.process_group import is_main_process

REMEDY = "delete it to start over"


def save_checkpoint(path: Path, state: Mapping[str, Any]) -> None:
    """Writes tensors, numbers and texts in dicts and lists atomically; of several processes, only the first does."""
    if not is_main_process():
        return
    save_tensors(path, dict(state))


def load_checkpoint(path: Path, device: torch.device) -> dict[str, Any]:
    """Reads what `save_checkpoint` wrote; tensors only, no pickled code is ever run."""
    state: dict[str, Any] = load_tensors(path, REMEDY, device)
    return state


@contextmanager
def restoring(path: Path, device: torch.device) -> Iterator[dict[str, Any]]:
    """Yields a checkpoint; InputError if the block finds that it holds something else than it needs."""
    values = load_checkpoint(path, device)
    try:
        if not isinstance(values, dict):
            raise TypeError(f"{type(values).__name__} instead of a dict")
        yield values
    except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        if is_out_of_memory(error):
            raise
        raise InputError(f"{path}: is not a checkpoint of this run ({brief(error)}); {REMEDY}") from error


def whole_steps(value: Any, total: int) -> int:
    """How many of `total` steps a checkpoint says are done; ValueError if that cannot be."""
    if type(value) is not int or not 0 <= value <= total:
        raise ValueError(f"step {brief(value)} of {total}")
    return value
