"""Images that cannot be used: each is refused in a sentence, by every command, and nothing is left behind."""

from __future__ import annotations

import runpy
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import SimpleITK as sitk

BAD_IMAGES = runpy.run_path(str(Path(__file__).with_name("bad_images.py")))["BAD_IMAGES"]
NOT_IN_A_FOLDER = {"device", "name no text", "name too long", "path too long"}  # of a label with the same name


def readable(name: str) -> str:
    """As a terminal shows a name that is no text."""
    return name.encode(errors="backslashreplace").decode()


@pytest.mark.parametrize("name", sorted(set(BAD_IMAGES) - {"one slice"}))
def test_a_bad_image_is_not_segmented(name: str, command: Callable, model_file: Path, tmp_path: Path) -> None:
    image, output = BAD_IMAGES[name](tmp_path), tmp_path / "results"
    command("segment", "--model", model_file, "--input", image, "--output", output).refuses(readable(f"{image}: "))
    assert not output.exists()


@pytest.mark.parametrize("name", sorted(set(BAD_IMAGES) - NOT_IN_A_FOLDER))
def test_a_bad_image_is_found_by_the_check(name: str, command: Callable, data: Path) -> None:
    image = BAD_IMAGES[name](data / "images")
    shutil.copy(data / "labels" / "a.nii.gz", data / "labels" / "scan.nii.gz")
    outcome = command("check", data, "--folds", "2", "--settings", data / "settings.yaml")
    outcome.refuses(str(image if image.exists() or image.is_symlink() else data / "labels" / "scan.nii.gz"))
    assert f"error: {image}: " in outcome.output or name == "absent"
    assert not (data / "settings.yaml").exists()


@pytest.mark.parametrize("name", ["huge NIfTI", "huge gzip", "huge NRRD", "huge MHA"])
def test_no_memory_is_taken_for_what_a_header_announces(
    name: str, command: Callable, model_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sitk.ImageFileReader, "Execute", lambda reader: pytest.fail("the voxels were read"))
    image = BAD_IMAGES[name](tmp_path)
    outcome = command("segment", "--model", model_file, "--input", image, "--output", tmp_path / "results")
    outcome.refuses(str(image), "its header announces")


@pytest.mark.parametrize("name", ["truncated gzip", "huge NRRD", "NaN in NIfTI", "singular axes"])
@pytest.mark.parametrize("action", ["search", "train"])
def test_no_run_is_started_on_a_bad_image(action: str, name: str, command: Callable, data: Path) -> None:
    image, run = BAD_IMAGES[name](data / "images"), data / "run"
    shutil.copy(data / "labels" / "a.nii.gz", data / "labels" / "scan.nii.gz")
    arguments = ("--run", run, "--data", data, "--set", "training.folds=2")
    command(action, *arguments).refuses(str(image))
    assert not run.exists()


@pytest.mark.parametrize("name", ["truncated gzip", "NaN in NIfTI", "RGB"])
def test_of_several_problems_the_first_is_said_and_all_are_listed(name: str, command: Callable, data: Path) -> None:
    first, second = data / "images" / "b.nii.gz", BAD_IMAGES[name](data / "images")
    first.write_bytes(b"")
    shutil.copy(data / "labels" / "a.nii.gz", data / "labels" / "scan.nii.gz")
    outcome = command("check", data, "--folds", "2")
    outcome.refuses(str(first), "problems, all listed above")
    assert all(f"error: {path}: " in outcome.output for path in (first, second))
