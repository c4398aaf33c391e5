"""Files that may not be read: refused like missing ones, also where the tests themselves may read everything."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest

GIVE_UP = 24  # PR_CAPBSET_DROP of Linux: what is started from here on never gets a right of root
OVERRIDES = (1, 2)  # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH: to read and enter whatever is forbidden to its owner

pytestmark = [
    pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions"),
    pytest.mark.skipif(
        os.name != "nt" and os.getuid() == 0 and sys.platform != "linux", reason="root may read everything here"
    ),
]


def give_up_overrides() -> None:
    """Permissions count for root, too, who goes on owning the interpreter and the engine."""
    library = ctypes.CDLL(None, use_errno=True)
    for right in OVERRIDES:
        if library.prctl(GIVE_UP, right, 0, 0, 0):
            raise OSError(ctypes.get_errno(), "the right to read everything cannot be given up")


def run_with_permissions(*arguments: str | Path) -> subprocess.CompletedProcess:
    """A command for which the permissions of files count."""
    command = [sys.executable, "-m", "dints", *map(str, arguments)]
    prepare = give_up_overrides if os.getuid() == 0 else None
    return subprocess.run(command, preexec_fn=prepare, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("hidden", ["image", "folder", "model", "settings", "list", "data"])
def test_what_may_not_be_read_is_refused_in_a_sentence(
    hidden: str, data: Path, model_file: Path, tmp_path: Path
) -> None:
    model, settings, output = tmp_path / "model.zip", tmp_path / "settings.yaml", tmp_path / "out.nrrd"
    model.write_bytes(model_file.read_bytes())
    settings.write_text("{}")
    description, image = data / "dataset.json", data / "images" / "b.nii.gz"
    description.write_text("{}")
    path, *command = {
        "image": (image, "segment", "--model", model, "--input", image, "--output", output),
        "folder": (data / "images", "check", data),
        "model": (model, "models", "show", model),
        "settings": (settings, "memory", "--config", settings),
        "list": (description, "check", data),
        "data": (data, "check", data),
    }[hidden]
    path.chmod(0)
    result = run_with_permissions(*command)
    path.chmod(0o755)
    assert result.returncode == 2, result.stderr
    (sentence,) = result.stderr.splitlines()
    assert sentence.startswith(f"dints: {path}")
    assert "Permission denied" in sentence
    assert "; " in sentence
    assert not output.exists()
