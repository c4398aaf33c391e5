"""Where models are installed."""

from __future__ import annotations

import os
from pathlib import Path

FOLDER_VARIABLE = "DINTS_MODELS"


def models_folder() -> Path:
    """$DINTS_MODELS, or .dints/models in the user's home."""
    return Path(os.environ.get(FOLDER_VARIABLE) or Path.home() / ".dints" / "models")
