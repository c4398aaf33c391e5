"""DiNTS: differentiable network topology search for 3D medical image segmentation.

Importing this package is cheap: PyTorch and SimpleITK are imported when a name that needs them is first used.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_HOME = {
    "SearchSpace": "dints.space.search_space",
    "Architecture": "dints.space.architecture",
    "summary": "dints.cost.complexity",
    "pattern_probabilities": "dints.space.relaxation",
    "build_network": "dints.space.network",
    "build_supernet": "dints.space.supernet",
    "load_reference_weights": "dints.model.reference",
    "operation_entropy": "dints.search.losses",
    "pattern_entropy": "dints.search.losses",
    "topology_loss": "dints.search.losses",
    "decode": "dints.search.decode",
    "discretization_gap": "dints.search.decode",
    "load_model": "dints.model.model",
    "dice": "dints.metrics.segmentation",
    "normalized_surface_distance": "dints.metrics.segmentation",
    "Config": "dints.config",
    "InputError": "dints.errors",
    "RunError": "dints.errors",
}
__all__ = ["__version__", *_HOME]


def __getattr__(name: str) -> Any:
    """Imports a public name from its module on first use."""
    if name not in _HOME:
        raise AttributeError(f"module 'dints' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
