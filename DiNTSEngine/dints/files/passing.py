"""Folders for files that are on their way: for their owner alone, gone with the process that made them."""

from __future__ import annotations

import os
import platform
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dints.files.storage import is_running, writing


@contextmanager
def passing_folder(prefix: str) -> Iterator[Path]:
    """A folder that is removed in the end; errors as in `new_folder`."""
    folder = new_folder(prefix)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def new_folder(prefix: str) -> Path:
    """A new folder of this process. What killed processes left under the same prefix is removed.

    If there is a folder $TMPDIR, it lies nowhere else: what is to stay in memory must not come to another disk.

    Raises:
        StorageError: it cannot be made, as on a full disk.
    """
    named = Path(os.environ.get("TMPDIR", ""))
    parent = named if named.name and named.is_dir() else Path(tempfile.gettempdir())
    host = platform.node().partition(".")[0]
    _remove_forgotten(parent, prefix, host)
    with writing(parent):
        return Path(tempfile.mkdtemp(prefix=f"{prefix}-{host}-{os.getpid()}-", dir=parent))


def _remove_forgotten(parent: Path, prefix: str, host: str) -> None:
    pattern = re.compile(rf"{re.escape(f'{prefix}-{host}')}-(?P<process>\d+)-[^-]*")
    own = os.getuid() if hasattr(os, "getuid") else 0  # as Windows says of all files
    for folder in parent.glob(f"{prefix}-*"):
        match = pattern.fullmatch(folder.name)
        with suppress(FileNotFoundError):  # another process removes it at the same time
            if match and folder.lstat().st_uid == own and not is_running(int(match["process"])):
                shutil.rmtree(folder, ignore_errors=True)
