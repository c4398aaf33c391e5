"""The reference implementation's networks, with the weights of ours, and its way from an image to labels."""

from __future__ import annotations

import contextlib
import io
import warnings
from typing import Any

import numpy as np
import torch
from monai.inferers import sliding_window_inference
from monai.transforms import Activationsd, AsDiscreted, Compose, Invertd
from paths import PANCREAS
from torch import nn

from dints.geometry import Size
from dints.model.reference import reference_state_dict
from dints.space.architecture import Architecture
from dints.space.network import Network
from dints.space.search_space import SearchSpace

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from monai.networks.nets import DiNTS, TopologyInstance, TopologySearch

FILTERS_AT_ONE = 32  # of the reference where channel_mul is 1


def papers_architecture() -> Architecture:
    """The one that the paper's authors found on the Pancreas task."""
    return Architecture.load(PANCREAS)


def reference_search_space(space: SearchSpace, filters: int) -> nn.Module:
    """The reference's search space, which decodes and computes the losses."""
    with contextlib.redirect_stdout(io.StringIO()):
        return TopologySearch(
            channel_mul=filters / FILTERS_AT_ONE, num_blocks=space.layers, num_depths=space.levels, use_downsample=True
        )


def reference_supernet(ours: Network) -> nn.Module:
    """The reference's search network with the weights of ours."""
    space = reference_search_space(ours.space, ours.filters)
    return _with_weights_of(ours, DiNTS(space, ours.in_channels, ours.classes, use_downsample=True))


def reference_network(ours: Network, architecture: Architecture) -> nn.Module:
    """The reference's network of an architecture with the weights of ours."""
    code = [architecture.edges.astype(np.float64), architecture.operations]
    halved = architecture.space.finest == 2  # by the stems
    nodes = torch.from_numpy(architecture.node_activation.astype(np.int64))
    topology = TopologyInstance(
        arch_code=code,
        channel_mul=ours.filters / FILTERS_AT_ONE,
        num_blocks=architecture.space.layers,
        num_depths=architecture.space.levels,
        use_downsample=halved,
    )
    theirs = DiNTS(topology, ours.in_channels, ours.classes, use_downsample=halved, node_a=nodes)
    return _with_weights_of(ours, theirs)


def reference_segmentation(
    case: dict[str, Any], before: Compose, network: nn.Module, patch: Size, overlap: float, **devices: object
) -> np.ndarray:
    """Labels [x, y, z] of a case's "image" by MONAI's transforms, its sliding window and their inverse.

    Args:
        before: what is done to "image".
        devices: where windows go, and where they are put together; as `sliding_window_inference` names them.
    """
    after = Compose(
        [
            Activationsd("logits", softmax=True),
            Invertd("logits", transform=before, orig_keys="image", nearest_interp=False),
            AsDiscreted("logits", argmax=True),
        ]
    )
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")
        case = before(case)
        windows = {"sw_batch_size": 1, "overlap": overlap, "mode": "gaussian", **devices}
        case["logits"] = sliding_window_inference(case["image"][None], patch, predictor=network, **windows)[0]
        return np.asarray(after(case)["logits"][0])


def _with_weights_of(ours: Network, theirs: nn.Module) -> nn.Module:
    theirs.load_state_dict(reference_state_dict(ours))
    return theirs
