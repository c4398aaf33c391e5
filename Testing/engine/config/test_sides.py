"""Left and right among label names."""

from __future__ import annotations

import pytest

from dints import Config
from dints.config.sides import sides_of


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("kidney_left", "kidney_right"),
        ("Left kidney", "Right kidney"),
        ("KidneyLeft", "KidneyRight"),
        ("kidney L", "kidney R"),
        ("L_kidney", "R_kidney"),
        ("Lung upper lobe (left)", "Lung upper lobe (right)"),
        ("LH hippocampus", "RH hippocampus"),
        ("niere_links", "niere_rechts"),
        ("LEFT-KIDNEY", "right kidney"),
    ],
)
def test_pairs_are_known_by_their_names_in_either_order(one, other):
    for names in ((one, other), (other, one)):
        sides = sides_of({0: "background", 3: names[0], 5: "spine", 9: names[1]})
        assert sides.classes == (0, 3, 2, 1)
        assert sides.any
        assert sides.mirrorable


@pytest.mark.parametrize(
    "names", [("liver", "tumour"), ("anterior", "posterior"), ("label 1", "label 2"), ("bright spot", "cleft")]
)
def test_names_without_a_side_have_none(names):
    sides = sides_of(dict(enumerate(("background", *names))))
    assert sides.classes == (0, 1, 2)
    assert not sides.any


def test_a_side_without_a_partner_cannot_be_mirrored():
    sides = sides_of({0: "background", 1: "left atrium", 2: "lung_left", 3: "lung_right"})
    assert sides.unpaired == ("left atrium",)
    assert sides.classes == (0, 1, 3, 2)
    assert not sides.mirrorable


@pytest.mark.parametrize(
    ("labels", "axes"), [("{1: a left, 2: a right}", (0, 1, 2)), ("{1: left}", (1, 2)), ("{1: a}", (0, 1, 2))]
)
def test_images_are_mirrored_only_where_their_labels_can_be(labels, axes):
    labels = labels.replace("{", "{0: background, ")
    assert Config().with_overrides([f"task.labels={labels}"]).mirrored_axes == axes
