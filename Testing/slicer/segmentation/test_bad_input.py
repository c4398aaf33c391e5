"""Images and models that cannot be used: the panel says what the command line says, and leaves nothing behind."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest
from Testing.reliability.inputs.bad_images import BAD_IMAGES

from .conftest import SECONDS
from .test_batch import line_of, rows

NAMES = ("truncated gzip", "NaN in NRRD", "singular axes", "huge MHA", "two dimensions")


def sentence_of(image: Path) -> str:
    """What the engine says of an image that it refuses."""
    from dints.data.images import read_channels
    from dints.errors import InputError

    with pytest.raises(InputError) as caught:
        read_channels(image)
    return str(caught.value)


def test_each_image_of_a_folder_that_cannot_be_used_has_the_engines_sentence(
    host: Any, open_panel: Any, install: Any, tmp_path: Path, finish: Any
) -> None:
    install("body.zip")
    images, results, written = tmp_path / "images", tmp_path / "results", tmp_path / "written"
    images.mkdir()
    written.mkdir()
    expected = {}
    for name in NAMES:
        path = BAD_IMAGES[name](written)
        moved = path.rename(images / f"{name}{''.join(path.suffixes)}")
        expected[name] = sentence_of(moved)
    panel = open_panel()
    host.click(panel.ui.batchSection)
    host.choose(panel.ui.batchSourceBox, "A folder's images")
    host.wait_until(lambda: host.is_shown(panel.ui.inputFolderEdit))
    host.type_text(line_of(panel.ui.inputFolderEdit), str(images))
    host.type_text(line_of(panel.ui.outputFolderEdit), str(results))
    host.wait_until(lambda: panel.ui.batchButton.enabled)
    host.click(panel.ui.batchButton)
    finish(panel)
    assert {case: detail for case, _, detail in rows(panel)} == expected
    assert {state for _, state, _ in rows(panel)} == {"failed"}
    assert not results.exists() or not list(results.iterdir())


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("../../escaped", b"text", "points outside of the model"),
        ("manifest.json", b'{"format": 99}', "update the engine"),
        ("manifest.json", b"[" * 900 + b"]" * 900, "nested too deeply"),
        ("weights/fold1.safetensors", b"no weights", "the checksum of weights/fold1.safetensors is wrong"),
    ],
)
def test_a_hostile_model_is_not_imported_and_the_panel_says_why(
    name: str, content: bytes, reason: str, host: Any, open_panel: Any, model_files: Path, models_folder: Path
) -> None:
    path = models_folder.parent / "hostile.zip"
    with zipfile.ZipFile(model_files / "body.zip") as sound, zipfile.ZipFile(path, "w") as hostile:
        for member in {*sound.namelist(), name}:
            hostile.writestr(member, content if member == name else sound.read(member))
    before = sorted(models_folder.parent.rglob("*"))
    panel = open_panel()
    panel.panel.models.importModel(str(path))
    host.wait_until(lambda: panel.panel.models.process is None, SECONDS)
    text = panel.ui.modelMessage.text
    assert text.startswith(f"hostile.zip was not imported. {path}: ")
    assert reason in text
    assert ";" in text
    assert sorted(models_folder.parent.rglob("*")) == before
