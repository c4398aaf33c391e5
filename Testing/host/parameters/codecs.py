"""How values of each type are kept in a parameter node: as text, under the same names as Slicer keeps them."""

from __future__ import annotations

import enum
import pathlib
import typing
from collections.abc import MutableMapping, MutableSequence
from typing import Any

import slicer

from .annotations import IsInstance, NotNone, Validator, splitAnnotations

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


class ListCodec(Codec):
    """A list: its length and its elements, each under a name of its own."""

    def __init__(self, element: Codec) -> None:
        super().__init__(list)
        self.element = element

    def is_in(self, node: Any, name: str) -> bool:
        return bool(node.HasParameter(f"{name}.len"))

    def _length(self, node: Any, name: str) -> int:
        return int(node.GetParameter(f"{name}.len")) if self.is_in(node, name) else 0

    def write(self, node: Any, name: str, value: Any) -> None:
        elements = list(value)
        for element in elements:
            self.element.check(element)
        with slicer.util.NodeModify(node):
            old_length = self._length(node, name)
            for index, element in enumerate(elements):
                self.element.write(node, f"{name}.{index}", element)
            for index in range(len(elements), old_length):
                self.element.remove(node, f"{name}.{index}")
            node.SetParameter(f"{name}.len", str(len(elements)))

    def read_plain(self, node: Any, name: str) -> list:
        return [self.element.read(node, f"{name}.{index}") for index in range(self._length(node, name))]

    def read(self, node: Any, name: str) -> StoredList:
        return StoredList(self, node, name)

    def remove(self, node: Any, name: str) -> None:
        for index in range(self._length(node, name)):
            self.element.remove(node, f"{name}.{index}")
        node.UnsetParameter(f"{name}.len")


class TupleCodec(Codec):
    """A tuple of fixed length."""

    def __init__(self, elements: list[Codec]) -> None:
        super().__init__(tuple)
        self.elements = elements

    def check(self, value: Any) -> None:
        if len(value) != len(self.elements):
            raise ValueError(f"{len(self.elements)} values are needed, not {len(value)}")
        for codec, element in zip(self.elements, value, strict=True):
            codec.check(element)

    def default(self) -> tuple:
        return tuple(codec.default() for codec in self.elements)

    def is_in(self, node: Any, name: str) -> bool:
        return self.elements[0].is_in(node, f"{name}.0")

    def write(self, node: Any, name: str, value: Any) -> None:
        self.check(tuple(value))
        for index, (codec, element) in enumerate(zip(self.elements, value, strict=True)):
            codec.write(node, f"{name}.{index}", element)

    def read(self, node: Any, name: str) -> tuple:
        return tuple(codec.read(node, f"{name}.{index}") for index, codec in enumerate(self.elements))

    def remove(self, node: Any, name: str) -> None:
        for index, codec in enumerate(self.elements):
            codec.remove(node, f"{name}.{index}")


class DictCodec(ListCodec):
    """A dict as the list of its items."""

    def __init__(self, key: Codec, value: Codec) -> None:
        super().__init__(TupleCodec([key, value]))

    def default(self) -> dict:
        return {}

    def write(self, node: Any, name: str, value: Any) -> None:
        super().write(node, name, value.items())

    def read(self, node: Any, name: str) -> StoredDict:
        return StoredDict(self, node, name)


