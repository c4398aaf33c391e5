"""Boxes of volumes."""

from __future__ import annotations

import numpy as np
import pytest

from dints.geometry import bounding_box


def test_the_box_holds_what_is_set_in_any_mask_and_no_row_more():
    one, other = np.zeros((2, 5, 6, 7), bool)
    one[1, 2, 3] = other[3, 4, 3] = True
    assert bounding_box(one) == (slice(1, 2), slice(2, 3), slice(3, 4))
    assert bounding_box(one, other) == (slice(1, 4), slice(2, 5), slice(3, 4))
    assert one[bounding_box(one)].all()


@pytest.mark.parametrize("shape", [(3, 4, 5), (2, 2), (0, 3, 3)])
def test_nothing_that_is_set_has_no_box(shape):
    assert bounding_box(np.zeros(shape, bool)) is None
