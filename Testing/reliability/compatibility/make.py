"""Writes the model file of the present format, to be kept: `python Testing/reliability/compatibility/make.py`.

Its networks are those of the first format, so that all of them segment the same.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from dints.model.manifest import FORMAT, LabelStyle
from dints.model.model import load_model, save_model

MODELS = Path(__file__).parent / "models"


def main() -> None:
    first = load_model(MODELS / "format1.zip")
    styles = {1: LabelStyle("#dd8265", "liver"), 2: LabelStyle("#b9663d"), 3: LabelStyle("#d8654f")}
    manifest = replace(first.manifest, notes=f"Format {FORMAT}", styles=styles)
    save_model(MODELS / f"format{FORMAT}.zip", manifest, [network.state_dict() for network in first.networks])


if __name__ == "__main__":
    main()
