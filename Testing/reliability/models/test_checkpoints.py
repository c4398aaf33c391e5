"""Checkpoints from strangers, of a run or of the reference, that hold other tensors than they should."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from dints.errors import InputError
from dints.files.untrusted.tensors import load_tensors

from .hostile import Call, members_of, packed, repeated, torch_bytes

HUGE = 2**60


def absurd_tensors() -> dict[str, bytes]:
    """Files of PyTorch that announce more than they hold."""
    weight = torch.zeros(4)
    files = {
        "repeated": torch_bytes({"weight": repeated((HUGE,))}),
        "repeated, old": torch_bytes({"weight": repeated((HUGE,))}, new=False),
        "repeated in a list": torch_bytes({"weight": [[repeated((2**30, 2**30), torch.float64)]]}),
        "allocated": torch_bytes(Call(bytearray, HUGE)),
        "size calculated": torch_bytes(Call(torch.zeros, HUGE)),
        "empty": torch_bytes({"weight": Call(torch.empty, (HUGE,))}),
        "storage announced": old_storage(HUGE),
        "storage said larger": torch_bytes({"weight": weight}).replace(b"K\x04t", b"K\x40t"),
    }
    return files


def old_storage(count: int) -> bytes:
    """In the old format, the count of a storage's elements stands in the pickle and again before its bytes."""
    content = torch_bytes({"weight": torch.zeros(77)}, new=False)
    huge = b"\x8a\x08" + struct.pack("<q", count)  # LONG1
    return content.replace(b"KM", huge).replace(struct.pack("<q", 77), struct.pack("<q", count))


ABSURD = absurd_tensors()


@pytest.mark.parametrize("name", ABSURD)
def test_tensors_that_are_larger_than_their_file_are_refused(
    name: str, refused: Callable, reference_files: dict[str, Path], tiny_config_file: Path, workplace: Path
) -> None:
    hostile = workplace / "hostile.pth"
    hostile.write_bytes(ABSURD[name])
    for place in ("architecture", "weights"):
        files = {**reference_files, place: hostile}
        arguments = ("import", files["weights"], "--architecture", files["architecture"], "--config", tiny_config_file)
        refused((*arguments, "--output", workplace / "model.zip"), str(hostile))


def test_a_pickle_that_takes_memory_is_refused_before_it_does(workplace: Path) -> None:
    """PyTorch's restricted reader would make the gigabyte that these bytes ask for."""
    hostile = workplace / "hostile.pt"
    torch.save(Call(bytearray, 2**30), hostile)
    with pytest.raises(InputError, match="bytearray, which could run code or fill the memory, and is refused"):
        load_tensors(hostile, remedy="get it again")


def test_compressed_tensors_are_refused(workplace: Path) -> None:
    """PyTorch's reader would unpack them, whatever they unpack to."""
    torch.save({"weight": torch.zeros(2**20)}, workplace / "sound.pt")
    hostile = packed(members_of(workplace / "sound.pt"), workplace / "hostile.pt", zipfile.ZIP_DEFLATED)
    assert hostile.stat().st_size < 2**15
    with pytest.raises(InputError, match="is compressed"):
        load_tensors(hostile, remedy="get it again")


def first_tensor(values: dict[str, Any]) -> str:
    return next(name for name, value in values.items() if isinstance(value, torch.Tensor) and value.ndim == 5)


def changed(change: Callable[[torch.Tensor], Any]) -> Callable[[dict[str, Any]], None]:
    """Changes the first kernel of a network."""

    def apply(weights: dict[str, Any]) -> None:
        name = first_tensor(weights)
        weights[name] = change(weights[name])

    return apply


# What becomes of the weights in a file of the reference, and a part of the reason.
WEIGHTS: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "another shape": (changed(torch.flatten), "has shape"),
    "NaN": (changed(lambda kernel: kernel * torch.nan), "not finite"),
    "infinite": (changed(lambda kernel: kernel / 0), "not finite"),
    "whole numbers": (changed(lambda kernel: kernel.long()), "holds no numbers"),
    "complex": (changed(lambda kernel: kernel + 1j), "holds no numbers"),
    "repeated": (changed(lambda kernel: repeated((HUGE,))), "more than the file has bytes for"),
    "a text": (changed(lambda kernel: "kernel"), "holds no weights"),
    "one more": (lambda weights: weights.update({"k" * 10**5: torch.zeros(1)}), "has no place here"),
    "one fewer": (lambda weights: weights.pop(first_tensor(weights)), "is missing"),
    "none": (lambda weights: weights.clear(), "holds no weights"),
}


