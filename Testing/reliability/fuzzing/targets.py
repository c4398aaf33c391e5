"""What reads files and messages from strangers, each as a function of bytes; and sound ones to start from."""

from __future__ import annotations

import io
import json
import os
import runpy
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import SimpleITK as sitk
import torch
import yaml
from hypothesis import strategies as st

from dints.config import Config
from dints.data.datalist import read_datalist
from dints.data.formats import refuse_unwritable
from dints.errors import InputError, failure
from dints.model.model import load_model
from dints.model.reference import (
    load_reference_checkpoint,
    load_reference_weights,
    save_reference_architecture,
    save_reference_weights,
)
from dints.service.worker import Worker
from dints.space.architecture import Architecture
from dints.training.checkpoint import load_checkpoint, save_checkpoint

from ..models.hostile import LEGACY_WEIGHTS, WEIGHTS, legacy, members_of, torch_bytes, with_pickle, with_weights, zipped
from .mutations import as_json, mutated_bytes, mutated_values

REPOSITORY = Path(__file__).resolve().parents[3]
TINY_MODEL = REPOSITORY / "DiNTSSegmentation" / "DiNTSSegmentationLib" / "tiny_model.py"
CPU = torch.device("cpu")


class UnhandledError(Exception):
    """Something else than one sentence on what is wrong, or than doing it."""


@dataclass(frozen=True)
class Target:
    """A reader of files.

    Attributes:
        read: raises what the reader raises.
        cases: files to read.
        seeds: the sound files that they lie near.
    """

    read: Callable[[bytes], None]
    cases: st.SearchStrategy[bytes]
    seeds: list[bytes]

    def accepts(self, content: bytes) -> bool:
        """Whether a file is read without an error; UnhandledError if it is neither read nor refused in a sentence."""
        try:
            self.read(content)
        except UnhandledError:
            raise
        except Exception as error:
            text, code = failure(error)
            refuse_other_answers(text, code, error)
            return False
        return True


def near_files(read: Callable[[bytes], None], *seeds: bytes) -> Target:
    return Target(read, mutated_bytes(list(seeds)), list(seeds))


def near_values(read: Callable[[bytes], None], *seeds: Any) -> Target:
    """Of a reader of JSON."""
    return Target(read, mutated_values(list(seeds), as_json), [as_json(value) for value in seeds])


def refuse_other_answers(text: str, code: int, error: Exception | None = None) -> None:
    """UnhandledError unless an error was meant for the user."""
    if "\n" in text or len(text) > 1000:
        raise UnhandledError(f"not one short line: {text[:500]}") from error
    if code != 2 and (text.startswith("unexpected") or "memory ran out" in text):
        raise UnhandledError(text) from error


def build_targets(folder: Path) -> dict[str, Target]:
    """All readers, by the name of what they read; they work in a folder, which becomes the current one."""
    os.chdir(folder)
    runpy.run_path(str(TINY_MODEL))["main"]([str(folder / "tiny.zip"), "--spacing", "1", "--labels", "a,b"])
    targets = model_targets(folder) | tensor_targets(folder) | text_targets(folder)
    return {**targets, "message": message_target(folder)}


