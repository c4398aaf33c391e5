"""Values that are kept in a parameter node as one text, written as Slicer writes it."""

from __future__ import annotations

import pathlib
from typing import Any

from .annotations import Validator

PATHS = (
    pathlib.Path,
    pathlib.PosixPath,
    pathlib.WindowsPath,
    pathlib.PurePath,
    pathlib.PurePosixPath,
    pathlib.PureWindowsPath,
)


class Codec:
    """Values of one type as one text. `checks` are made before a value is written."""

    def __init__(self, datatype: Any, checks: tuple[Validator, ...] = ()) -> None:
        self.datatype = datatype
        self.checks = checks

    def check(self, value: Any) -> None:
        for validator in self.checks:
            validator.validate(value)

    def default(self) -> Any:
        return self.datatype()

    def to_text(self, value: Any) -> str:
        return str(value)

    def from_text(self, text: str) -> Any:
        return self.datatype(text)

    def is_in(self, node: Any, name: str) -> bool:
        return bool(node.HasParameter(name))

    def write(self, node: Any, name: str, value: Any) -> None:
        self.check(value)
        node.SetParameter(name, self.to_text(value))

    def read(self, node: Any, name: str) -> Any:
        return self.from_text(node.GetParameter(name))

    def remove(self, node: Any, name: str) -> None:
        node.UnsetParameter(name)


class BoolCodec(Codec):
    """True and False."""

    def to_text(self, value: bool) -> str:
        return "True" if value else "False"

    def from_text(self, text: str) -> bool:
        return text == "True"


class NoneCodec(BoolCodec):
    """The None of an optional value: there, or not there."""

    def check(self, value: Any) -> None:
        if value is not None:
            raise ValueError(f"value must be None, is {value!r}")

    def from_text(self, text: str) -> None:
        return None


class EnumCodec(Codec):
    """An enum member by its name; the first is the default."""

    def default(self) -> Any:
        return next(iter(self.datatype))

    def to_text(self, value: Any) -> str:
        return value.name

    def from_text(self, text: str) -> Any:
        return self.datatype[text]


class NodeCodec(Codec):
    """A node as a reference, which follows the node's ID when a scene is loaded; None is allowed."""

    def default(self) -> None:
        return None

    def write(self, node: Any, name: str, value: Any) -> None:
        self.check(value)
        node.SetParameter(name, "")
        node.SetNodeReferenceID(name, value.GetID() if value is not None else None)

    def read(self, node: Any, name: str) -> Any:
        return node.GetNodeReference(name)

    def remove(self, node: Any, name: str) -> None:
        node.UnsetParameter(name)
        node.RemoveNodeReferenceIDs(name)
