"""The models of this computer: installed by the user, or shipped with the engine. Needs no PyTorch to list them."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

from dints.errors import InputError
from dints.files.storage import atomic_folder, atomic_path, remove_leftovers
from dints.model import folder
from dints.model.archive import read_manifest
from dints.model.folder import models_folder
from dints.model.manifest import FILE_NAME, Manifest


def installed_models() -> list[dict[str, Any]]:
    """What panels list: one entry a model, the user's first; a damaged one is there with its `problem`."""
    return [_entry(path) for home in (models_folder(), folder.SHIPPED_FOLDER) for path in _models_in(home)]


def _models_in(home: Path) -> list[Path]:
    paths = sorted(path for path in home.iterdir() if not path.name.startswith(".")) if home.is_dir() else []
    return [path for path in paths if path.is_dir() or path.suffix == ".zip"]


def find_model(name: str) -> Path:
    """File or folder of a model: by its path, by its file's name in the models folder, or by the name it was given."""
    if Path(name).exists():
        return Path(name)
    entries = installed_models()
    for entry in entries:
        if name in (entry["file"], Path(entry["file"]).stem, entry.get("name")):
            return Path(entry["path"])
    known = ", ".join(entry["file"] for entry in entries) or "none"
    raise InputError(f"{name}: is neither a model file nor an installed model (installed: {known}); check the name")


def describe(manifest: Manifest) -> dict[str, Any]:
    """What a model is and how good it was, as plain values."""
    config = manifest.config
    dice = [[fold_dice for fold_dice in fold.dice if fold_dice is not None] for fold in manifest.folds]
    means = [sum(scores) / len(scores) for scores in dice if scores]
    return {
        "name": manifest.name,
        "description": config.task.description,
        "modality": config.task.modality,
        "channels": list(config.task.channels),
        "labels": {str(value): name for value, name in config.task.labels.items() if value},
        "styles": {str(value): asdict(style) for value, style in manifest.styles.items()},
        "spacing": list(config.preprocessing.spacing),
        "patch": list(config.sampling.patch),
        "folds": len(manifest.folds),
        "largest_component": list(config.inference.largest_component),
        "dice": sum(means) / len(means) if means else None,
        "notes": manifest.notes,
    }


def install(source: Path) -> Path:
    """Copies a model file or folder into the models folder after reading all of it.

    Raises:
        InputError: it is damaged, or its name is taken.
    """
    from dints.model.model import load_model  # PyTorch is needed to read the weights

    model = load_model(source)
    model.predictor("cpu")  # reads and checks all of it
    target = models_folder() / source.name
    if target.exists():
        raise InputError(f"{target}: exists already; remove it first or rename the file")
    remove_leftovers(target.parent)
    if source.is_dir():
        with atomic_folder(target) as copy:
            for name in {FILE_NAME, *(fold.file for fold in model.manifest.folds)}:
                _copy_file(source / name, copy / name)
    else:
        _copy_file(source, target)
    return target


def remove(name: str) -> Path:
    """Deletes an installed model; files elsewhere are left alone. A damaged model is named by its file.

    Raises:
        InputError: there is none of that name, or it came with the engine.
    """
    for entry in installed_models():
        if name in (entry["file"], Path(entry["file"]).stem, entry.get("name"), entry["path"]):
            path = Path(entry["path"])
            if entry["shipped"]:
                raise InputError(f"{name}: came with the engine and stays; only installed models can be removed")
            shutil.rmtree(path) if path.is_dir() else path.unlink()
            return path
    raise InputError(f"{name}: is not installed in {models_folder()}; `dints models list` shows what is")


def _copy_file(source: Path, target: Path) -> None:
    with atomic_path(target) as copy:
        shutil.copyfile(source, copy)


def _size(path: Path) -> int:
    """Bytes; none of a link that leads nowhere."""
    return path.stat().st_size if path.exists() else 0


def _entry(path: Path) -> dict[str, Any]:
    size = sum(_size(file) for file in path.rglob("*")) if path.is_dir() else _size(path)
    entry: dict[str, Any] = {"file": path.name, "path": str(path), "bytes": size}
    entry["shipped"] = path.parent == folder.SHIPPED_FOLDER
    try:
        values = describe(read_manifest(path))
    except InputError as error:
        return entry | {"problem": str(error)}
    labels = ", ".join(values["labels"].values())
    score = "" if values["dice"] is None else f", Dice {values['dice']:.3f}"
    summary = f"{values['name']} ({values['modality']}): {labels}; {values['folds']} folds{score}"
    return entry | values | {"summary": summary}
