"""Predict the training memory of a search and of its retraining, and say what there is."""

from __future__ import annotations

import argparse

import torch

from dints.commands.options import add_configuration, add_device, configuration
from dints.config import Config
from dints.cost.memory import predict_memory
from dints.data.fingerprint import machine_memory
from dints.device import device_memory, device_name, select_device
from dints.events import Reporter, gibibytes


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_configuration(parser)
    add_device(parser)


def run(arguments: argparse.Namespace, reporter: Reporter) -> None:
    config = (configuration(arguments) or Config()).with_overrides(arguments.set)
    device = select_device(arguments.device)
    available = device_memory(device) or machine_memory()
    prediction = predict_memory(config)
    budget = config.search.memory_budget
    reporter.result(
        "memory",
        search=prediction.search,
        retraining_full=prediction.retraining_full,
        device=device_name(device),
        available=available,
        gpus=torch.cuda.device_count(),
    )
    reporter.message(
        f"search {gibibytes(prediction.search)}, retraining at a budget of {budget:g} about "
        f"{gibibytes(prediction.retraining(budget))}; {device_name(device)} has {gibibytes(available)}"
    )
