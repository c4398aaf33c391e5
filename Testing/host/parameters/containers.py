"""Values made of other values: lists, tuples, dicts, unions. Each part is kept under a name of its own."""

from __future__ import annotations

from collections.abc import MutableMapping, MutableSequence
from typing import Any

import slicer

from .scalars import Codec, NoneCodec


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

    def get(self, key: Any) -> Any:
        """Takes no default in Slicer."""
        return self._items.get(key)

    def pop(self, key: Any) -> Any:
        """Takes no default in Slicer."""
        value = self._items.pop(key)
        self._save()
        return value

    def __repr__(self) -> str:
        return f"StoredDict({self._items})"
