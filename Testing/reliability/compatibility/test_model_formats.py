"""Model files of every format that was ever written still load and segment as they did; newer ones are refused.

`segmentation.nii.gz` is what the engine that wrote the first of them made of `scan.nii.gz`.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from dints.cli import main
from dints.data.images import read_image
from dints.errors import InputError
from dints.model.archive import read_manifest
from dints.model.manifest import FILE_NAME, FORMAT
from dints.model.model import load_model

HERE = Path(__file__).parent
MODELS = {number: HERE / "models" / f"format{number}.zip" for number in range(1, FORMAT + 1)}
ROUNDING = 1e-3  # of the voxels, where two classes are as good as equal and processors round differently


def manifest_of(path: Path) -> dict[str, Any]:
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read(FILE_NAME))


def with_manifest(path: Path, target: Path, **changes: Any) -> Path:
    """A copy of a model whose manifest says something else."""
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(target, "w") as copy:
        for name in source.namelist():
            content = source.read(name)
            copy.writestr(name, json.dumps({**json.loads(content), **changes}) if name == FILE_NAME else content)
    return target


def keys(value: Any, path: str = "") -> Iterator[str]:
    """The names of all settings in nested mappings; those of labels are not settings."""
    if isinstance(value, dict) and path not in ("/config/task/labels", "/styles", "/training"):
        for name, item in value.items():
            yield f"{path}/{name}"
            yield from keys(item, f"{path}/{name}")


@pytest.mark.parametrize("number", MODELS)
def test_a_model_of_every_format_segments_as_the_engine_that_wrote_it(number: int) -> None:
    assert manifest_of(MODELS[number])["format"] == number
    segmentation = load_model(MODELS[number]).segment(read_image(HERE / "scan.nii.gz"), device="cpu")
    found, expected = map(sitk.GetArrayFromImage, (segmentation, read_image(HERE / "segmentation.nii.gz")))
    assert (found != expected).mean() < ROUNDING
    assert set(np.unique(found)) == {0, 1, 2, 3}


@pytest.mark.parametrize("number", list(MODELS)[:-1])
def test_an_older_format_converts_to_the_newest_with_the_same_weights(number: int, tmp_path: Path) -> None:
    converted = tmp_path / "converted.zip"
    assert main(["models", "convert", str(MODELS[number]), "--output", str(converted)]) == 0
    assert manifest_of(converted)["format"] == FORMAT
    assert converted.stat().st_size < 1.01 * MODELS[number].stat().st_size
    before, after = load_model(MODELS[number]), load_model(converted)
    told = [{**manifest_of(path), "format": None, "folds": None} for path in (converted, MODELS[number])]
    assert all(told[0][key] == value for key, value in told[1].items() if key != "config")
    assert [fold.dice for fold in after.manifest.folds] == [fold.dice for fold in before.manifest.folds]
    for old, new in zip(before.networks, after.networks, strict=True):
        assert all(torch.equal(value, old.state_dict()[name]) for name, value in new.state_dict().items())


def test_the_file_of_the_newest_format_has_what_the_engine_writes_today() -> None:
    """Else the format has changed: raise FORMAT if it was published, and run make.py."""
    newest = MODELS[FORMAT]
    assert set(keys(read_manifest(newest).to_mapping())) == set(keys(manifest_of(newest)))


def test_what_older_formats_lack_has_its_default() -> None:
    manifest = read_manifest(MODELS[1])
    assert manifest.styles == {}
    assert manifest.config.augmentation.flip_axes == (0, 1, 2)


def test_a_newer_format_is_refused_with_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    newer = with_manifest(MODELS[FORMAT], tmp_path / "newer.zip", format=FORMAT + 1, config={"unheard": "of"})
    sentence = f"newer.zip: has model format {FORMAT + 1}, this engine reads up to {FORMAT}; update the engine"
    with pytest.raises(InputError, match=sentence):
        load_model(newer)
    output = tmp_path / "labels.nii.gz"
    scan = str(HERE / "scan.nii.gz")
    assert main(["segment", "--model", str(newer), "--input", scan, "--output", str(output)]) == 2
    errors = capsys.readouterr().err
    assert sentence in errors
    assert errors.count("\n") == 1
    assert not output.exists()
