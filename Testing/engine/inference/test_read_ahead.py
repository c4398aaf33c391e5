"""The next case is read while this one is computed, once, and its errors come when it has its turn."""

from __future__ import annotations

import threading

import pytest

from dints.errors import MemoryShortageError
from dints.inference.read_ahead import read_ahead


def test_the_next_is_read_meanwhile_and_no_further():
    begun, next_begun = [], threading.Event()

    def read(item: int) -> int:
        begun.append(item)
        if item == 1:
            next_begun.set()
        return 10 * item

    items = read_ahead([0, 1, 2, 3], read)
    item, result = next(items)
    assert (item, result()) == (0, 0)
    assert next_begun.wait(10)
    assert 2 not in begun
    assert [(item, result()) for item, result in items] == [(1, 10), (2, 20), (3, 30)]
    assert begun == [0, 1, 2, 3]


def test_an_error_comes_with_its_own_item_and_does_not_stop_the_others():
    def read(item: int) -> int:
        if item == 1:
            raise ValueError("damaged")
        return item

    found = []
    for item, result in read_ahead([0, 1, 2], read):
        if item == 1:
            with pytest.raises(ValueError, match="damaged"):
                result()
        else:
            found.append(result())
    assert found == [0, 2]


def test_what_did_not_fit_into_memory_beside_another_is_read_again_at_its_turn():
    tries = []

    def read(item: int) -> int:
        tries.append(item)
        if tries == [0, 1]:
            raise MemoryError
        return item

    assert [result() for _, result in read_ahead([0, 1], read)] == [0, 1]
    assert tries == [0, 1, 1]


def test_nothing_is_read_of_no_items():
    assert list(read_ahead([], pytest.fail)) == []


@pytest.mark.parametrize(
    "error",
    [MemoryError(), RuntimeError("DefaultCPUAllocator: not enough memory"), MemoryShortageError("b: memory ran out")],
)
def test_what_two_cases_together_have_no_memory_for_is_read_again(error):
    tries = []

    def read(item: int) -> int:
        tries.append(item)
        if tries.count(1) == 1 and item == 1:
            raise error
        return item

    assert [result() for _, result in read_ahead([0, 1], read)] == [0, 1]
    assert tries == [0, 1, 1]
