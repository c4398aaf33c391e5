"""Weights as bytes: exact, compact, and refused where they are not a network's."""

from __future__ import annotations

import pytest
import torch

from dints import Architecture, SearchSpace, build_network
from dints.errors import InputError
from dints.model.weights import pack, read_weights, size_limit, unpack, write_weights

NETWORK = build_network(Architecture.random(SearchSpace(2, 2), seed=1), 1, 3, 8)
STATE = NETWORK.state_dict()
SOURCE = "model.zip: weights/fold0.safetensors"


def restored(stored: dict[str, torch.Tensor], expected: dict[str, torch.Tensor] = STATE) -> dict[str, torch.Tensor]:
    return unpack(read_weights(write_weights(stored), expected, SOURCE))


def test_weights_come_back_as_they_were():
    found = restored(pack(STATE))
    assert found.keys() == STATE.keys()
    assert all(torch.equal(found[name], STATE[name]) for name in STATE)


def test_kernels_in_another_order_of_memory_come_back_as_they_were():
    state = {"weight": torch.randn(4, 2, 3, 3, 3).to(memory_format=torch.channels_last_3d)}
    assert torch.equal(restored(pack(state), state)["weight"], state["weight"])


def test_compact_weights_take_a_quarter_and_are_rounded_to_a_step():
    content = write_weights(pack(STATE, compact=True))
    kernels = sum(tensor.nbytes for tensor in STATE.values() if tensor.dim() > 1)
    rest = size_limit(STATE) - sum(tensor.nbytes for tensor in STATE.values())
    assert kernels / 4 < len(content) < kernels / 4 + rest + 10_000
    found = restored(pack(STATE, compact=True))
    for name, tensor in STATE.items():
        step = tensor.abs().flatten(1).amax(1) / 127 if tensor.dim() > 1 else torch.zeros(1)
        error = (found[name] - tensor).abs()
        assert (error.flatten(1).amax(1) <= step / 2 + 1e-6).all() if tensor.dim() > 1 else not error.any()


def test_what_was_stored_is_written_again_bit_for_bit():
    content = write_weights(pack(STATE, compact=True))
    assert write_weights(read_weights(content, STATE, SOURCE)) == content


def test_a_channel_of_zeros_stays_zero():
    state = {"weight": torch.zeros(2, 1, 3, 3, 3)}
    assert not restored(pack(state, compact=True), state)["weight"].any()


@pytest.mark.parametrize(
    ("scale", "reason"),
    [
        (None, "has the shape .* and type int8, not .* float32"),
        (torch.full((8, 1, 1, 1, 1), torch.nan), "not finite"),
        (torch.full((8, 1, 1, 1, 1), 3e38), "not finite"),
        (torch.ones(5), "has the shape .5,."),
    ],
)
def test_steps_without_a_proper_scale_are_refused(scale: torch.Tensor | None, reason: str):
    name = "input_stems.0.convolution.weight"
    stored = pack(STATE, compact=True)
    stored.pop(f"{name}.scale")
    if scale is not None:
        stored[f"{name}.scale"] = scale
    with pytest.raises(InputError, match=f"fold0.safetensors: tensor {name}.*{reason}"):
        restored(stored)
