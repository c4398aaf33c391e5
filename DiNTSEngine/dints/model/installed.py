"""The models of this computer: installed by the user, or shipped with the engine. Needs no PyTorch to list them."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import Any

from dints.errors import InputError
from dints.files.storage import atomic_folder, atomic_path, remove_leftovers
from dints.model import folder
from dints.model.archive import read_manifest
from dints.model.card import card
from dints.model.folder import models_folder
from dints.model.manifest import FILE_NAME, Manifest
from dints.model.versions import choose, chosen_versions, with_versions


def installed_models() -> list[dict[str, Any]]:
    """What panels list: one entry a model, the user's first; a damaged one is there with its `problem`.

    Versions of a model stand together, oldest first; "in_use" tells which one its name means.
    """
    entries = [_entry(path) for home in (models_folder(), folder.SHIPPED_FOLDER) for path in _models_in(home)]
    return with_versions(entries, chosen_versions(models_folder()))


def _models_in(home: Path) -> list[Path]:
    paths = sorted(path for path in home.iterdir() if not path.name.startswith(".")) if home.is_dir() else []
    return [path for path in paths if path.is_dir() or path.suffix == ".zip"]


def find_model(name: str) -> Path:
    """File or folder of a model: by its path, by its file's name in the models folder, or by the name it was given.

    Of several versions, the name means the one in use.
    """
    if Path(name).exists():
        return Path(name)
    entries = installed_models()
    if found := _named(entries, name):
        return Path(found["path"])
    known = ", ".join(entry["file"] for entry in entries) or "none"
    raise InputError(f"{name}: is neither a model file nor an installed model (installed: {known}); check the name")


def use(name: str, version: int) -> Path:
    """Lets the name of a model mean this version of it from now on; all versions stay installed.

    Raises:
        InputError: there is no such model, or no such version of it.
    """
    entries = installed_models()
    found = _named(entries, name)
    if found is None or "family" not in found:
        raise InputError(f"{name}: is no installed model; `dints models list` shows what is")
    own = [entry for entry in entries if entry.get("family") == found["family"]]
    # Two computers may each have made a version 2: then that of the file which was named.
    wanted = next((entry for entry in (found, *own) if entry["version"] == version), None)
    if wanted is None:
        known = ", ".join(str(entry["version"]) for entry in own)
        raise InputError(f"{name}: version {version} is not installed (installed: {known}); name one of them")
    choose(models_folder(), wanted["family"], wanted["id"])
    return Path(wanted["path"])


def newest_version(family: str) -> int:
    """The highest version that is installed of a family; 0 if none is."""
    return max((entry["version"] for entry in installed_models() if entry.get("family") == family), default=0)


def _named(entries: Sequence[dict[str, Any]], name: str) -> dict[str, Any] | None:
    """The entry of a file's name; else the version in use of the model of this name; else by the file's stem."""
    files = (entry for entry in entries if entry["file"] == name)
    models = (entry for entry in entries if entry.get("name") == name and entry["in_use"])
    stems = (entry for entry in entries if Path(entry["file"]).stem == name)
    return next(chain(files, models, stems), None)


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
        "safety_bound": manifest.safety_bound.get("threshold"),
        "notes": manifest.notes,
        "card": card(manifest),
        "id": manifest.id,
        "family": manifest.family,
        "version": manifest.lineage.version,
        "parent": manifest.lineage.parent,
        "learned_from": [asdict(lesson) for lesson in manifest.lineage.learned_from],
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
    entries = installed_models()
    exact = [entry for entry in entries if name in (entry["file"], entry["path"])]
    found = exact or [e for e in entries if name in (Path(e["file"]).stem, e.get("name"))]
    if not found:
        raise InputError(f"{name}: is not installed in {models_folder()}; `dints models list` shows what is")
    own = [entry for entry in found if not entry["shipped"]]
    if not own:
        raise InputError(f"{name}: came with the engine and stays; only installed models can be removed")
    if len(own) > 1:
        files = ", ".join(entry["file"] for entry in own)
        raise InputError(f"{name}: has several versions installed; name the file of one: {files}")
    path = Path(own[0]["path"])
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    return path


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
    version = f" version {values['version']}" if values["parent"] else ""
    summary = f"{values['name']}{version} ({values['modality']}): {labels}; {values['folds']} folds{score}"
    return entry | values | {"summary": summary}
