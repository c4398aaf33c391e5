"""Changes of files and values, drawn by Hypothesis: what a damaged disk does, and what somebody does on purpose."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

from hypothesis import strategies as st

POSITIONS = st.integers(0, 2**20)
PIECES = st.binary(max_size=8) | st.sampled_from(
    [
        bytes(4),
        b"\xff" * 4,
        b"\xff" * 8,
        b"\x7f\xff\xff\xff",
        b"\x80",
        b"\n",
        b'"',
        b"\\u0000",
        b"\\ud800",
        b"[" * 200,
        b'{"":' * 200,
        b"- " * 200,
        b"&a [*a]",
        b"!!python/name:os.system",
        b"1e999",
        b"9" * 400,
        b"NaN",
        b"../",
        b"PK\1\2",
        b"PK\5\6",
        b"cos\nsystem\n",
        b"\x8a\xff",
        b"R.",
    ]
)
KINDS = st.sampled_from(["overwrite", "insert", "delete", "repeat", "cut", "flip"])
EDITS = st.lists(st.tuples(KINDS, POSITIONS, st.integers(1, 2**10), PIECES), min_size=1, max_size=6)


def edited(content: bytes, edits: list[tuple[str, int, int, bytes]]) -> bytes:
    """Content after changes, each at its position modulo the length."""
    result = bytearray(content)
    for kind, position, length, piece in edits:
        at = position % (len(result) + 1)
        if kind == "overwrite":
            result[at : at + len(piece)] = piece
        elif kind == "insert":
            result[at:at] = piece
        elif kind == "delete":
            del result[at : at + length]
        elif kind == "repeat":
            result[at:at] = result[at : at + length]
        elif kind == "cut":
            del result[at:]
        elif at < len(result):
            result[at] ^= 1 << length % 8
    return bytes(result)


LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(
        [
            0,
            -1,
            2**31,
            2**63,
            2**64,
            10**400,
            10**4000,
            1e308,
            5e-324,
            float("nan"),
            float("inf"),
            "",
            "\0",
            "\ud800",
            "../..",
            "/etc/passwd",
            "C:\\a",
            "1" * 5000,
            "0x10",
            "1e400",
            "x" * 10**4,
            [],
            {},
            [[]],
            {"": ""},
            [0] * 1000,
        ]
    )
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=6,
)
CHANGES = st.lists(
    st.tuples(st.sampled_from(["replace", "replace", "delete", "add", "swap", "wrap"]), POSITIONS, POSITIONS, VALUES),
    min_size=1,
    max_size=4,
)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """(list or dict, index or key) of everything within a value."""
    waiting = [value]
    while waiting:
        holder = waiting.pop()
        keys = list(holder) if isinstance(holder, dict) else range(len(holder)) if isinstance(holder, list) else ()
        for key in keys:
            yield holder, key
            waiting.append(holder[key])


def changed(value: Any, changes: list[tuple[str, int, int, Any]]) -> Any:
    """A copy of a value of JSON after changes somewhere within it."""
    root = [copy.deepcopy(value)]
    for kind, position, other, drawn in changes:
        new = copy.deepcopy(drawn)  # Hypothesis may draw one object several times, and it must not get into itself
        known = list(places(root))
        holder, key = known[position % len(known)]
        if kind == "replace":
            holder[key] = new
        elif kind == "delete" and holder is not root:
            del holder[key]
        elif kind == "add" and isinstance(holder[key], list):
            holder[key].append(new)
        elif kind == "add" and isinstance(holder[key], dict):
            holder[key][str(new)[:20] if other % 2 else str(other)] = new
        elif kind == "wrap":
            holder[key] = [holder[key]] if other % 2 else {"0": holder[key]}
        elif kind == "swap":
            there, name = known[other % len(known)]
            holder[key] = copy.deepcopy(there[name])
    return root[0]


def mutated_bytes(seeds: list[bytes]) -> st.SearchStrategy[bytes]:
    """Files near the seeds."""
    return st.builds(edited, st.sampled_from(seeds), EDITS)


def mutated_values(seeds: list[Any], write: Callable[[Any], bytes]) -> st.SearchStrategy[bytes]:
    """Files whose values are near the seeds; `write` makes a file of a value."""
    return st.builds(changed, st.sampled_from(seeds), CHANGES).map(write)


def as_json(value: Any) -> bytes:
    """A value as text of JSON, with what JSON does not know, such as NaN, as Python writes it."""
    try:
        return json.dumps(value).encode()
    except ValueError:  # whole numbers of more digits than Python writes
        return b"{" + b"9" * 5000 + b"}"
