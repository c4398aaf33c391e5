"""Weights and architectures in the format of the reference implementation of DiNTS (`monai.networks.nets.DiNTS`).

Both networks have the same parameters one to one; only their names differ. The reference is built with
`use_downsample=True` and `channel_mul = filters / 32`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dints.config import Config
from dints.errors import InputError, brief
from dints.files.tensors import save_tensors
from dints.files.untrusted.tensors import load_tensors
from dints.space.architecture import ARRAYS, REFERENCE_KEYS, Architecture
from dints.space.network import Network, build_network

_STEM = {"convolution": "1", "norm": "2", "reduction": "4", "reduction_norm": "5"}  # position in the reference's stems
_HEAD = {"convolution": "0.conv", "norm": "0.norm", "classifier": "1"}
_CHANGE = {"convolution": "conv", "norm": "norm", "even": "conv_1", "odd": "conv_2"}
_CONVOLUTION = {"0": "conv", "1": "conv_1"}
_LOGITS = {"edge_logits": "log_alpha_a", "operation_logits": "log_alpha_c"}
_WRAPPERS = ("model", "state_dict")  # keys under which training programs put the weights
_PARALLEL_PREFIX = "module."  # of weights saved from a DataParallel or DistributedDataParallel network


def load_reference_weights(network: Network, state_dict: Mapping[str, torch.Tensor]) -> None:
    """Copies weights of a reference network, searched or retrained, into the same network of ours.

    InputError names the first missing, unknown or differently shaped tensor; the network is then unchanged.
    """
    parameters = dict(network.named_parameters())
    names = {name: _reference_name(name, network) for name in parameters}
    for name, theirs in names.items():
        if theirs not in state_dict:
            raise InputError(f"reference weights: {theirs} is missing; give the weights of this very architecture")
        found, expected = tuple(state_dict[theirs].shape), tuple(parameters[name].shape)
        if found != expected:
            raise InputError(
                f"reference weights: {theirs} has shape {found} where {expected} is needed; "
                "build the network with the filters, channels and classes of the weights"
            )
    unknown = sorted(set(state_dict) - set(names.values()))
    if unknown:
        raise InputError(
            f"reference weights: {brief(unknown[0])} has no place here; give the weights of this architecture"
        )
    network.load_state_dict({name: state_dict[theirs] for name, theirs in names.items()})


def read_reference(
    checkpoints: Sequence[str | os.PathLike[str]], architecture: Path, config: Config
) -> tuple[Architecture, list[dict[str, torch.Tensor]]]:
    """An architecture of the reference (.pth) or ours (.json), and the weights of checkpoints under our names."""
    found = Architecture.load(architecture)
    if architecture.suffix.lower() in ARRAYS:  # those say nothing of the stems
        found = found.at(config.search.finest, config.search.delay)
    states = []
    for path in checkpoints:
        network = build_network(found, len(config.task.channels), len(config.task.labels), config.training.filters)
        load_reference_weights(network, load_reference_checkpoint(path))
        states.append(network.state_dict())
    return found, states


def reference_state_dict(network: Network) -> dict[str, torch.Tensor]:
    """The weights of a network under the reference's names, detached; the reference loads them strictly."""
    return {_reference_name(name, network): value.detach() for name, value in network.named_parameters()}


def load_reference_checkpoint(path: str | os.PathLike[str]) -> dict[str, torch.Tensor]:
    """The weights in a checkpoint file of the reference, on the CPU; for `load_reference_weights`.

    Unwraps {"model": ...}, {"state_dict": ...} and "module." prefixes. The file is read with tensors only: a pickle
    that asks for anything else is refused. InputError names the file, the reason and the remedy.
    """
    values = load_tensors(path, remedy="save the state_dict of the network alone")
    for key in _WRAPPERS:
        if isinstance(values, Mapping) and isinstance(values.get(key), Mapping):
            values = values[key]
    if not _is_state_dict(values):
        raise InputError(f"{path}: holds no weights (names and tensors); give a checkpoint of the reference network")
    for name, value in values.items():
        if not value.is_floating_point() or not torch.isfinite(value).all():
            raise InputError(f"{path}: {brief(name)} holds no numbers or not finite ones; get the weights again")
    return {name.removeprefix(_PARALLEL_PREFIX): value for name, value in values.items()}


def save_reference_weights(network: Network, path: str | os.PathLike[str]) -> None:
    """Writes the weights as a state_dict of the reference, atomically."""
    weights = {name: value.cpu() for name, value in reference_state_dict(network).items()}
    save_tensors(path, weights)


def save_reference_architecture(architecture: Architecture, path: str | os.PathLike[str], spelling: int = 0) -> None:
    """Writes an architecture as the reference reads it: a dict of NumPy arrays, atomically.

    `spelling` 0 names the arrays "arch_code_a" and "arch_code_c", 1 "code_a" and "code_c". Shapes are [L, E] (float64,
    0 or 1; int64), and [L + 1, D] (int64) for "node_a".
    """
    edges, operations = REFERENCE_KEYS[spelling]
    arrays = {
        "node_a": architecture.node_activation.astype(np.int64),
        edges: architecture.edges.astype(np.float64),
        operations: architecture.operations.astype(np.int64),
    }
    save_tensors(path, arrays)


def _is_state_dict(values: Any) -> bool:
    return (
        isinstance(values, Mapping)
        and len(values) > 0
        and all(isinstance(name, str) and isinstance(value, torch.Tensor) for name, value in values.items())
    )


def _reference_name(name: str, network: Network) -> str:
    """The reference's name of a parameter of ours."""
    match name.split("."):
        case ["input_stems", level, part, kind]:
            return f"stem_down.{level}.mod.{_STEM[part]}.{kind}"
        case ["output_stems", level, part, kind]:
            return f"stem_up.{level}.mod.{_STEM[part]}.{kind}"
        case ["head", part, kind]:
            return f"stem_finals.{_HEAD[part]}.{kind}"
        case ["layers", layer, edge, "change", part, kind]:
            return f"dints_space.cell_tree.({layer}, {edge}).preprocess.{_CHANGE[part]}.{kind}"
        case ["layers", layer, edge, "operations", operation, *part, kind]:
            # The reference numbers the operations of a cell, counting those without parameters.
            index = network.operations[int(layer)][int(edge)].index(operation)
            suffix = _CONVOLUTION[part[1]] if part[0] == "convolutions" else part[0]
            return f"dints_space.cell_tree.({layer}, {edge}).op.ops.{index}.{suffix}.{kind}"
        case _:
            return f"dints_space.{_LOGITS[name]}"
