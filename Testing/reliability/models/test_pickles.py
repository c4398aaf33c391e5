"""Pickles from strangers, in every place that can hold a tensor: nothing in them is run."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from .hostile import (
    LEGACY_WEIGHTS,
    MARK,
    WEIGHTS,
    Members,
    Payload,
    arrays_of,
    legacy,
    npy_members,
    packed,
    pickled_files,
    with_weights,
    zipped,
)

PICKLES = pickled_files()
SOME = ("GLOBAL, new", "STACK_GLOBAL, old", "beside tensors")
PLACES = (  # in a run, with the command that reads the file
    ("search/checkpoint.pt", "search"),
    ("train/fold0/last.pt", "train", "--folds", "0"),
    ("train/fold0/best.pt", "models", "export"),
    ("train/fold0/best.pt", "evaluate"),
)


@pytest.mark.parametrize("name", PICKLES)
def test_the_payload_works_where_nobody_is_careful(name: str, workplace: Path) -> None:
    """Else the other tests would prove nothing."""
    (workplace / "file.pt").write_bytes(PICKLES[name])
    torch.load(workplace / "file.pt", weights_only=False)
    assert (workplace / MARK).exists()


@pytest.mark.parametrize("name", PICKLES)
@pytest.mark.parametrize("place", ["architecture", "weights"])
def test_files_of_the_reference_run_nothing(
    place: str, name: str, refused: Callable, reference_files: dict[str, Path], tiny_config_file: Path, workplace: Path
) -> None:
    hostile = workplace / "hostile.pth"
    hostile.write_bytes(PICKLES[name])
    files = {**reference_files, place: hostile}
    arguments = ("import", files["weights"], "--architecture", files["architecture"], "--config", tiny_config_file)
    refused((*arguments, "--output", workplace / "model.zip"), str(hostile), "is refused")


@pytest.mark.parametrize("name", SOME)
@pytest.mark.parametrize(("place", "action"), [(place, action) for place, *action in PLACES])
def test_checkpoints_run_nothing(
    place: str, action: list[str], name: str, refused: Callable, trained_run: Path
) -> None:
    path = trained_run / place
    sound = path.read_bytes()
    path.write_bytes(PICKLES[name])
    try:
        refused((*action, "--run", trained_run), str(path), "is refused")
    finally:
        path.write_bytes(sound)


@pytest.mark.parametrize("name", SOME)
def test_an_architecture_for_retraining_runs_nothing(
    name: str, refused: Callable, trained_run: Path, workplace: Path
) -> None:
    (workplace / "hostile.pth").write_bytes(PICKLES[name])
    refused(("train", "--run", trained_run, "--architecture", "hostile.pth"), "hostile.pth", "is refused")


def hostile_weights(members: Members) -> dict[str, bytes]:
    """What a model could hold in place of its weights."""
    name, array = next(iter(arrays_of(members).items()))
    objects = np.full(array.shape, Payload(), object)
    as_pickle = npy_members(arrays_of(members)) | {f"{name}.npy": pickle.dumps(Payload())}
    return {
        "array of objects": zipped(npy_members({**arrays_of(members), name: objects})),
        "pickle as array": zipped(as_pickle),
        "pickle": pickle.dumps(Payload()),
        "file of PyTorch": PICKLES["GLOBAL, new"],
        "pickled array": pickle.dumps(objects),
    }


@pytest.mark.parametrize("name", ["array of objects", "pickle as array", "pickle", "file of PyTorch", "pickled array"])
@pytest.mark.parametrize("action", ["install", "segment"])
@pytest.mark.parametrize("weights", [WEIGHTS, LEGACY_WEIGHTS])
def test_weights_of_a_model_run_nothing(
    weights: str, action: str, name: str, refused: Callable, members: Members, scan_file: Path, workplace: Path
) -> None:
    sound = members if weights == WEIGHTS else legacy(members)
    model = packed(with_weights(sound, hostile_weights(members)[name]), workplace / "model.zip")
    use = ("segment", "--model", model, "--input", scan_file, "--output", workplace / "labels.nrrd")
    refused(use if action == "segment" else ("models", "install", model), f"{model}: {weights}: ")
