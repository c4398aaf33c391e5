"""The network's forward pass on one window, as segmentation runs it."""

from __future__ import annotations

from functools import partial

import torch
from comparison import OURS, Comparison, Work
from reference import papers_architecture, reference_network

from dints.config import Config
from dints.device import autocast
from dints.inference.predictor import Predictor
from dints.space.network import build_network

CLASSES, EDGE = 3, 96
# Of logits, which are about 1, by whether half precision is used. Random weights amplify what is rounded: what half
# precision does to labels is measured on a trained network (half_precision.py).
TOLERANCES = {False: 1e-3, True: 1.0}


def prepare(side: str, device: torch.device, filters: int) -> Work:
    torch.manual_seed(0)
    architecture = papers_architecture()
    ours = build_network(architecture, 1, CLASSES, filters)
    window = torch.randn((1, 1, EDGE, EDGE, EDGE), generator=torch.Generator().manual_seed(1)).to(device)
    if side == OURS:
        network = Predictor([ours], Config(), str(device)).networks[0].to(device)
    else:
        network = reference_network(ours, architecture).eval().to(device)
    precision = autocast(device) if side == OURS or device.type == "cuda" else torch.autocast("cpu", enabled=False)

    @torch.inference_mode()
    def forward() -> torch.Tensor:
        with precision:
            return network(window).float()

    return forward


def same_logits(ours: torch.Tensor, theirs: torch.Tensor, tolerance: float) -> str:
    difference = float((ours - theirs).abs().max())
    same = float((ours.argmax(1) == theirs.argmax(1)).float().mean())
    assert difference < tolerance, f"logits differ by up to {difference}"
    return f"logits differ by up to {difference:.1g}, labels agree in {100 * same:.2f} %"


def forward(filters: int, faster: float, half: bool, devices: tuple[str, ...]) -> Comparison:
    precision = "half precision" if half else "float32"
    return Comparison(
        f"forward_{filters}_filters_{'half' if half else 'full'}",
        f"network forward, {filters} filters, batch 1 of {EDGE}^3, {precision}",
        partial(prepare, filters=filters),
        partial(same_logits, tolerance=TOLERANCES[half]),
        faster=faster,
        half=half,
        devices=devices,
    )


COMPARISONS = (
    forward(8, 1.5, half=False, devices=("cpu",)),
    forward(8, 2.5, half=True, devices=("cpu",)),
    forward(32, 1.5, half=True, devices=("cuda",)),
)
