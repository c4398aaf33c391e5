"""Predict the training memory of a search and of its retraining, and say what there is."""

from __future__ import annotations

import argparse

import torch

from dints.commands.options import add_configuration, add_device, add_host, configuration
from dints.config import Config
from dints.cost.memory import predict_memory
from dints.data.fingerprint import machine_memory
from dints.device import device_memory, device_name, select_device
from dints.events import Reporter, gibibytes
from dints.remote.examine import examine
from dints.remote.hosts import find_host
from dints.remote.seen import keep_seen, last_seen


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_configuration(parser)
    add_device(parser)
    add_host(parser)


def run(arguments: argparse.Namespace, reporter: Reporter) -> None:
    config = (configuration(arguments) or Config()).with_overrides(arguments.set)
    name, available, gpus = _there(arguments.on) if arguments.on else _here(arguments.device)
    prediction = predict_memory(config)
    budget = config.search.memory_budget
    reporter.result(
        "memory",
        search=prediction.search,
        retraining_full=prediction.retraining_full,
        device=name,
        gpus=gpus,
        **({"available": available} if available else {}),
    )
    has = f"has {gibibytes(available)}" if available else "gives each job the memory of its node"
    reporter.message(
        f"search {gibibytes(prediction.search)}, retraining at a budget of {budget:g} about "
        f"{gibibytes(prediction.retraining(budget))}; {name} {has}"
    )


def _here(wanted: str) -> tuple[str, int, int]:
    """Name of a device of this computer, bytes of its memory, and how many GPUs there are."""
    device = select_device(wanted)
    return device_name(device), device_memory(device) or machine_memory(), torch.cuda.device_count()


def _there(wanted: str) -> tuple[str, int, int]:
    """The same of another computer, as it was last seen; no memory of a cluster, which is that of a job's node."""
    host = find_host(wanted)
    seen = last_seen(host) or keep_seen(host, examine(host).facts)
    return f"{seen.device} of {host.name}", seen.memory, seen.gpus
