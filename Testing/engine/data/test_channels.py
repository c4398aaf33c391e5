"""What the names of channels tell."""

from __future__ import annotations

import pytest

from dints.data.datalist import kind_of_channel


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("CT", "CT"),
        ("computed tomography", "CT"),
        ("T1", "MR"),
        ("PET", "other"),
        ("SUV", "other"),
        ("distance_map", "other"),
        ("PET/CT", None),
        ("0000", None),
        ("contrast", None),
    ],
)
def test_the_name_of_a_channel_tells_its_kind(name, kind):
    assert kind_of_channel(name) == kind
