"""The models on this computer, as the panel lists and describes them."""

from __future__ import annotations

import html
import itertools
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from dints.errors import InputError

MEBIBYTE = 2**20
MODEL_SUFFIX = ".zip"


@dataclass(frozen=True)
class ModelEntry:
    """One model. A damaged one has a `problem`, and only the fields around it."""

    file: str  # its name in the models folder
    path: str
    bytes: int
    problem: str = ""
    shipped: bool = False  # with the engine; stays
    name: str = ""
    description: str = ""
    modality: str = ""
    channels: tuple[str, ...] = ()
    labels: tuple[tuple[int, str], ...] = ()  # (value in the result, name), without the background
    spacing: tuple[float, ...] = ()  # mm
    folds: int = 0
    dice: float | None = None  # mean of the folds in cross-validation
    notes: str = ""
    cleaned: tuple[int, ...] = ()  # values of the labels of which it keeps the largest component
    styles: dict[int, dict[str, str]] = field(default_factory=dict)  # colours and terminology that it was given
    version: int = 1  # of its family: what was fine-tuned from what
    family: str = ""
    inUse: bool = True  # what its name means
    learnedFrom: str = ""  # a sentence on the cases that its last version learned from
    card: Mapping[str, Any] = field(default_factory=dict)  # of `dints.model.card`

    @property
    def title(self) -> str:
        name = self.name or self.file
        return _("{name}, version {version}").format(name=name, version=self.version) if self.version > 1 else name

    def matches(self, text: str) -> bool:
        """Whether every word of a search is somewhere in what is known of the model."""
        known = " ".join(
            (self.file, self.name, self.description, self.modality, *(name for _value, name in self.labels))
        )
        return all(word in known.lower() for word in text.lower().split())

    def hint(self, title: str) -> str:
        """What a line with the title has no room for."""
        dice = "" if self.dice is None else _("Dice {dice:.2f}").format(dice=self.dice)
        facts = ", ".join(text for text in (title, self.modality, dice) if text)
        return "\n".join(text for text in (facts, self.problem or self.description, self.path) if text)

    def toHtml(self) -> str:
        """What the panel shows of the chosen model. Its texts come with the file, so they are escaped."""
        if self.problem:
            return _("<b>Damaged:</b> {problem}").format(
                problem=html.escape(self.problem.removeprefix(f"{self.path}: "))
            )
        labels = ", ".join(name for _value, name in self.labels)
        lines = [self.description, _("Labels: {labels}").format(labels=labels), self._facts()]
        if self.shipped:
            lines.append(_("Came with DiNTS."))
        lines.append(self.learnedFrom)
        return "<br>".join(html.escape(line) for line in (*lines, self.notes) if line)

    def _facts(self) -> str:
        spacing = " × ".join(f"{step:g}" for step in self.spacing)
        return _("Channels: {channels}; works at {spacing} mm; {size:.1f} MiB").format(
            channels=", ".join(self.channels), spacing=spacing, size=self.bytes / MEBIBYTE
        )


def installedModels() -> list[ModelEntry]:
    """Every model of the models folder, damaged ones with the reason.

    Raises:
        ModuleNotFoundError: what the engine needs is not installed.
    """
    from dints.model.installed import installed_models  # needs PyYAML, which may not be installed yet

    return [_entry(values) for values in installed_models()]


def distinctTitles(entries: Sequence[ModelEntry]) -> list[str]:
    """The title of each model; where several share it, with the file, and where they share that, with where it is."""
    titles = Counter(entry.title for entry in entries)
    files = Counter((entry.title, entry.file) for entry in entries)
    return [
        entry.title
        if titles[entry.title] == 1
        else _("{title} ({file})").format(title=entry.title, file=entry.file)
        if files[entry.title, entry.file] == 1
        else _("{title} ({path})").format(title=entry.title, path=entry.path)
        for entry in entries
    ]


def findModel(name: str) -> ModelEntry:
    """A model by its path, its file's name in the models folder, or the name it was given.

    Raises:
        InputError: there is none of that name, or it is damaged.
        ModuleNotFoundError: as `installedModels`.
    """
    from dints.model.archive import read_manifest
    from dints.model.installed import describe, find_model

    path = find_model(name)
    return _entry({"file": path.name, "path": str(path), "bytes": 0, "shipped": False, **describe(read_manifest(path))})


def versionsOf(model: ModelEntry, entries: Sequence[ModelEntry]) -> tuple[list[ModelEntry], ModelEntry | None]:
    """All versions of a model that are installed, oldest first, and the one before it; None if it is the oldest."""
    versions = [entry for entry in entries if entry.family == model.family and model.family and not entry.problem]
    versions.sort(key=lambda entry: entry.version)
    older = [entry for entry in versions if entry.version < model.version]
    return versions, older[-1] if older else None


def nextVersionFile(model: ModelEntry, folder: Path) -> Path:
    """A file in `folder` for a model's next version, with a name that no version has, made or installed."""
    from dints.model.folder import models_folder

    stem = re.sub(r"-v\d+$", "", Path(model.file).stem)
    names = (f"{stem}-v{number}{MODEL_SUFFIX}" for number in itertools.count(model.version + 1))
    return next(
        folder / name for name in names if not any((place / name).exists() for place in (folder, models_folder()))
    )


def chooseVersion(entry: ModelEntry) -> str:
    """From now on the name of the model means this version; the name of its file."""
    from dints.model.installed import use

    use(entry.file, entry.version)
    return entry.file


def removeModel(entry: ModelEntry) -> None:
    """Deletes a model from the models folder."""
    from dints.model.installed import remove

    remove(entry.path)


def isModelFile(path: str | Path) -> bool:
    """Whether a file looks like a model; a quick look for drag and drop, the import reads all of it."""
    from dints.model.archive import read_manifest

    try:
        read_manifest(path)
    except InputError:
        return False
    return True


def _entry(values: dict[str, Any]) -> ModelEntry:
    if "problem" in values:
        return ModelEntry(values["file"], values["path"], values["bytes"], values["problem"], values["shipped"])
    return ModelEntry(
        file=values["file"],
        path=values["path"],
        bytes=values["bytes"],
        shipped=values["shipped"],
        name=values["name"],
        description=values["description"],
        modality=values["modality"],
        channels=tuple(values["channels"]),
        labels=tuple((int(value), name) for value, name in values["labels"].items()),
        spacing=tuple(values["spacing"]),
        folds=values["folds"],
        dice=values["dice"],
        notes=values["notes"],
        cleaned=tuple(values["largest_component"]),
        styles={int(value): style for value, style in values["styles"].items()},
        version=values["version"],
        family=values["family"],
        inUse=values.get("in_use", True),
        learnedFrom=_learned(values["learned_from"]),
        card=values["card"],
    )


def _learned(lessons: Sequence[dict[str, Any]]) -> str:
    """What each version learned from, a sentence each; "" for a first version."""
    text = _("Version {version} learned from {cases} corrections ({date}).")
    return " ".join(
        text.format(version=lesson["version"], cases=lesson["cases"], date=lesson["date"][:10]) for lesson in lessons
    )
