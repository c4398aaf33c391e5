"""Names and files of architectures: what `--architecture` takes, and what `dints models --architectures` lists."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dints.errors import InputError, brief
from dints.files.storage import read_json
from dints.space.architecture import Architecture
from dints.space.search_space import SearchSpace
from dints.zoo import unet_design
from dints.zoo.shapes import u_shape
from dints.zoo.unet_design import UNetDesign

FOLDER = Path(__file__).with_name("architectures")
U_SHAPE = "u-shape"
FEW_CASES = 30  # below, one of these is advised: a race ranks on too few scans (studies/ranking/few_cases.py)

AnyDesign = Architecture | UNetDesign


@dataclass(frozen=True)
class Entry:
    """An architecture of the zoo, where it comes from and what it reached."""

    name: str
    caption: str
    data: str  # on which it was found, or for which it was drawn
    figures: str  # what it reached there, with the conditions
    design: AnyDesign


def entries(space: SearchSpace) -> list[Entry]:
    """All architectures that come with the engine; those without a file are drawn for `space`."""
    shape = "conv 3x3x3 down and up, identities across"
    drawn = [
        Entry(unet_design.NAME, "3D U-Net", "any", "", UNetDesign.beside(space)),
        Entry(U_SHAPE, f"U shape of the search space: {shape}", "any", "", u_shape(space)),
    ]
    return drawn + found_entries()


def found_entries() -> list[Entry]:
    """Those that searches have found, each in its own search space."""
    return [_entry(path) for path in sorted(FOLDER.glob("*.json"))]


def find_design(name: str | os.PathLike[str], space: SearchSpace) -> AnyDesign:
    """The architecture of a name of the zoo or of a file; what is drawn is drawn for `space`.

    InputError if there is neither.
    """
    known = {entry.name: entry.design for entry in entries(space)}
    if str(name) in known:
        return known[str(name)]
    if not Path(name).exists():
        raise InputError(f"{name}: is neither a file nor one of {', '.join(known)}; name one of them")
    return read_design(name)


def require_fit(design: AnyDesign, patch: Sequence[int]) -> None:
    """InputError if patches of this size (voxels) cannot pass."""
    if not design.fits(patch):
        size = "x".join(map(str, patch))
        raise InputError(f"sampling.patch {size}: the architecture takes {design.size_rule}; choose another patch")


def read_design(path: str | os.PathLike[str]) -> AnyDesign:
    """An architecture from its file; InputError names the file, what is wrong and what to do."""
    if Path(path).suffix.lower() != ".json":
        return Architecture.load(path)
    try:
        return design_from_mapping(read_json(path))
    except InputError as error:
        reason = str(error)
        raise InputError(reason if reason.startswith(str(path)) else f"{path}: {reason}") from error


def design_from_mapping(values: Any) -> AnyDesign:
    """An architecture from its JSON layout; InputError if it is no known one."""
    if not isinstance(values, Mapping) or "network" not in values:
        return Architecture.from_mapping(values)
    if values["network"] != unet_design.NAME:
        raise InputError(
            f"network {brief(values['network'])} is unknown; use {unet_design.NAME} or a searched architecture"
        )
    return UNetDesign.from_mapping(values)


def _entry(path: Path) -> Entry:
    values = read_json(path)
    caption, data, figures = (str(values[key]) for key in ("caption", "data", "figures"))
    return Entry(path.stem, caption, data, figures, design_from_mapping(values["architecture"]))
