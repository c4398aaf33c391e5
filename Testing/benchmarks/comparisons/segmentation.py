"""From a CT in memory to labels on its grid: the engine against the reference's transforms and sliding window."""

from __future__ import annotations

from functools import cache, partial

import numpy as np
import SimpleITK as sitk
import torch
import torch.nn.functional as F
from comparison import OURS, Comparison, Work
from monai.data import MetaTensor
from monai.transforms import Compose, Resized, ScaleIntensityRanged, SpatialResampled
from reference import papers_architecture, reference_network, reference_segmentation

from dints.config import Config
from dints.geometry import Size
from dints.inference.predictor import Predictor
from dints.space.network import build_network

SIZE, CUBE = (512, 512, 400), (160, 160, 128)  # at 1 mm the second is a cube of eight windows
SMALL_SIZE = (160, 160, 96)  # four windows: what a CPU does in seconds
SPACING = (0.8, 0.8, 1.0)  # mm; the networks work at 1 mm
PATCH, OVERLAP = (96, 96, 96), 0.5
RAS = (-1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 1.0)  # as the reference would orient it: no side has to turn it
AGREEMENT = 0.9999  # of the voxels


def config() -> Config:
    return Config.from_mapping(
        {
            "task": {"modality": "CT", "labels": {0: "background", 1: "organ", 2: "tumour"}},
            "preprocessing": {"intensity": "window"},
            "sampling": {"patch": list(PATCH)},
            "inference": {"overlap": OVERLAP},
        }
    )


@cache
def scan(size: Size) -> sitk.Image:
    """Tissue whose density changes within centimetres, with noise; nothing of it can be cropped away."""
    random = torch.Generator().manual_seed(0)
    coarse = torch.randn((1, 1, *(count // 20 for count in size[::-1])), generator=random)
    voxels = F.interpolate(coarse, size=size[::-1], mode="trilinear")[0, 0].mul_(150).add_(55)
    noise = 3 * torch.randn(size[1::-1], generator=random)
    for row, plane in enumerate(voxels):
        plane += noise.roll(7 * row, 0)
    image = sitk.GetImageFromArray(voxels.round_().short().numpy())
    image.SetSpacing(SPACING)
    image.SetDirection(RAS)
    return image


def pointwise(windows: torch.Tensor) -> torch.Tensor:
    """A network of next to no cost: three classes by intensity. What is left is the pipeline."""
    return torch.cat([-((windows - centre) ** 2) for centre in (0.2, 0.5, 0.8)], 1)


def prepare(side: str, device: torch.device, size: Size, filters: int | None, resize: bool = False) -> Work:
    image = scan(size)
    if side == OURS:
        predictor = Predictor([_network(filters, reference=False)], config(), str(device))
        return lambda: predictor.segment([image])
    network = _network(filters, reference=True)
    if isinstance(network, torch.nn.Module):
        network.eval().to(device)
    return lambda: _labels_of_reference(image, network, device, resize)


def _network(filters: int | None, reference: bool):
    if filters is None:
        return pointwise
    torch.manual_seed(0)
    architecture = papers_architecture()
    ours = build_network(architecture, in_channels=1, classes=3, filters=filters)
    return reference_network(ours, architecture) if reference else ours


def _labels_of_reference(image: sitk.Image, network, device: torch.device, resize: bool) -> np.ndarray:
    """Labels [x, y, z] by MONAI's transforms, its sliding window and their inverse, on the engine's working grid.

    `SpatialResample` is what `Spacing` calls; `Spacing` itself would choose a grid that is shifted by half a
    difference of the spacings, and could not agree in its labels. `Resize` reaches the same grid faster.
    """
    source = sitk.GetArrayViewFromImage(image).transpose(2, 1, 0)[None].astype(np.float32)
    spacing = np.array(image.GetSpacing())
    shape = np.round(source.shape[1:] * spacing).astype(int)
    working = source.shape[1:] * spacing / shape
    grid = np.diag([*working, 1.0])
    grid[:3, 3] = (working - spacing) / 2
    volume = MetaTensor(torch.from_numpy(source), affine=torch.from_numpy(np.diag([*spacing, 1.0])))
    low, high = config().preprocessing.window
    resampling = (
        Resized("image", spatial_size=shape.tolist(), mode="trilinear")
        if resize
        else SpatialResampled("image", dst_keys="grid", mode="bilinear", dtype=torch.float32)
    )
    before = Compose([resampling, ScaleIntensityRanged("image", low, high, 0, 1, clip=True)])
    case = {"image": volume, "grid": torch.from_numpy(grid)}
    return reference_segmentation(case, before, network, PATCH, OVERLAP, sw_device=device, device="cpu")


def same_labels(ours: sitk.Image, theirs: np.ndarray) -> str:
    same = float((sitk.GetArrayViewFromImage(ours).transpose(2, 1, 0) == theirs).mean())
    assert same >= AGREEMENT, f"labels agree in {same} of the voxels"
    return f"labels agree in {100 * same:.4f} %"


def segmentation(key: str, what: str, size: Size, filters: int | None, resize: bool = False, **extra) -> Comparison:
    return Comparison(
        f"segmentation_{key}",
        f"segmentation of {'x'.join(map(str, size))}, {what}",
        partial(prepare, size=size, filters=filters, resize=resize),
        same_labels,
        faster=1.5,
        memory=1 / 3,
        **extra,
    )


COMPARISONS = (
    # The reference's Resize is the faster of its ways to the working grid.
    segmentation("cube", "a network of no cost, reference with SpatialResample", CUBE, None),
    segmentation("cube_resize", "a network of no cost, reference with Resize", CUBE, None, resize=True),
    segmentation("pipeline", "a network of no cost, reference with SpatialResample", SIZE, None),
    segmentation("pipeline_resize", "a network of no cost, reference with Resize", SIZE, None, resize=True),
    segmentation("small_8_filters", "8 filters", SMALL_SIZE, 8),
    segmentation("8_filters", "8 filters", SIZE, 8, warm_up=False),  # two hours on one core
    segmentation("8_filters", "8 filters", SIZE, 8, half=True, devices=("cuda",)),
)
