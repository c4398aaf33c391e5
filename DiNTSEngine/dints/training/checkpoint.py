"""Checkpoints that survive an interruption at any moment."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from dints.distributed import is_first
from dints.errors import InputError, StorageError
from dints.storage import atomic_path


def save_checkpoint(path: Path, state: Mapping[str, Any]) -> None:
    """Writes tensors, numbers and texts in dicts and lists atomically; of several processes, only the first does."""
    if not is_first():
        return
    with atomic_path(path) as temporary:
        try:
            torch.save(dict(state), temporary)
        except RuntimeError as error:  # what PyTorch makes of a full disk
            raise StorageError.of(path, str(error).splitlines()[0]) from error


def load_checkpoint(path: Path, device: torch.device) -> dict[str, Any]:
    """Reads what `save_checkpoint` wrote; tensors only, no pickled code is ever run."""
    try:
        return torch.load(path, map_location=device, weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{path}: is not a checkpoint of this engine ({reason}); delete it to start over") from error
