"""What a model says of itself: read back as it was written, and refused by name where it is not whole."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import dints
from dints.config import Config
from dints.errors import InputError
from dints.model.manifest import FORMAT, MOST_FOLDS, Fold, LabelStyle, Manifest
from dints.space.architecture import Architecture

SUM = "ab" * 32


@pytest.fixture
def manifest(tiny_config: Config) -> Manifest:
    space = dints.SearchSpace(tiny_config.search.layers, tiny_config.search.levels)
    return Manifest(
        config=tiny_config,
        architecture=Architecture.random(space, seed=1),
        folds=(Fold("weights/fold0.safetensors", SUM, (0.9, None)), Fold("weights/fold1.safetensors", SUM)),
        notes="for tests",
        engine_version="0.1.0",
        training={"cases": 6},
        styles={1: LabelStyle("#dd8265", "liver")},
    )


@pytest.fixture
def values(manifest: Manifest) -> dict[str, Any]:
    """Its plain values, to be changed."""
    return json.loads(json.dumps(manifest.to_mapping()))


def test_a_manifest_comes_back_as_it_was_written(manifest: Manifest, values: dict[str, Any]) -> None:
    assert values["format"] == FORMAT
    assert Manifest.from_mapping(values, "model") == manifest


def test_a_model_has_the_name_of_its_task(manifest: Manifest) -> None:
    assert manifest.name == manifest.config.task.name == "Phantom"


@pytest.mark.parametrize("number", range(1, FORMAT + 1))
def test_every_format_so_far_is_read(number: int, manifest: Manifest, values: dict[str, Any]) -> None:
    assert Manifest.from_mapping({**values, "format": number}, "model") == manifest


def test_what_older_formats_lack_is_empty(values: dict[str, Any]) -> None:
    for name in ("notes", "engine_version", "training", "styles"):
        del values[name]
    del values["folds"][0]["dice"]
    found = Manifest.from_mapping(values, "model")
    assert (found.notes, found.engine_version, found.training, found.styles) == ("", "", {}, {})
    assert found.folds[0].dice == ()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"format": FORMAT + 1}, f"has model format {FORMAT + 1}, this engine reads up to {FORMAT}; update"),
        ({"format": "3"}, "is not a DiNTS model"),
        ({"format": True}, "is not a DiNTS model"),
        ({"format": 0}, "is not a DiNTS model"),
        ({"folds": []}, f"0 networks instead of 1 to {MOST_FOLDS}"),
        ({"folds": [{"file": f"{fold}", "sha256": SUM} for fold in range(MOST_FOLDS + 1)]}, "101 networks"),
        ({"folds": [{"file": "a", "sha256": SUM}] * 2}, "two networks in one file"),
        ({"folds": [{"file": "a"}]}, "manifest is damaged .KeyError..sha256"),
        ({"folds": [{"file": "a" * 201, "sha256": SUM}]}, "short texts"),
        ({"folds": [{"file": "a", "sha256": SUM, "dice": [float("nan")]}]}, "manifest is damaged .*Dice"),
        ({"folds": [{"file": "a", "sha256": SUM, "dice": ["high"]}]}, "manifest is damaged"),
        ({"architecture": []}, "is not an architecture"),
        ({"config": {"task": {"labels": 3}}}, "task.labels"),
        ({"config": {"sampling": {"patch": [8, 8, 8]}}}, "patch"),
        ({"training": 3}, "manifest is damaged"),
        ({"styles": {"1": {"color": "#12345"}}}, "expected #rrggbb"),
        ({"styles": {"liver": {}}}, "styles are damaged"),
    ],
)
def test_what_is_wrong_is_said_in_a_line_with_the_name_of_the_file(
    changes: dict[str, Any], reason: str, values: dict[str, Any]
) -> None:
    with pytest.raises(InputError, match=f"^body.zip: .*{reason}") as caught:
        Manifest.from_mapping({**values, **changes}, "body.zip")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["format", "config", "architecture", "folds"])
def test_what_every_model_needs_may_not_be_missing(name: str, values: dict[str, Any]) -> None:
    del values[name]
    with pytest.raises(InputError, match=r"^body\.zip: "):
        Manifest.from_mapping(values, "body.zip")


def test_a_manifest_is_read_without_pytorch_and_safetensors(model_file: Path) -> None:
    """As in 3D Slicer before anything is installed for the engine."""
    program = (
        "import sys; sys.modules.update(torch=None, safetensors=None, yaml=None)\n"
        "from dints.model.archive import read_manifest\n"
        f"assert len(read_manifest({str(model_file)!r}).folds) == 2"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