class UnionCodec(Codec):
    """The first member type that takes the value; `Optional` values default to None."""

    def __init__(self, members: list[Codec]) -> None:
        super().__init__(object)
        self.members = members

    def default(self) -> Any:
        is_optional = len(self.members) == 2 and isinstance(self.members[1], NoneCodec)
        return None if is_optional else self.members[0].default()

    def _stored(self, node: Any, name: str) -> int | None:
        found = (i for i, codec in enumerate(self.members) if codec.is_in(node, f"{name}.{i}"))
        return next(found, None)

    def is_in(self, node: Any, name: str) -> bool:
        return self._stored(node, name) is not None

    def _index_for(self, value: Any) -> int:
        refusal: Exception = TypeError(f"no member type takes {value!r}")
        for index, codec in enumerate(self.members):
            if isinstance(codec, NoneCodec) != (value is None):
                continue
            try:
                codec.check(value)
                return index
            except (TypeError, ValueError) as error:
                refusal = error
        raise refusal

    def write(self, node: Any, name: str, value: Any) -> None:
        index = self._index_for(value)
        with slicer.util.NodeModify(node):
            self.remove(node, name)
            self.members[index].write(node, f"{name}.{index}", value)

    def read(self, node: Any, name: str) -> Any:
        index = self._stored(node, name)
        return self.members[index].read(node, f"{name}.{index}")

    def remove(self, node: Any, name: str) -> None:
        for index, codec in enumerate(self.members):
            codec.remove(node, f"{name}.{index}")


class StoredList(MutableSequence):
    """A list parameter: every change is written to the node at once."""

    def __init__(self, codec: ListCodec, node: Any, name: str) -> None:
        self._place = (codec, node, name)
        self._items = codec.read_plain(node, name)

    def _save(self) -> None:
        codec, node, name = self._place
        codec.write(node, name, self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: Any) -> Any:
        return self._items[index]

    def __setitem__(self, index: Any, value: Any) -> None:
        self._items[index] = value
        self._save()

    def __delitem__(self, index: Any) -> None:
        del self._items[index]
        self._save()

    def insert(self, index: int, value: Any) -> None:
        self._items.insert(index, value)
        self._save()

    def __eq__(self, other: object) -> bool:
        return self._items == (other._items if isinstance(other, StoredList) else other)

    __hash__ = None

    def __repr__(self) -> str:
        return f"StoredList({self._items})"


class StoredDict(MutableMapping):
    """A dict parameter: every change is written to the node at once."""

    def __init__(self, codec: DictCodec, node: Any, name: str) -> None:
        self._place = (codec, node, name)
        self._items = dict(codec.read_plain(node, name))

    def _save(self) -> None:
        codec, node, name = self._place
        codec.write(node, name, self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Any:
        return iter(self._items)

    def __getitem__(self, key: Any) -> Any:
        return self._items[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        self._items[key] = value
        self._save()

    def __delitem__(self, key: Any) -> None:
        del self._items[key]
        self._save()

    def __repr__(self) -> str:
        return f"StoredDict({self._items})"


def make_codec(datatype: Any) -> Codec:
    """Codec of a type; its checks include the validators among its annotations. TypeError for unknown types."""
    plain, annotations = splitAnnotations(datatype)
    codec = _codec_of(plain)
    codec.checks = (*codec.checks, *(a for a in annotations if isinstance(a, Validator)))
    return codec


def _codec_of(datatype: Any) -> Codec:
    origin, args = typing.get_origin(datatype), typing.get_args(datatype)
    if origin is typing.Union:
        return UnionCodec([make_codec(arg) for arg in args])
    if origin is list:
        return ListCodec(make_codec(args[0]))
    if origin is tuple:
        return TupleCodec([make_codec(arg) for arg in args])
    if origin is dict:
        return DictCodec(make_codec(args[0]), make_codec(args[1]))
    return _scalar_codec(datatype)


def _scalar_codec(datatype: Any) -> Codec:
    if datatype is type(None):
        return NoneCodec(datatype)
    if datatype is float:
        return Codec(float, (NotNone(), IsInstance((int, float))))
    if datatype is bool:
        return BoolCodec(bool, (NotNone(), IsInstance(bool)))
    if datatype in (int, str, *PATHS):
        return Codec(datatype, (NotNone(), IsInstance(datatype)))
    if isinstance(datatype, type) and issubclass(datatype, enum.Enum):
        return EnumCodec(datatype, (NotNone(), IsInstance(datatype)))
    if isinstance(datatype, type) and issubclass(datatype, slicer.vtkMRMLNode):
        return NodeCodec(datatype, (IsInstance(datatype),))
    raise TypeError(f"no parameter can be of type {datatype}")
