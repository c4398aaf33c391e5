"""Report versions, devices, memory and what is missing."""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import os
import platform
import shutil
from typing import Any

from dints import __version__
from dints.events import Reporter, gibibytes
from dints.model.folder import models_folder

REQUIRED = ("torch", "numpy", "SimpleITK", "PyYAML", "safetensors", "jinja2")
OPTIONAL = {"tqdm": "progress bars", "matplotlib": "pictures and reports"}
MODULES = {"PyYAML": "yaml"}  # where the package is imported under another name
BYTES = ("memory", "free_disk")  # facts that are numbers of bytes
LITTLE_DISK = 5 * 2**30  # bytes: about one cache of a small data set, or a PyTorch installation
LITTLE_MEMORY = 8 * 2**30  # bytes: what segmenting a large CT needs at most


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Takes none."""


def run(arguments: argparse.Namespace, reporter: Reporter) -> None:
    facts, findings = examine()
    reporter.result("doctor", facts=facts, findings=findings)
    for key, value in facts.items():
        reporter.message(f"{key}: {_readable(key, value)}")
    for finding in findings or ["nothing is missing"]:
        reporter.message(f"finding: {finding}")


def examine() -> tuple[dict[str, Any], list[str]]:
    """Facts about this computer, and sentences on what is missing or scarce."""
    facts: dict[str, Any] = {"dints": __version__, "python": platform.python_version(), "system": platform.platform()}
    findings = []
    for package in (*REQUIRED, *OPTIONAL):
        facts[package] = _version(package)
        if facts[package] is None and package in REQUIRED:
            findings.append(f"{package} is missing: the engine cannot work; install {package}")
        elif facts[package] is None:
            findings.append(f"{package} is missing: no {OPTIONAL[package]}; install slicer-dints[pictures]")
    if facts["torch"] is not None:
        facts |= _devices(findings)
    facts["memory"] = _memory()
    if facts["memory"] is not None and facts["memory"] < LITTLE_MEMORY:
        findings.append(f"{gibibytes(facts['memory'])} of memory is little for large volumes")
    existing = next(folder for folder in (models_folder(), *models_folder().parents) if folder.exists())
    facts["models"], facts["free_disk"] = str(models_folder()), shutil.disk_usage(existing).free
    if facts["free_disk"] < LITTLE_DISK:
        findings.append(f"only {gibibytes(facts['free_disk'])} are free at {existing}; make room for caches and models")
    return facts, findings


def _version(package: str) -> str | None:
    if importlib.util.find_spec(MODULES.get(package, package)) is None:
        return None
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "unknown version"


def _devices(findings: list[str]) -> dict[str, Any]:
    """What PyTorch computes on."""
    import torch

    devices = [torch.cuda.get_device_properties(index) for index in range(torch.cuda.device_count())]
    if not devices:
        cause = "this PyTorch was built without CUDA" if torch.version.cuda is None else "no driver or no GPU was found"
        findings.append(f"no GPU can be used ({cause}): everything runs on the CPU, which is many times slower")
    return {
        "gpus": [{"name": device.name, "memory": device.total_memory} for device in devices],
        "cuda": torch.version.cuda,
        "threads": torch.get_num_threads(),
    }


def _memory() -> int | None:
    """Bytes of main memory; None where the system does not tell."""
    if not hasattr(os, "sysconf") or "SC_PHYS_PAGES" not in os.sysconf_names:
        return None
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _readable(key: str, value: Any) -> str:
    """A fact as people read it: bytes in GiB, GPUs by name."""
    if key in BYTES and value is not None:
        return gibibytes(value)
    if key == "gpus":
        return ", ".join(f"{gpu['name']} ({gibibytes(gpu['memory'])})" for gpu in value) or "none"
    return str(value)