def inner_files(archive: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def model_targets(folder: Path) -> dict[str, Target]:
    content = (folder / "tiny.zip").read_bytes()
    members = members_of(folder / "tiny.zip")
    manifest = json.loads(members["manifest.json"])
    path = folder / "mutated.zip"

    def read(content: bytes) -> None:
        path.write_bytes(content)
        load_model(path).predictor("cpu")

    def read_weights(content: bytes) -> None:
        read(zipped(with_weights(members, content)))

    old = legacy(members)
    archive = old[LEGACY_WEIGHTS]
    arrays = inner_files(archive)
    name, array = next(iter(arrays.items()))

    def read_old_weights(content: bytes) -> None:
        read(zipped(with_weights(old, content)))

    return {
        "model": near_files(read, content),
        "manifest": near_values(lambda text: read(zipped({**members, "manifest.json": text})), manifest),
        "weights": near_files(read_weights, members[WEIGHTS]),
        "weights of format 2": near_files(read_old_weights, archive),
        "array": near_files(lambda file: read_old_weights(zipped({**arrays, name: file})), array),
    }


def tensor_targets(folder: Path) -> dict[str, Target]:
    model = load_model(folder / "tiny.zip")
    network = model.networks[0]
    architecture, weights, checkpoint = (folder / name for name in ("architecture.pth", "weights.pt", "checkpoint.pt"))
    save_reference_architecture(model.manifest.architecture, architecture)
    save_reference_weights(network, weights)
    save_checkpoint(checkpoint, {"step": 3, "network": network.state_dict(), "best": [0.5]})

    def reader(path: Path, read: Callable[[Path], Any]) -> Callable[[bytes], None]:
        def run(content: bytes) -> None:
            path.write_bytes(content)
            read(path)

        return run

    def import_weights(path: Path) -> None:
        load_reference_weights(network, load_reference_checkpoint(path))

    def load(path: Path) -> None:
        load_checkpoint(path, CPU)

    old = torch_bytes(torch.load(weights), new=False)
    readers = {architecture: (Architecture.load, []), weights: (import_weights, [old]), checkpoint: (load, [])}
    targets = {}
    for path, (read, more) in readers.items():
        content = path.read_bytes()
        pickled = next(file for name, file in inner_files(content).items() if name.endswith(".pkl"))
        run = reader(path, read)
        targets[path.name] = near_files(run, content, *more)
        targets[f"pickle of {path.name}"] = near_files(partial(within, run, content), pickled)
    return targets


def within(read: Callable[[bytes], None], file: bytes, pickled: bytes) -> None:
    """Reads a file of PyTorch with another pickle in it."""
    read(with_pickle(file, pickled))


def small_data(folder: Path) -> dict[str, Any]:
    """Writes two images with labels; returns what a data list says of them."""
    for kind in ("images", "labels"):
        (folder / kind).mkdir(parents=True)
        for case in "ab":
            sitk.WriteImage(sitk.Image(4, 4, 4, sitk.sitkUInt8), str(folder / kind / f"{case}.nii.gz"))
    return {
        "name": "Task",
        "modality": {"0": "CT"},
        "labels": {"0": "background", "1": "liver"},
        "training": [{"image": f"./images/{case}.nii.gz", "label": f"./labels/{case}.nii.gz"} for case in "ab"],
        "test": ["./images/a.nii.gz", {"image": ["./images/b.nii.gz"]}],
    }


def text_targets(folder: Path) -> dict[str, Target]:
    data, description = folder / "data", small_data(folder / "data")
    architecture = load_model(folder / "tiny.zip").manifest.architecture.to_mapping()
    config = Config.load("phantom").to_mapping()
    text = yaml.safe_dump(config).encode()

    def reader(name: str, read: Callable[[Path], Any]) -> Callable[[bytes], None]:
        def run(content: bytes) -> None:
            path = folder / name
            path.write_bytes(content)
            try:
                read(path)
            finally:
                path.unlink()

        return run

    read_list = reader("data/dataset.json", lambda path: read_datalist(data))
    read_config = reader("config.yaml", Config.load)
    read_labels = reader("data/labels.yaml", lambda path: read_datalist(data))
    return {
        "data list": near_values(read_list, description),
        "data list as text": near_files(read_list, as_json(description)),
        "names of labels": near_files(read_labels, b"{0: background, 1: liver}", b"liver: 1\nair: 0\n"),
        "config": near_values(read_config, config),
        "config as text": near_files(read_config, text),
        "override": near_files(override, b"search.iterations=200", b"sampling.patch=[32, 32, 32]"),
        "architecture": near_values(reader("code.json", Architecture.load), architecture),
    }


def override(content: bytes) -> None:
    Config().with_overrides([content.decode(errors="surrogateescape")])


def message_target(folder: Path) -> Target:
    """Lines for the worker, which does what they ask for apart from writing the result."""
    scan = sitk.GetImageFromArray(np.random.default_rng(0).normal(50, 20, (8, 8, 8)).astype(np.float32))
    sitk.WriteImage(scan, str(folder / "scan.nrrd"))
    options = {"overlap": 0.5, "vote": "mean", "mirror": True, "folds": [0]}
    model = {"job": 1, "model": "tiny.zip", "device": "cpu", "options": options}
    segment = {**model, "command": "segment", "inputs": ["scan.nrrd"], "output": "labels.nrrd"}
    jobs = [
        {**segment, "statistics": True},
        {**segment, "job": "b", "disagreement": "b.nrrd"},
        {**model, "command": "estimate", "size": [90, 90, 80], "spacing": [1, 1, 2.5]},
    ]
    stream = io.StringIO()
    worker = Worker(stream)

    def read(content: bytes) -> None:
        stream.seek(0)
        stream.truncate()
        with mock.patch("dints.data.images.write_image", lambda image, path: refuse_unwritable(path)):
            worker.run(content.decode(errors="replace"))
        last = json.loads(stream.getvalue().splitlines()[-1])
        if last["event"] == "error":
            refuse_other_answers(last["text"], last["code"])
            raise InputError(last["text"])
        if last["event"] != "finished":
            raise UnhandledError(f"the worker ended with {last}")

    values = near_values(read, *jobs)
    return Target(read, values.cases | mutated_bytes(values.seeds), values.seeds)
