"""Slicer code that both panels share: the engine's processes, volumes and segmentations, terminology, dependencies.

Nothing here imports PyTorch: it runs in the engine's processes only.
"""

import sys

OLDEST_PYTHON = (3, 10)

if sys.version_info < OLDEST_PYTHON:  # e.g. in the official Slicer 5.8; else it would fail later, in many places
    raise ImportError(
        "DiNTS needs Python 3.10 or newer, and this Slicer has "
        f"{sys.version_info[0]}.{sys.version_info[1]}: use Slicer 5.10 or newer"
    )
