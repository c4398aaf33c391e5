"""The 3D U-Net as an architecture: shapes, widths, thick slices, files."""

from __future__ import annotations

import pytest
import torch

from dints import InputError, build_network
from dints.zoo.catalogue import design_from_mapping, read_design
from dints.zoo.unet_design import UNetDesign


@pytest.mark.parametrize("size", [(16, 16, 16), (17, 20, 31)])
def test_logits_have_the_size_of_the_images(size):
    network = build_network(UNetDesign(levels=3), 2, 4, 3)
    assert network(torch.randn(2, 2, *size)).shape == (2, 4, *size)


def test_a_width_of_its_own_wins_over_the_settings():
    widths = [build_network(UNetDesign(2, filters=own), 1, 2, 8).classifier.weight.shape[1] for own in (None, 5)]
    assert widths == [8, 5]


def test_thick_slices_are_pooled_later():
    design = UNetDesign(levels=3, delay=(0, 0, 1))
    assert design.steps == [(2, 2, 1), (2, 2, 2)]
    assert design.size_rule == "at least 8x8x4"
    assert [design.fits(size) for size in ((8, 8, 4), (8, 8, 3))] == [True, False]
    assert build_network(design, 1, 2, 2)(torch.randn(1, 1, 8, 8, 4)).shape == (1, 2, 8, 8, 4)


@pytest.mark.parametrize("delay", [[-1, 0, 0], [-(10**9), 0, 0], [0, 0, 7], [0, 0], [0, 0, True], 3])
def test_delays_that_no_network_has_are_refused(delay):
    with pytest.raises(InputError, match=r"delay=.*: give three whole numbers from 0 to 6"):
        design_from_mapping({"format": 1, "network": "unet", "levels": 3, "delay": delay})


def test_it_learns():
    torch.manual_seed(0)
    network = build_network(UNetDesign(levels=2), 1, 2, 4)
    images = torch.randn(2, 1, 8, 8, 8)
    labels = (images[:, 0] > 0).long()
    optimizer = torch.optim.Adam(network.parameters(), 0.01)
    losses = []
    for _ in range(20):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(network(images), labels)
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0] / 2


def test_it_survives_saving(tmp_path):
    design = UNetDesign(3, (0, 1, 0), 6)
    design.save(tmp_path / "unet.json")
    assert read_design(tmp_path / "unet.json") == design


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"format": 9}, "format"),
        ({"levels": 1}, "levels"),
        ({"levels": "3"}, "levels"),
        ({"delay": [0, 0]}, "delay"),
        ({"filters": 0}, "filters"),
        ({"network": "vnet"}, "vnet"),
    ],
)
def test_another_layout_is_refused_in_one_line(change, reason):
    with pytest.raises(InputError, match=reason) as caught:
        design_from_mapping(UNetDesign(3).to_mapping() | change)
    assert "\n" not in str(caught.value)