@pytest.mark.parametrize("name", WEIGHTS)
def test_other_weights_than_those_of_the_network_are_not_imported(
    name: str, refused: Callable, reference_files: dict[str, Path], tiny_config_file: Path, workplace: Path
) -> None:
    change, reason = WEIGHTS[name]
    weights = torch.load(reference_files["weights"])
    change(weights)
    torch.save(weights, workplace / "hostile.pt")
    arguments = ("import", "hostile.pt", "--architecture", reference_files["architecture"])
    refused((*arguments, "--config", tiny_config_file, "--output", "model.zip"), reason)


# What becomes of the last state of a fold's training, and a part of the reason.
STATES: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "no step": (lambda state: state.pop("step"), "is not a checkpoint of this run"),
    "a negative step": (lambda state: state.update(step=-1), "step -1 of"),
    "2^60 steps": (lambda state: state.update(step=HUGE), f"step {HUGE} of"),
    "a text as step": (lambda state: state.update(step="1"), "step '1' of"),
    "no network": (lambda state: state.update(network=None), "is not a checkpoint of this run"),
    "a kernel of another shape": (lambda state: changed(torch.flatten)(state["network"]), "Error(s) in loading"),
    "no optimizer": (lambda state: state.update(optimizer={}), "is not a checkpoint of this run"),
    "another optimizer": (lambda state: state["optimizer"].update(param_groups=[]), "is not a checkpoint of this run"),
    "a repeated momentum": (
        lambda state: next(iter(state["optimizer"]["state"].values())).update(
            momentum_buffer=repeated((HUGE,), torch.float64)
        ),
        "more than the file has bytes for",
    ),
    "a text as best": (lambda state: state.update(best=["high"]), "is not a checkpoint of this run"),
    "reductions without end": (lambda state: state.update(reductions="many"), "is not a checkpoint of this run"),
}


@pytest.mark.parametrize("name", STATES)
def test_a_training_does_not_go_on_from_another_state(name: str, refused: Callable, trained_run: Path) -> None:
    change, reason = STATES[name]
    path = trained_run / "train" / "fold0" / "last.pt"
    sound = path.read_bytes()
    state = torch.load(path)
    change(state)
    torch.save(state, path)
    try:
        refused(("train", "--run", trained_run, "--folds", "0"), str(path), reason)
    finally:
        path.write_bytes(sound)


@pytest.mark.parametrize("values", [None, 7, "text", [], torch.zeros(3), {}, {"step": 1}])
@pytest.mark.parametrize(
    ("place", "action"), [("search/checkpoint.pt", ["search"]), ("train/fold0/best.pt", ["models", "export"])]
)
def test_a_checkpoint_of_something_else_is_refused(
    place: str, action: list[str], values: Any, refused: Callable, trained_run: Path
) -> None:
    path = trained_run / place
    sound = path.read_bytes()
    torch.save(values, path)
    try:
        refused((*action, "--run", trained_run), str(path), "is not a checkpoint of this run")
    finally:
        path.write_bytes(sound)


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("run.json", "[]"),
        ("run.json", '{"format": 1}'),
        ("run.json", '{"format": 1, "data": 3, "held_out": []}'),
        ("run.json", '{"format": 1, "data": "data", "held_out": [[]]}'),
        ("config.yaml", "task: !!python/object/apply:os.system [touch executed]"),
        ("evaluation/cleanup.json", "[]"),
        ("evaluation/cleanup.json", '{"largest_component": ["all"]}'),
        ("evaluation/cleanup.json", '{"largest_component": [99]}'),
    ],
)
def test_a_run_of_something_else_is_refused(place: str, text: str, refused: Callable, trained_run: Path) -> None:
    path = trained_run / place
    sound = path.read_bytes() if path.is_file() else None
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    try:
        refused(("models", "export", "--run", trained_run), str(path))
    finally:
        path.unlink() if sound is None else path.write_bytes(sound)
