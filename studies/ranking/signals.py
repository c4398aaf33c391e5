"""Cheap signals of every candidate: zero-cost scores, the supernet's own probabilities, weights inherited from it.

    dints search --run runs/ranking    # the supernet, after train.py has made the run
    python studies/ranking/signals.py --work runs/ranking

Writes signals.json beside the trainings.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from candidates import Candidate, candidates
from torch import nn
from train import FOLD, MEMORY

from dints import build_network
from dints.data.sampling import PatchSampler
from dints.events import Reporter
from dints.run import Run
from dints.search.loop import Search
from dints.training.losses import segmentation_loss
from dints.training.validation import mean_defined, validate

CPU = torch.device("cpu")
INHERITED_CASES = 10
BATCHES = 4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    options = parser.parse_args()
    run = Run(options.work)
    cache = run.cache(Reporter())
    search = Search(run.config, cache, run.splits[FOLD][0], run.search.folder, CPU, Reporter())
    search.run()  # is finished already: reads its last checkpoint
    found = {}
    for candidate in candidates(run.config, MEMORY):
        found[candidate.name] = {**zero_cost(candidate, run), **from_supernet(candidate, run, search)}
        print(candidate.name, found[candidate.name], flush=True)
    (options.work / "signals.json").write_text(json.dumps(found, indent=1))


def zero_cost(candidate: Candidate, run: Run) -> dict[str, float]:
    """Costs, and scores of the network before any training (as in Abdelfattah et al., 2021)."""
    task, cache = run.config.task, run.cache(Reporter())
    sampler = PatchSampler([cache.case(name) for name in run.splits[FOLD][0]], run.config.sampling, 4, 0, "signals")
    torch.manual_seed(0)
    network = build_network(candidate.architecture, len(task.channels), len(task.labels), candidate.filters)
    norms, snip = [], []
    for step in range(BATCHES):
        images, labels = sampler.batch(step)
        network.zero_grad()
        segmentation_loss(network(images), labels).backward()
        gradients = [(value, value.grad) for value in network.parameters() if value.grad is not None]
        norms.append(float(sum(gradient.norm() for _, gradient in gradients)))
        snip.append(float(sum((value * gradient).abs().sum() for value, gradient in gradients)))
    return {
        "parameters": float(candidate.cost.parameters),
        "multiply-adds": float(candidate.cost.macs),
        "filters": float(candidate.filters),
        "fewer edges": -float(candidate.architecture.edges.sum()),
        "gradient norm": float(np.mean(norms)),
        "snip": float(np.mean(snip)),
        "synflow": synflow(network, run),
    }


def synflow(network: nn.Module, run: Run) -> float:
    """Log of the sum of |weight times gradient| for an input of ones through absolute weights (Tanaka et al., 2020)."""
    with torch.no_grad():
        for value in network.parameters():
            value.abs_()
    network.zero_grad()
    ones = torch.ones(2, len(run.config.task.channels), *run.config.sampling.patch)
    ones += 0.01 * torch.rand_like(ones)  # instance norm makes nothing of a constant
    network(ones).abs().sum().backward()
    total = sum(float((value * value.grad).abs().sum()) for value in network.parameters() if value.grad is not None)
    return float(np.log(total + 1e-30))


@torch.no_grad()
def from_supernet(candidate: Candidate, run: Run, search: Search) -> dict[str, float]:
    """What the supernet says of an architecture: its probability, and its Dice with the supernet's weights."""
    edges, operations = candidate.architecture.edges, candidate.architecture.operations
    p = search.supernet.edge_probability().double().numpy()
    alpha = search.supernet.operation_probability().double().numpy()
    chosen = np.take_along_axis(alpha, operations[..., None], -1)[..., 0]
    log_probability = np.log(np.where(edges, p, 1 - p)).sum() + np.log(chosen[edges]).sum()
    task, settings = run.config.task, run.config.search
    network = build_network(candidate.architecture, len(task.channels), len(task.labels), settings.filters)
    weights = search.supernet.state_dict()
    network.load_state_dict({name: weights[name] for name in network.state_dict()})
    cache = run.cache(Reporter())
    cases = [cache.case(name) for name in run.splits[FOLD][1][:INHERITED_CASES]]
    dice = mean_defined(validate(network, cases, run.config, CPU, Reporter()))
    return {"supernet's probability": float(log_probability), "inherited weights": float(dice)}


if __name__ == "__main__":
    main()
