"""One of two processes: tries everything in `dints.process_group` and writes what it got into the folder given."""

from __future__ import annotations

import json
import math
import os
import sys
from pathlib import Path

import torch

from dints import process_group as distributed
from dints.errors import InputError, RunError
from dints.events import Reporter
from dints.training.checkpoint import save_checkpoint
from dints.training.deep_supervision import supervised_loss
from dints.training.losses import segmentation_loss
from dints.training.step import OptimizerStep
from dints.zoo.heads import DeepSupervision
from dints.zoo.unet_design import UNetDesign

PATCHES = 3


def main(folder: Path) -> None:
    os.environ["DINTS_PRECISION"] = "full"
    with distributed.process_group("cpu") as device:
        rank = distributed.rank()
        found = {
            "processes": distributed.world_size(),
            "gathered": distributed.gather([value * 10 for value in distributed.shard([1, 2, 3, 4, 5])]),
            "main_went_first": main_went_first(folder),
            "loss": whole_loss(device),
            "deep_loss": whole_deep_loss(device),
            "bad_loss": message(lambda: one_bad_loss(device, rank)),
            "steps": message(lambda: distributed.start_together(rank, torch.nn.Linear(1, 1))),
            "weights": same_weights(rank),
            "wrote": wrote(folder, rank),
            "small_batch": message(lambda: distributed.batch_shard(1)),
        }
    found["threads"] = [file.read_text().strip() for file in Path("/proc/self/task").glob("*/comm")]
    (folder / f"{rank}.json").write_text(json.dumps(found))


def whole_loss(device: torch.device) -> dict[str, list[float]]:
    """Loss of a step in which each process has its part of the batch, and the weights after it."""
    torch.manual_seed(0)
    network = torch.nn.Conv3d(1, 3, 3, padding=1)
    images, labels = torch.randn(PATCHES, 1, 4, 4, 4), torch.randint(3, (PATCHES, 4, 4, 4))
    rows, _ = distributed.batch_shard(PATCHES)
    loss = optimizer_step(network, device)(
        images[rows], lambda logits: segmentation_loss(logits, labels[rows]) + network.weight.square().sum()
    )
    return {"value": [loss], "weight": network.weight.detach().flatten().tolist()}


def whole_deep_loss(device: torch.device) -> dict[str, list[float]]:
    """The same with losses at coarser levels; weights are those of the first head."""
    torch.manual_seed(0)
    network = DeepSupervision(UNetDesign(2).network(1, 3, 2), 3)
    images, labels = torch.randn(PATCHES, 1, 4, 4, 4), torch.randint(3, (PATCHES, 4, 4, 4))
    rows, _ = distributed.batch_shard(PATCHES)
    loss = optimizer_step(network, device)(images[rows], lambda *logits: supervised_loss(logits, labels[rows]))
    return {"value": [loss], "weight": network.heads[0].weight.detach().flatten().tolist()}


def one_bad_loss(device: torch.device, rank: int) -> None:
    factor = float("nan") if rank == 1 else 1.0
    optimizer_step(torch.nn.Linear(1, 1), device)(
        torch.ones(1, 1), lambda outputs: distributed.all_reduce_sum(factor * outputs).sum()
    )


def optimizer_step(network: torch.nn.Module, device: torch.device) -> OptimizerStep:
    return OptimizerStep(network, torch.optim.SGD(network.parameters(), lr=1.0), math.inf, device, Reporter())


def same_weights(rank: int) -> float:
    layer = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.constant_(layer.weight, 5.0 + rank)
    distributed.start_together(7, layer)
    return layer.weight.item()


def wrote(folder: Path, rank: int) -> bool:
    save_checkpoint(folder / f"{rank}.pt", {"rank": rank})
    return (folder / f"{rank}.pt").exists()


def main_went_first(folder: Path) -> bool:
    with distributed.main_process_first():
        came_first = not (folder / "mark").exists()
        (folder / "mark").touch()
    return came_first


def message(call) -> str:
    try:
        call()
    except (InputError, RunError) as error:
        return str(error)
    return ""


if __name__ == "__main__":
    main(Path(sys.argv[1]))
