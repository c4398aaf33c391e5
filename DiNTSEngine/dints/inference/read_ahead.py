"""Reading the next case while this one is computed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from typing import TypeVar

from dints.errors import is_out_of_memory

Ahead = TypeVar("Ahead")
Read = TypeVar("Read")


def read_ahead(items: Sequence[Ahead], read: Callable[[Ahead], Read]) -> Iterator[tuple[Ahead, Callable[[], Read]]]:
    """Each item, in order, with a function that returns what `read` makes of it, or raises what it raised.

    While an item is worked on, a thread reads the one that follows, and no further: two are in memory at most. Where
    that is too much, the item is read again when its turn comes.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="read ahead") as executor:
        following = executor.submit(read, items[0]) if items else None
        for index, item in enumerate(items):
            assert following is not None
            reading = following
            wait([reading])
            following = executor.submit(read, items[index + 1]) if index + 1 < len(items) else None
            yield item, partial(_outcome, reading, partial(read, item))
            del reading


def _outcome(reading: Future[Read], read: Callable[[], Read]) -> Read:
    try:
        return reading.result()
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        return read()
