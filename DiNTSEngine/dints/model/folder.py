"""Where models are: those that were installed, and those that come with the engine."""

from __future__ import annotations

import os
from pathlib import Path

FOLDER_VARIABLE = "DINTS_MODELS"
SHIPPED_FOLDER = Path(__file__).resolve().parents[1] / "models"


def models_folder() -> Path:
    """$DINTS_MODELS, or .dints/models in the user's home."""
    return Path(os.environ.get(FOLDER_VARIABLE) or Path.home() / ".dints" / "models")
