"""Listing data sets: the decathlon's dataset.json, labels, channels, folds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dints.config import TaskConfig
from dints.data.datalist import data_folds, dealing_order, parse_labels, read_datalist
from dints.errors import InputError

from .image_files import save


def write_description(folder: Path, **changes: object) -> Path:
    """A decathlon data set of two cases and one test image, with parts of its description replaced or removed."""
    for name in ("imagesTr/a", "labelsTr/a", "imagesTr/b", "labelsTr/b", "imagesTs/c"):
        save(folder / f"{name}.nii.gz")
    entries = [{"image": f"./imagesTr/{name}.nii.gz", "label": f"./labelsTr/{name}.nii.gz"} for name in "ba"]
    description = {
        "name": "Example",
        "modality": {"0": "CT"},
        "labels": {"0": "background", "1": "liver"},
        "numTraining": 99,
        "training": entries,
        "test": ["./imagesTs/c.nii.gz"],
    } | changes
    kept = {key: value for key, value in description.items() if value is not None}
    (folder / "dataset.json").write_text(json.dumps(kept))
    return folder


def test_the_real_hippocampus_data_set_is_listed(hippocampus: Path) -> None:
    datalist = read_datalist(hippocampus)
    assert (datalist.name, datalist.modality, datalist.channels) == ("Hippocampus", "MR", ("MRI",))
    assert datalist.labels == {0: "background", 1: "Anterior", 2: "Posterior"}
    assert len(datalist.cases) == 200
    assert datalist.cases[0].name == "hippocampus_001"
    assert datalist.cases[0].images[0].is_file()
    assert not datalist.problems


def test_a_decathlon_description_is_read_despite_wrong_counts_and_an_unsorted_list(tmp_path: Path) -> None:
    datalist = read_datalist(write_description(tmp_path))
    assert [case.name for case in datalist.cases] == ["a", "b"]
    assert datalist.cases[0].images == (tmp_path / "imagesTr/a.nii.gz",)
    assert datalist.cases[0].label == tmp_path / "labelsTr/a.nii.gz"
    assert [(case.name, case.label) for case in datalist.unlabelled] == [("c", None)]
    assert datalist.modality == "CT"


def test_the_description_itself_can_be_given_in_place_of_its_folder(tmp_path: Path) -> None:
    folder = write_description(tmp_path)
    assert read_datalist(folder / "dataset.json") == read_datalist(folder)


def test_a_description_without_name_takes_that_of_the_folder(tmp_path: Path) -> None:
    assert read_datalist(write_description(tmp_path / "MyTask", name=None)).name == "MyTask"


def test_a_description_without_test_cases_has_none(tmp_path: Path) -> None:
    assert read_datalist(write_description(tmp_path, test=None)).unlabelled == ()


def test_labels_and_channels_of_newer_descriptions_are_understood(tmp_path: Path) -> None:
    folder = write_description(
        tmp_path,
        modality=None,
        channel_names={"1": "ADC", "0": "T2"},
        labels={"background": 0, "prostate": 3},
        training=[{"image": ["imagesTr/a.nii.gz", "imagesTr/b.nii.gz"], "label": "labelsTr/a.nii.gz"}],
        test=[{"image": "imagesTs/c.nii.gz"}],
    )
    datalist = read_datalist(folder)
    assert datalist.labels == {0: "background", 3: "prostate"}
    assert (datalist.channels, datalist.modality) == (("T2", "ADC"), "MR")
    assert len(datalist.cases[0].images) == 2
    assert datalist.unlabelled[0].name == "c"


def test_a_description_without_list_of_cases_adds_names_to_plain_folders(tmp_path: Path) -> None:
    datalist = read_datalist(write_description(tmp_path, training=None, test=None))
    assert [case.name for case in datalist.cases] == ["a", "b"]
    assert [case.name for case in datalist.unlabelled] == ["c"]
    assert datalist.labels[1] == "liver"


def test_a_four_dimensional_image_gives_its_channels(tmp_path: Path) -> None:
    folder = write_description(tmp_path, modality=None)
    save(folder / "imagesTr/a.nii.gz", shape=(3, 4, 5, 6))
    assert read_datalist(folder).channels == ("channel 0", "channel 1", "channel 2")


def test_listed_cases_whose_files_are_numbered_by_channel_are_found(tmp_path: Path) -> None:
    folder = write_description(tmp_path)
    (folder / "imagesTr/a.nii.gz").rename(folder / "imagesTr/a_0000.nii.gz")
    save(folder / "imagesTr/a_0001.nii.gz")
    case = read_datalist(folder).cases[0]
    assert case.name == "a"
    assert [path.name for path in case.images] == ["a_0000.nii.gz", "a_0001.nii.gz"]


@pytest.mark.parametrize(
    "path", ["../a.nii.gz", "imagesTr/../../a.nii.gz", "/etc/a.nii.gz", "..\\a.nii.gz", "C:\\a.nii"]
)
def test_a_path_out_of_the_folder_is_refused(tmp_path: Path, path: str) -> None:
    entries = [{"image": path, "label": "labelsTr/a.nii.gz"}]
    with pytest.raises(InputError, match="outside the data set's folder; move the file into it"):
        read_datalist(write_description(tmp_path, training=entries))
    with pytest.raises(InputError, match="outside"):
        read_datalist(write_description(tmp_path, test=[path]))


def test_hidden_files_are_ignored_in_lists_and_folders(tmp_path: Path) -> None:
    hidden = {"image": "./imagesTr/._a.nii.gz", "label": "./labelsTr/._a.nii.gz"}
    folder = write_description(
        tmp_path, training=[hidden, {"image": "imagesTr/a.nii.gz", "label": "labelsTr/a.nii.gz"}]
    )
    assert [case.name for case in read_datalist(folder).cases] == ["a"]
    for name in ("imagesTr/._b.nii.gz", "labelsTr/._b.nii.gz", "imagesTr/.DS_Store"):
        (folder / name).write_bytes(b"resource fork")
    (folder / "dataset.json").unlink()
    datalist = read_datalist(folder)
    assert [case.name for case in datalist.cases] == ["a", "b"]
    assert not datalist.problems


def test_a_repeated_case_name_is_reported_and_the_first_kept(tmp_path: Path) -> None:
    save(tmp_path / "imagesTr/other/a.nii.gz")
    entries = [{"image": f"imagesTr/{name}.nii.gz", "label": "labelsTr/a.nii.gz"} for name in ("a", "other/a")]
    datalist = read_datalist(write_description(tmp_path, training=entries))
    assert [case.images[0] for case in datalist.cases] == [tmp_path / "imagesTr/a.nii.gz"]
    assert "same case name 'a'" in datalist.problems[0].reason
    assert datalist.problems[0].file.endswith("other/a.nii.gz")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"training": {"image": "a"}}, "'training' must be a list of cases"),
        ({"training": ["imagesTr/a.nii.gz"]}, "is not a case; write"),
        ({"training": [{"image": [], "label": "x"}]}, "is not a case"),
        ({"test": [3]}, "in 'test' is not a case"),
        ({"labels": {"1": "a", "b": 1}}, "label value 1 is declared twice"),
        ({"labels": {"whole": [1, 2]}}, "is a region of several values"),
        ({"labels": ["liver"]}, "labels must be a mapping"),
        ({"modality": 3}, '"modality" must be a mapping'),
        ({"modality": {"CT": 0}}, '"modality" must number its channels'),
    ],
)
def test_a_malformed_description_is_refused_in_one_line(tmp_path: Path, changes: dict, sentence: str) -> None:
    with pytest.raises(InputError, match=r"dataset\.json: ") as caught:
        read_datalist(write_description(tmp_path, **changes))
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_description_that_is_no_json_object_is_refused(tmp_path: Path) -> None:
    (tmp_path / "dataset.json").write_text("[]")
    with pytest.raises(InputError, match="must hold an object"):
        read_datalist(tmp_path)


def test_the_task_wins_over_what_the_data_set_declares(tmp_path: Path) -> None:
    task = TaskConfig(name="mine", modality="MR", channels=("T1",), labels={0: "air", 4: "lung"})
    datalist = read_datalist(write_description(tmp_path), task)
    assert (datalist.name, datalist.modality, datalist.channels) == ("mine", "MR", ("T1",))
    assert datalist.labels == {0: "air", 4: "lung"}


def test_a_folder_that_is_missing_empty_or_arranged_otherwise_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not a folder"):
        read_datalist(tmp_path / "missing")
    with pytest.raises(InputError, match=r"neither dataset\.json nor images/ and labels/"):
        read_datalist(tmp_path)
    (tmp_path / "images").mkdir()
    with pytest.raises(InputError, match="holds no images"):
        read_datalist(tmp_path)


def test_labels_are_sorted_by_value_and_get_a_background() -> None:
    assert list(parse_labels({"10": "b", "2": "a"}, "x")) == [0, 2, 10]
    assert parse_labels({"tumour": 2, 0: "air"}, "x") == {0: "air", 2: "tumour"}


@pytest.mark.parametrize(("count", "folds"), [(10, 5), (7, 3), (2, 2)])
def test_every_case_is_validated_once_and_folds_are_of_like_size(count: int, folds: int) -> None:
    names = [f"case{index}" for index in range(count)]
    split = data_folds(names, folds)
    assert sorted(name for _, validation in split for name in validation) == sorted(names)
    sizes = {len(validation) for _, validation in split}
    assert max(sizes) - min(sizes) <= 1
    assert all(set(training) == set(names) - set(validation) for training, validation in split)


def test_folds_depend_on_the_seed_and_not_on_the_order_of_the_names() -> None:
    names = [f"case{index}" for index in range(20)]
    assert data_folds(names, 5) == data_folds(reversed(names), 5)
    assert data_folds(names, 5) != data_folds(names, 5, seed=1)


def test_folds_that_cannot_be_made_are_refused() -> None:
    with pytest.raises(InputError, match="3 cases cannot be split into 5 folds"):
        data_folds("abc", 5)
    with pytest.raises(InputError, match="into 1 folds"):
        data_folds("abc", 1)


def listed(folder: Path, entries: dict) -> Path:
    """A dataset.json whose files exist."""
    for key, cases in entries.items():
        for case in cases if key in ("training", "validation", "testing") else []:
            for path in (case["image"], case.get("label")):
                if path:
                    (folder / path).parent.mkdir(parents=True, exist_ok=True)
                    (folder / path).write_bytes(b"")
    (folder / "dataset.json").write_text(json.dumps(entries | {"labels": {"0": "background", "1": "organ"}}))
    return folder


def entry(name: str, **more: object) -> dict:
    return {"image": f"images/{name}.nii.gz", "label": f"labels/{name}.nii.gz", **more}


def test_the_folds_and_other_lists_of_a_data_list_are_used(tmp_path):
    folds = [0, 1, 0, 1, 2]
    training = [entry(f"case{index}", fold=fold) for index, fold in enumerate(folds)]
    testing = [entry("test0"), {"image": "images/test1.nii.gz"}, {"image": "images/case0.nii.gz"}]
    found = read_datalist(listed(tmp_path, {"training": training, "validation": [entry("val0")], "testing": testing}))
    assert found.folds == (("case0", "case2"), ("case1", "case3"), ("case4",))
    assert found.held_out == ("test0", "val0")
    assert [case.name for case in found.unlabelled] == ["test1"]
    assert len(found.cases) == 7


@pytest.mark.parametrize(
    ("folds", "reason"),
    [
        ([0, 1, None], "fold None of case2"),
        ([0, 1, "2"], "fold '2' of case2"),
        ([0, 2], "folds 0, 2"),
        ([0, 0], "folds 0"),
    ],
)
def test_folds_that_are_no_division_are_refused(tmp_path, folds, reason):
    training = [entry(f"case{index}", fold=fold) for index, fold in enumerate(folds)]
    with pytest.raises(InputError, match=reason):
        read_datalist(listed(tmp_path, {"training": training}))


def test_an_absolute_path_inside_of_the_folder_is_a_path_inside(tmp_path):
    names = ("a", "b")
    training = [{key: str(tmp_path / path) for key, path in entry(name).items()} for name in names]
    listed(tmp_path, {"training": [entry(name) for name in names]})
    (tmp_path / "dataset.json").write_text(json.dumps({"training": training, "labels": {"1": "organ"}}))
    assert [case.name for case in read_datalist(tmp_path).cases] == ["a", "b"]
    outside = [{"image": str(tmp_path.parent / "a.nii.gz"), "label": str(tmp_path / "b.nii.gz")}]
    (tmp_path / "dataset.json").write_text(json.dumps({"training": outside, "labels": {"1": "organ"}}))
    with pytest.raises(InputError, match="lies outside the data set's folder"):
        read_datalist(tmp_path)


def test_regions_of_several_values_are_refused_by_name():
    with pytest.raises(InputError, match=r"label 'whole' is a region of several values, \[1, 2\]"):
        parse_labels({"background": 0, "whole": [1, 2], "core": 2}, "dataset.json")
    assert parse_labels({"background": [0], "organ": [1]}, "dataset.json") == {0: "background", 1: "organ"}


@pytest.mark.parametrize("name", ["ignore", "Ignore", "ignore_label", "ignored", "not annotated", "unlabeled"])
def test_a_label_for_what_is_not_annotated_is_no_class(tmp_path, name):
    save(tmp_path / "images" / "a.nii.gz")
    save(tmp_path / "labels" / "a.nii.gz")
    (tmp_path / "labels.json").write_text(json.dumps({"organ": 1, name: 7}))
    found = read_datalist(tmp_path)
    assert found.labels == {0: "background", 1: "organ"}
    assert found.ignored == (7,)


def test_names_that_stand_for_others_are_dealt_like_those(tmp_path: Path) -> None:
    names = ["a", "b", "c", "d", "e"]
    order = dealing_order(names, seed=3)
    numbers = {name: f"case-{number}" for number, name in enumerate(names)}
    for name in numbers.values():
        save(tmp_path / f"{name}.nii.gz")
        save(tmp_path / f"labels/{name}.nii.gz")
    entries = [
        {"image": f"{number}.nii.gz", "label": f"labels/{number}.nii.gz", "dealt": order.index(name)}
        for name, number in numbers.items()
    ]
    (tmp_path / "dataset.json").write_text(json.dumps({"training": entries, "labels": {"1": "liver"}}))
    dealt = read_datalist(tmp_path).dealt
    assert dealt == tuple(numbers[name] for name in order)
    for folds in (2, 3, 5):
        validated = [fold for _, fold in data_folds(dealt, folds, seed=3, dealt=dealt)]
        assert validated == [tuple(numbers[name] for name in fold) for _, fold in data_folds(names, folds, seed=3)]
    assert data_folds(names, 2, seed=3, dealt=("e",))[0][1][-1] == "e"  # those without a place follow
