"""Left and right among label names."""

from __future__ import annotations

import pytest

from dints import Config
from dints.config.sides import ends_of, sides_of


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
        ("left kidney", "kidney right"),
        ("leftkidney", "rightkidney"),
        ("hippocampusleft", "hippocampusright"),
        ("linke Niere", "rechte Niere"),
        ("Niere li", "Niere re"),
        ("rein gauche", "rein droit"),
        ("rene_sin", "rene_dx"),
        ("riñón izquierdo", "riñón derecho"),
        ("rim esquerdo", "rim direito"),
        ("vänster njure", "höger njure"),
        ("venstre nyre", "højre nyre"),
        ("lewa nerka", "prawa nerka"),
        ("левый", "правый"),
        ("левая почка", "правая почка"),
        ("左腎", "右腎"),
        ("femur_L1", "femur_R1"),
        ("4L", "4R"),
    ],
)
def test_pairs_are_known_by_their_names_in_either_order(one, other):
    for names in ((one, other), (other, one)):
        sides = sides_of({0: "background", 3: names[0], 5: "spine", 9: names[1]})
        assert sides.classes == (0, 3, 2, 1)
        assert sides.any
        assert sides.mirrorable


@pytest.mark.parametrize(
    "names",
    [
        ("liver", "tumour"),
        ("anterior", "posterior"),
        ("label 1", "label 2"),
        ("bright spot", "cleft"),
        ("vertebrae_L1", "vertebrae_L2"),
        ("L4", "L5"),
        ("sin", "sinus"),
        ("Läsion", "Rückenmark"),
        ("Lésion", "Rétine"),
        ("Le\u0301sion", "re\u0301tine"),
        ("Łokieć", "organ"),
        ("region li", "region la"),
    ],
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
    ("one", "other"),
    [
        ("left ventricle", "right ventricle"),
        ("heart_atrium_left", "heart_atrium_right"),
        ("LeftAtrium", "RightAtrium"),
        ("ventricolo sin", "ventricolo dx"),
        ("left coronary artery", "right coronary artery"),
        ("liver left lobe", "liver right lobe"),
    ],
)
def test_sides_of_a_lopsided_organ_are_no_mirror_images(one, other):
    sides = sides_of({0: "background", 1: one, 2: other, 3: "kidney left", 4: "kidney right"})
    assert sides.unpaired == (one, other)
    assert sides.classes == (0, 1, 2, 4, 3)


@pytest.mark.parametrize("part", ["Lateral-Ventricle", "brain ventricle", "atlas"])
def test_ventricles_of_the_brain_are_mirror_images(part):
    assert sides_of({0: "background", 1: f"Left {part}", 2: f"Right {part}"}).classes == (0, 2, 1)


def test_of_two_labels_of_one_name_one_has_a_partner():
    sides = sides_of({0: "background", 1: "left kidney", 2: "kidney left", 3: "right kidney"})
    assert sides.classes == (0, 3, 2, 1)
    assert sides.unpaired == ("kidney left",)


@pytest.mark.parametrize(
    ("names", "ends"),
    [
        (("Anterior", "Posterior"), {1: ("Anterior", "Posterior")}),
        (("hippocampus_post", "hippocampus_ant"), {1: ("hippocampus_ant", "hippocampus_post")}),
        (("lung upper lobe left", "lung lower lobe left"), {2: ("lung upper lobe left", "lung lower lobe left")}),
        (
            ("superior anterior", "superior posterior", "inferior anterior"),
            {1: ("superior anterior", "superior posterior"), 2: ("superior anterior", "inferior anterior")},
        ),
        (("anterior wall", "posterior horn"), {}),
        (("anterior",), {}),
        (("kidney left", "kidney right"), {}),
    ],
)
def test_ends_of_the_other_axes_are_known_by_their_names(names, ends):
    assert ends_of(dict(enumerate(("anterior", *names)))) == ends


@pytest.mark.parametrize(
    ("labels", "axes"), [("{1: a left, 2: a right}", (0, 1, 2)), ("{1: left}", (1, 2)), ("{1: a}", (0, 1, 2))]
)
def test_images_are_mirrored_only_where_their_labels_can_be(labels, axes):
    labels = labels.replace("{", "{0: background, ")
    assert Config().with_overrides([f"task.labels={labels}"]).mirrored_axes == axes
