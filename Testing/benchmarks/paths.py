"""Where benchmarks find data and leave results."""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
SHARED_DATA = HERE.parents[2] / "shared" / "data"  # beside the checkout
HIPPOCAMPUS = SHARED_DATA / "Task04_Hippocampus"
PANCREAS = SHARED_DATA / "architectures" / "pancreas_cvpr.pth"  # the paper's architecture
SMALL_ARCHITECTURE = RESULTS / "hippocampus_quick" / "architecture.json"
