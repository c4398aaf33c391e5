"""Files that may not be read: refused like missing ones, also where the tests themselves may read everything."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

NOBODY = 65534  # a user without rights of its own

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")


def run_without_rights(*arguments: str | Path) -> subprocess.CompletedProcess:
    """A command as a user who does not own the files. Modules are imported before the rights are given up."""
    program = "\n".join(
        [
            "import encodings.cp437, os, sys",  # the encoding is that of names in model files
            "import dints.commands.check_command, dints.commands.segment_command, dints.commands.memory_command",
            f"os.getuid() or os.setuid({NOBODY})",
            "from dints.cli import main",
            f"sys.exit(main({[str(argument) for argument in arguments]!r}))",
        ]
    )
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("hidden", ["image", "folder", "model", "settings", "list"])
def test_what_may_not_be_read_is_refused_in_a_sentence(
    hidden: str, data: Path, model_file: Path, tmp_path: Path
) -> None:
    for folder in (tmp_path, *tmp_path.parents):
        if folder.owner() == tmp_path.owner() and folder != Path("/"):
            folder.chmod(0o755)  # what pytest makes is its user's alone
    model, settings = tmp_path / "model.zip", tmp_path / "settings.yaml"
    model.write_bytes(model_file.read_bytes())
    settings.write_text("{}")
    (data / "dataset.json").write_text("{}")
    image = data / "images" / "b.nii.gz"
    paths = {"image": image, "folder": data / "images", "model": model, "settings": settings}
    commands = {
        "image": ("segment", "--model", model, "--input", image, "--output", tmp_path / "out.nrrd"),
        "model": ("models", "show", model),
        "settings": ("memory", "--config", settings),
    }
    path = paths.get(hidden, data / "dataset.json")
    path.chmod(0)
    result = run_without_rights(*commands.get(hidden, ("check", data)))
    path.chmod(0o755)
    assert result.returncode == 2, result.stderr
    (sentence,) = result.stderr.splitlines()
    assert sentence.startswith(f"dints: {path}")
    assert "Permission denied" in sentence
    assert "; " in sentence
