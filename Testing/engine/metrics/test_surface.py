"""Surface elements against the package `surface-distance`, which the challenge uses."""

from __future__ import annotations

import numpy as np
import pytest
from surface_distance import lookup_tables

from dints.metrics.surface import CORNERS, element_areas, element_codes, within

SPACINGS = [(1.0, 1.0, 1.0), (0.7, 0.7, 5.0), (2.5, 0.3, 1.1), (1.0, 3.0, 0.45)]


@pytest.mark.parametrize("spacing", SPACINGS)
def test_the_areas_of_all_256_elements_equal_the_reference(spacing):
    expected = lookup_tables.create_table_neighbour_code_to_surface_area(spacing)
    weights = lookup_tables.ENCODE_NEIGHBOURHOOD_3D_KERNEL
    bits = (np.arange(256)[:, None] >> np.arange(8)) & 1
    reference_codes = bits @ [int(weights[corner]) for corner in CORNERS]
    np.testing.assert_allclose(element_areas(spacing), expected[reference_codes], rtol=0, atol=1e-12)


def test_a_single_voxel_is_an_octahedron():
    codes = element_codes(np.ones((1, 1, 1), bool))
    assert codes.shape == (2, 2, 2)
    assert element_areas((1, 1, 1))[codes].sum() == pytest.approx(np.sqrt(3))


def test_a_flat_face_has_its_own_area():
    codes = element_codes(np.ones((6, 6, 6), bool))
    np.testing.assert_allclose(element_areas((2.0, 3.0, 4.0))[codes[0, 2:5, 2:5]], 3.0 * 4.0)


def test_a_mask_and_its_complement_share_their_elements():
    areas = element_areas((0.7, 1.3, 2.9))
    np.testing.assert_allclose(areas, areas[::-1])


def test_elements_at_the_limit_count_as_within():
    distant, near = np.zeros((2, 9, 4, 3), bool)
    near[0, 0, 0] = True
    distant[[3, 4, 0, 0], [0, 0, 1, 2], 0] = True  # in order: 1 mm, 2 mm along y; 3 mm, 4 mm along x
    assert within(distant, near, (1.0, 1.0, 1.0), 3.0).tolist() == [True, True, True, False]


def test_nothing_is_within_reach_of_an_empty_surface():
    distant = np.ones((3, 3, 3), bool)
    assert not within(distant, np.zeros_like(distant), (1.0, 1.0, 1.0), 100.0).any()
