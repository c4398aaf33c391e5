"""What the check says of a list before anything is read: what could have been meant otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from dints.data.cases import Case
from dints.data.datalist import DataList
from dints.data.fingerprint import Fingerprint, default_config
from dints.data.notes import notes


def listed(*names: str, **changes: object) -> DataList:
    """A list of two cases with these labels after the background."""
    cases = tuple(Case(name, (Path("a.nii"),), Path("b.nii")) for name in "ab")
    labels = dict(enumerate(("background", *names)))
    return DataList(Path("data"), "task", None, ("T1",), labels, cases, **changes)


def said(*names: str, **changes: object) -> str:
    return "\n".join(notes(listed(*names, **changes)))


def test_nothing_is_said_where_nothing_could_be_meant_otherwise():
    assert said("liver", "tumour") == ""


def test_folds_and_cases_that_the_list_holds_out_are_named():
    text = said("liver", folds=(("a",), ("b",)), held_out=("a",))
    assert "its own division into 2 folds is used" in text
    assert "1 labelled cases are held out of search and training, as its list says" in text


def test_voxels_that_nobody_annotated_are_named():
    assert "voxels of value 7, 9 are ignored" in said("liver", ignored=(7, 9))


def test_a_label_that_a_given_task_learns_though_its_name_says_ignore_is_named():
    assert said("organ", "ignore") == "label 2 is learned though it is called 'ignore'; move it to task.ignored"


def test_values_without_names_are_structures_of_their_own():
    assert "nothing names its label values 1, 2: each is a structure of its own" in said("label 1", "label 2")


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        ({0: "liver", 1: "tumour"}, "value 0 is called 'liver' and is the background here"),
        ({0: "none", 1: "Background"}, "label 1 is learned as a structure though it is called 'Background'"),
        ({0: "bg", 1: "liver", 3: "Liver "}, "labels 1 and 3 are both called 'Liver '; give each a name of its own"),
    ],
)
def test_names_at_the_wrong_values_are_named(labels, sentence):
    assert sentence in "\n".join(notes(DataList(Path("data"), "task", None, ("T1",), labels, ())))


@pytest.mark.parametrize("name", ["background", "Clear Label", "unlabeled", "BG", "Void", "other"])
def test_usual_names_of_the_background_are_no_matter(name):
    assert notes(DataList(Path("data"), "task", None, ("T1",), {0: name, 1: "liver"}, ())) == []


def test_left_and_right_are_told_apart_and_never_turned_into_each_other():
    assert said("kidney_left", "spine", "kidney_right") == (
        "left and right are told apart (kidney_left and kidney_right): flips along R-L exchange them"
    )
    words = "have no label that is their mirror image: there are no flips along R-L"
    assert f"left atrium {words}" in said("left atrium")
    assert f"left ventricle, right ventricle {words}" in said("left ventricle", "right ventricle")


def test_front_and_back_are_told_apart():
    text = said("Anterior", "Posterior")
    assert "Anterior and Posterior are told apart along A-P" in text
    assert "leave 1 out of augmentation.flip_axes" in text


@pytest.mark.parametrize(
    ("names", "axes", "turns"),
    [
        (("liver", "tumour"), (0, 1, 2), True),
        (("kidney left", "kidney right"), (0, 1, 2), False),
        (("left atrium",), (1, 2), False),
        (("Anterior", "Posterior"), (0, 2), False),
        (("upper lobe", "lower lobe"), (0, 1), True),
        (("left upper lobe", "left lower lobe"), (1,), False),
    ],
)
def test_settings_that_are_derived_mirror_nothing_into_another_label(names, axes, turns):
    typical = Fingerprint(3, (1, 1, 1), (100, 100, 100), "MR", ((0.0, 100.0),))
    augmentation = default_config(listed(*names), typical).augmentation
    assert augmentation.flip_axes == axes
    assert (augmentation.rotate90_probability > 0) == turns
