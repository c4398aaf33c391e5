"""Manifests from strangers: refused in a sentence, quickly, and without memory for what they claim."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dints.space.architecture import Architecture
from dints.space.search_space import MAX_LAYERS, MAX_LEVELS, SearchSpace

from .hostile import MANIFEST, WEIGHTS, Members, packed, with_manifest


def largest_architecture() -> dict[str, Any]:
    """Of all that an architecture may be, with every edge on."""
    space = SearchSpace(MAX_LAYERS, MAX_LEVELS)
    shape = (space.layers, space.edges)
    return Architecture(space, np.ones(shape, bool), np.ones(shape, np.int64)).to_mapping()


def nested(depth: int, opening: str = "[", closing: str = "]") -> str:
    return opening * depth + closing * depth


ENDLESS = 10**4000  # JSON can write it, and no float can hold it

# Changes at the top of the manifest, and a part of the reason.
CHANGES: dict[str, tuple[dict[str, Any], str]] = {
    "no format": ({"format": None}, "is not a DiNTS model"),
    "a format that is true": ({"format": True}, "is not a DiNTS model"),
    "a format of nothing": ({"format": 0}, "is not a DiNTS model"),
    "an endless format": ({"format": ENDLESS}, "update the engine"),
    "folds in an object": ({"folds": {"a": 1}}, "the manifest is damaged"),
    "folds without end": ({"folds": [{"file": f"{i}", "sha256": ""} for i in range(1000)]}, "instead of 1 to 100"),
    "one file for all folds": ({"folds": [{"file": WEIGHTS, "sha256": ""}] * 50}, "two networks in one file"),
    "a number as file": ({"folds": [{"file": 7, "sha256": ""}]}, "must be short texts"),
    "a book as file": ({"folds": [{"file": "a" * 10**5, "sha256": ""}]}, "must be short texts"),
    "a zero character": ({"folds": [{"file": "a\0b", "sha256": ""}]}, "cannot be read"),
    "a book as score": ({"folds": [{"file": "a", "sha256": "", "dice": ["x" * 10**5]}]}, "the manifest is damaged"),
    "an endless score": ({"folds": [{"file": "a", "sha256": "", "dice": [ENDLESS]}]}, "the manifest is damaged"),
    "no architecture": ({"architecture": None}, "is not an architecture"),
    "layers without end": ({"architecture": {"format": 1, "levels": 2, "layers": [{}] * 1000}}, "at most 100 layers"),
    "levels without end": ({"architecture": {"format": 1, "levels": ENDLESS, "layers": [{}]}}, "at most 6 levels"),
    "a YAML tag": ({"config": {"task": {"name": ["!!python/object/apply:os.system"]}}}, "task.name must be a text"),
    "a patch beyond memory": ({"config": {"sampling": {"patch": [2**40] * 3}}}, "sampling.patch must lie between"),
    "2^60 filters": ({"config": {"training": {"filters": 2**60}}}, "training.filters must lie between"),
    "2^60 windows at once": ({"config": {"inference": {"batch_size": 2**60}}}, "inference.batch_size must lie between"),
    "an unknown setting": ({"config": {"hooks": {}}}, "unknown key hooks"),
    "styles in a list": ({"styles": [1]}, "styles are damaged"),
    "an endless style": ({"styles": {"1" * 5000: {}}}, "styles are damaged"),
    "a range of texts": ({"training": {"range": "wide"}}, "range of the training data is damaged"),
    "an endless range": (
        {"training": {"range": {"spacing": [[1, ENDLESS]] * 3, "extent": [[1, 2]] * 3, "intensity": [[[1, 2]] * 5]}}},
        "range of the training data is damaged",
    ),
    "training in a text": ({"training": "long"}, "the manifest is damaged"),
}

# Manifests as text, and a part of the reason.
TEXTS: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "is not valid JSON"),
    "no text": (b"\xff\xfe\x00\x00", "is not valid JSON"),
    "nested without end": (nested(400_000).encode(), "nested too deeply"),
    "nested": (nested(400).encode(), "nested too deeply"),
    "objects nested": (b'{"a":' * 300 + b"1" + b"}" * 300, "nested too deeply"),
    "NaN": (b'{"format": NaN}', "NaN is no number"),
    "infinity spelled out": (b'{"format": 1e999}', "1e999 is no number"),
    "a number of thousands of digits": (b'{"format": ' + b"9" * 100_000 + b"}", "is not valid JSON"),
    "a key twice": (b'{"format": 2, "format": []}', "it gives 'format' twice"),
    "a list": (b"[]", "is not a DiNTS model"),
    "YAML": (b"!!python/object/apply:os.system ['touch executed']", "is not valid JSON"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_hostile_manifest_is_refused(name: str, refused: Callable, members: Members, workplace: Path) -> None:
    changes, reason = CHANGES[name]
    model = packed(with_manifest(members, **changes), workplace / "model.zip")
    refused(("models", "install", model), str(model), reason)


@pytest.mark.parametrize("name", TEXTS)
def test_a_manifest_that_is_none_is_refused(name: str, refused: Callable, members: Members, workplace: Path) -> None:
    content, reason = TEXTS[name]
    model = packed({**members, MANIFEST: content}, workplace / "model.zip")
    for action in ("show", "install"):
        refused(("models", action, model), str(model), reason)


def test_a_value_that_is_nested_deeply_within_is_refused(refused: Callable, members: Members, workplace: Path) -> None:
    """Deep enough for whatever walks through it, not deep enough for the reader of JSON."""
    text = members[MANIFEST].replace(b'"notes": ', b'"notes": ' + nested(900).encode() + b', "more": ', 1)
    model = packed({**members, MANIFEST: text}, workplace / "model.zip")
    refused(("models", "show", model), str(model), "nested too deeply")


def test_the_largest_network_is_refused_before_memory_is_taken(
    refused: Callable, members: Members, workplace: Path
) -> None:
    config = json.loads(members[MANIFEST])["config"]
    config["training"]["filters"] = 512
    config["sampling"]["patch"] = [256, 256, 256]
    changes = {"config": config, "architecture": largest_architecture()}
    model = packed(with_manifest(members, **changes), workplace / "model.zip")
    refused(("models", "install", model), str(model), "bytes of memory; do not use this file")


@pytest.mark.parametrize("checksum", ["", "0" * 64, "../../etc/passwd", "x" * 10**5])
def test_a_wrong_checksum_is_refused(checksum: str, refused: Callable, members: Members, workplace: Path) -> None:
    folds = json.loads(members[MANIFEST])["folds"]
    folds[1]["sha256"] = checksum
    model = packed(with_manifest(members, folds=folds), workplace / "model.zip")
    refused(("models", "install", model), str(model), "the checksum of weights/fold1.safetensors is wrong")
