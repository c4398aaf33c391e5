"""Files of PyTorch, written whole or not at all; `dints.files.untrusted.tensors` reads them."""

from __future__ import annotations

import os
from typing import Any

import torch

from dints.files.storage import atomic_path


def save_tensors(path: str | os.PathLike[str], values: Any) -> None:
    """Writes tensors, arrays, numbers and texts in dicts and lists atomically; StorageError where the disk is full."""
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        try:
            torch.save(values, file)  # into a path, PyTorch would write its name as well
        except RuntimeError as error:
            if isinstance(error.__context__, OSError):  # a full disk, as PyTorch reports it
                raise error.__context__ from None
            raise
