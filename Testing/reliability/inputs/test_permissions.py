"""Files that may not be read: refused like missing ones, also where the tests themselves may read everything."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

VERSION_3 = 0x20080522  # of the structures below, in Linux
OVERRIDES = (
    1 << 1 | 1 << 2
)  # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH: to read and enter what is forbidden to its owner

pytestmark = [
    pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions"),
    pytest.mark.skipif(
        os.name != "nt" and os.getuid() == 0 and sys.platform != "linux", reason="root may read everything here"
    ),
]


class Header(ctypes.Structure):
    """Of which thread the rights are: 0 is this one."""

    _fields_ = (("version", ctypes.c_uint32), ("thread", ctypes.c_int))


class Rights(ctypes.Structure):
    """32 of them, a bit each."""

    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


@contextmanager
def permissions_count() -> Iterator[None]:
    """Permissions of files count for root, too, who goes on owning them."""
    library, header, rights = ctypes.CDLL(None, use_errno=True), Header(VERSION_3, 0), (Rights * 2)()

    def call(name: str) -> None:
        if getattr(library, name)(ctypes.byref(header), rights):
            raise OSError(ctypes.get_errno(), "the right to read everything cannot be given up")

    if os.getuid() != 0:
        yield
        return
    call("capget")
    before = rights[0].effective
    rights[0].effective &= ~OVERRIDES
    call("capset")
    try:
        yield
    finally:
        rights[0].effective = before
        call("capset")


@pytest.mark.parametrize("hidden", ["image", "folder", "model", "settings", "list", "data"])
def test_what_may_not_be_read_is_refused_in_a_sentence(
    hidden: str, command: Callable, data: Path, model_file: Path, tmp_path: Path
) -> None:
    model, settings, output = tmp_path / "model.zip", tmp_path / "settings.yaml", tmp_path / "out.nrrd"
    model.write_bytes(model_file.read_bytes())
    settings.write_text("{}")
    description, image = data / "dataset.json", data / "images" / "b.nii.gz"
    description.write_text("{}")
    path, *arguments = {
        "image": (image, "segment", "--model", model, "--input", image, "--output", output),
        "folder": (data / "images", "check", data),
        "model": (model, "models", "show", model),
        "settings": (settings, "memory", "--config", settings),
        "list": (description, "check", data),
        "data": (data, "check", data),
    }[hidden]
    path.chmod(0)
    with permissions_count():
        outcome = command(*arguments)
    path.chmod(0o755)
    assert outcome.refuses("Permission denied").startswith(f"dints: {path}")
    assert not output.exists()
