"""What goes through the stream between two computers: messages of one JSON line each, some followed by a file's bytes.

{"put": "3.mha", "bytes": 1234}, for example, is followed by 1234 bytes. Lines that are no object are left out: a shell
may greet before the first message.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from dints.files.storage import writing

PIECE = 2**18  # bytes that are read at once
LONGEST_LINE = 2**26  # bytes: one may name each file of a large data set


def send(
    stream: BinaryIO,
    message: dict[str, Any],
    file: Path | None = None,
    start: int = 0,
    heard: Callable[[], None] = lambda: None,
) -> None:
    """Writes one message, and a file's content behind it, from the byte `start` on.

    Args:
        heard: is called with every piece that the other side takes.
    """
    if file is None:
        stream.write(json.dumps(message).encode() + b"\n")
    else:
        with file.open("rb") as content:
            left = content.seek(0, os.SEEK_END) - start
            content.seek(start)
            stream.write(json.dumps(message | {"bytes": left}).encode() + b"\n")
            while left:
                piece = content.read(min(left, PIECE))
                if not piece:
                    raise EOFError(f"{file} became shorter")
                stream.write(piece)
                heard()
                left -= len(piece)
    stream.flush()


def messages(stream: BinaryIO, heard: Callable[[], None] = lambda: None) -> Iterator[dict[str, Any]]:
    """The messages of a stream until it ends; the bytes behind one are for `save`, before the next is asked for.

    Args:
        heard: is called with every message.
    """
    while line := stream.readline(LONGEST_LINE):
        heard()
        try:
            message = json.loads(line)
        except ValueError:
            continue
        if isinstance(message, dict):
            yield message


def save(
    stream: BinaryIO, count: int, path: Path, heard: Callable[[], None] = lambda: None, append: bool = False
) -> None:
    """Writes the next bytes of a stream to a file.

    Args:
        append: behind what the file has already.

    Raises:
        EOFError: the stream ends before.
        StorageError: the file cannot be written.
    """
    with writing(path):
        file = path.open("ab" if append else "wb", buffering=0)  # closing it has nothing left to write
    with file:
        while count:
            piece = stream.read1(min(count, PIECE))  # type: ignore[attr-defined]
            if not piece:
                raise EOFError(f"{count} bytes are missing")
            heard()
            count -= len(piece)
            rest = memoryview(piece)
            with writing(path):
                while rest:
                    rest = rest[file.write(rest) :]
