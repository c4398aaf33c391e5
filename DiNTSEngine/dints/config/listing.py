"""All settings for people: as lines on a terminal, and as a page of the documentation."""

from __future__ import annotations

import dataclasses
import inspect
import typing
from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from dints.config.settings import Config, all_settings
from dints.config.values import kind_of, plain
from dints.errors import InputError, brief
from dints.files.plain_yaml import to_line

INTRODUCTION = """# Settings

<!-- Written by `dints settings --markdown`; change the fields in DiNTSEngine/dints/config/sections.py instead. -->

Every setting of a task; defaults are the paper's where it has the setting. A file for `--config` names those that
differ, section by section; `--set section.key=value` changes one; values are YAML. `dints settings` lists the same on a
terminal, and the search panel under *Advanced*.
"""


def sections() -> dict[str, type]:
    """The dataclass of each section, by name."""
    hints = typing.get_type_hints(Config)
    return {field.name: hints[field.name] for field in dataclasses.fields(Config)}


def accepted(key: str) -> str:
    """What may be given for a setting, in words: "a whole number, between 1 and 100"."""
    section, name = key.split(".")
    return all_settings()[key].accepted(kind_of(typing.get_type_hints(sections()[section])[name]))


def explanation(key: str) -> str:
    """Meaning, unit and accepted values of a setting in one line."""
    known = all_settings()[key]
    unit = f" ({known.unit})" if known.unit else ""
    return f"{known.meaning}{unit}: {accepted(key)}"


def default(key: str) -> str:
    """The default, as YAML."""
    return to_line(plain(all_settings()[key].default))


def chosen(names: Sequence[str]) -> list[str]:
    """Keys of the settings that are named, each by its key or its section; of all if there are no names."""
    keys = list(all_settings())
    for name in names:
        if name not in keys and name not in sections():
            nearest = get_close_matches(name, [*sections(), *keys], n=1, cutoff=0)[0]
            raise InputError(f"{brief(name)}: is neither a setting nor a section; did you mean {nearest}?")
    return [key for key in keys if not names or key in names or key.split(".")[0] in names]


def lines(keys: Sequence[str]) -> Iterator[str]:
    """For a terminal: the default of each setting as it would be given, and below it what it means and may be."""
    for key in keys:
        yield f"{key}={default(key)}"
        yield f"    {explanation(key)}"


def markdown() -> str:
    """The page of the documentation: a table for each section."""
    page = [INTRODUCTION]
    for section, cls in sections().items():
        summary = inspect.cleandoc(cls.__doc__ or "")
        page += [
            f"## {section}\n",
            f"{summary}\n",
            "| key | default | may be | unit | meaning |",
            "| --- | --- | --- | --- | --- |",
        ]
        for key in chosen([section]):
            known = all_settings()[key]
            cells = (f"`{key}`", f"`{default(key)}`", accepted(key), known.unit, known.meaning)
            page.append(f"| {' | '.join(cells)} |")
        page.append("")
    return "\n".join(page)
