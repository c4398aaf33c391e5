"""Checkpoints that survive an interruption at any moment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from dints.distributed import is_first
from dints.errors import InputError
from dints.tensor_files import load_tensors, save_tensors


def save_checkpoint(path: Path, state: Mapping[str, Any]) -> None:
    """Writes tensors, numbers and texts in dicts and lists atomically; of several processes, only the first does."""
    if not is_first():
        return
    save_tensors(path, dict(state))


def load_checkpoint(path: Path, device: torch.device) -> dict[str, Any]:
    """Reads what `save_checkpoint` wrote; tensors only, no pickled code is ever run."""
    try:
        return load_tensors(path, device)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: is not a checkpoint of this engine ({error}); delete it to start over") from error
