"""Slicer's segmentations name their segments: names decide what a voxel is, not values, layers or extents."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from dints.config import PreprocessingConfig
from dints.data.cache import build_cache
from dints.data.cases import Case
from dints.data.check import check, check_case
from dints.data.datalist import read_datalist
from dints.data.images import read_image
from dints.data.notes import notes
from dints.data.segments import blank, found_labels, name_problems, named_values, read_named_label, segments_of
from dints.errors import InputError
from dints.events import Reporter

SHAPE = (6, 7, 8)  # z, y, x
LABELS = {0: "background", 1: "liver", 2: "tumour"}


def voxels_of(*values: int) -> np.ndarray:
    """Zeros, with a plane of each value."""
    voxels = np.zeros(SHAPE, np.uint8)
    for plane, value in enumerate(values, start=1):
        voxels[plane] = value
    return voxels


def write(
    path: Path, segments: list[tuple[str, int, int]], *layers: np.ndarray, start: tuple[int, ...] = (0, 0, 0)
) -> Path:
    """A file as Slicer writes it: (name, layer, value) of each segment, and voxels that begin at `start` [x, y, z]."""
    image = sitk.GetImageFromArray(
        np.stack(layers, axis=-1) if len(layers) > 1 else layers[0], isVector=len(layers) > 1
    )
    image.SetSpacing((1.5, 1.0, 2.0))
    image.SetOrigin([10 + first * step for first, step in zip(start, (1.5, 1.0, 2.0), strict=True)])
    for number, (name, layer, value) in enumerate(segments):
        image.SetMetaData(f"Segment{number}_Name", name)
        image.SetMetaData(f"Segment{number}_Layer", str(layer))
        image.SetMetaData(f"Segment{number}_LabelValue", str(value))
    image.SetMetaData("Segmentation_ReferenceImageExtentOffset", " ".join(map(str, start)))
    path.parent.mkdir(parents=True, exist_ok=True)
    sitk.WriteImage(image, str(path))
    return path


def array(image: sitk.Image) -> np.ndarray:
    return sitk.GetArrayFromImage(image)


@pytest.fixture
def image() -> sitk.Image:
    image = sitk.GetImageFromArray(np.random.default_rng(0).normal(50, 9, SHAPE).astype(np.float32))
    image.SetSpacing((1.5, 1.0, 2.0))
    image.SetOrigin((10, 10, 10))
    return image


@pytest.fixture
def data(tmp_path: Path, image: sitk.Image) -> Path:
    """Four cases whose livers lie in plane 1 and tumours in plane 2, with their values the other way in each second."""
    for index in range(4):
        names = [("liver", 0, 1), ("tumour", 0, 2)] if index % 2 == 0 else [("Tumour", 0, 1), ("liver", 0, 2)]
        write(tmp_path / "labels" / f"c{index}.seg.nrrd", names, voxels_of(*((1, 2) if index % 2 == 0 else (2, 1))))
        (tmp_path / "images").mkdir(exist_ok=True)
        sitk.WriteImage(image, str(tmp_path / "images" / f"c{index}.nii.gz"))
    return tmp_path


def test_names_decide_what_is_learned_where_values_differ_from_file_to_file(data, tmp_path):
    found = read_datalist(data)
    assert found.labels == LABELS
    assert "labels of 4 cases are read by the names of their segments, whatever their values" in notes(found)
    result = check(found, 2)
    assert not result.errors
    assert {tuple(case.label_volumes) for case in result.cases} == {(1, 2)}
    cache = build_cache(found.cases, PreprocessingConfig(), found.labels, tmp_path / "cache", Reporter())
    first, *others = (np.asarray(cache.case(f"c{index}").label) for index in range(4))
    assert set(np.unique(first)) == {0, 1, 2}
    assert all(np.array_equal(first, other) for other in others)


def test_declared_labels_win_and_unknown_names_are_errors_of_their_case(data):
    (data / "labels.json").write_text('{"tumour": 5, "liver": 9}')
    found = read_datalist(data)
    assert not check(found, 2).errors
    assert np.array_equal(array(read_named_label(found.cases[1].label, found.labels)), voxels_of(9, 5))
    (data / "labels.json").write_text('{"tumor": 5, "liver": 9}')
    problems = check(read_datalist(data), 2).errors
    assert {problem.case for problem in problems} == {"c0", "c1", "c2", "c3"}
    assert "has a segment 'tumour', which is none of the labels tumor, liver" in problems[0].reason


def test_entries_of_the_cache_that_were_read_by_value_are_not_taken(data, tmp_path):
    cases = read_datalist(data).cases
    for labels, expected in (({0: "background", 1: "liver", 2: "tumour"}, 1), ({0: "b", 1: "tumour", 2: "liver"}, 2)):
        cache = build_cache(cases, PreprocessingConfig(crop_foreground=False), labels, tmp_path / "cache", Reporter())
        assert np.unique(cache.case("c0").label[..., 2]) == expected  # planes of 2 mm at 1 mm


def test_layers_are_merged_and_an_overlap_of_different_labels_is_refused(tmp_path):
    segments = [("liver", 0, 1), ("tumour", 1, 1)]
    apart = write(tmp_path / "apart.seg.nrrd", segments, voxels_of(1), voxels_of(0, 1))
    assert [segment.layer for segment in segments_of(apart)] == [0, 1]
    assert np.array_equal(array(read_named_label(apart, LABELS)), voxels_of(1, 2))
    both = write(tmp_path / "both.seg.nrrd", segments, voxels_of(1, 1), voxels_of(0, 1))
    with pytest.raises(InputError, match=r"both.seg.nrrd: its segments 'liver' and 'tumour' overlap in 56 voxels"):
        read_named_label(both, LABELS)
    assert found_labels([apart]) == LABELS


def test_a_file_that_was_cropped_to_what_was_drawn_is_put_back(tmp_path, image):
    whole = voxels_of(1, 2)
    path = write(tmp_path / "part.seg.nrrd", [("liver", 0, 1), ("tumour", 0, 2)], whole[1:3, 2:5, 3:8], start=(3, 2, 1))
    put_back = read_named_label(path, LABELS, image)
    expected = np.zeros_like(whole)
    expected[1:3, 2:5, 3:8] = whole[1:3, 2:5, 3:8]
    assert np.array_equal(array(put_back), expected)
    assert put_back.GetOrigin() == image.GetOrigin()
    sitk.WriteImage(image, str(tmp_path / "image.nii.gz"))
    problems, facts = check_case(Case("case", (tmp_path / "image.nii.gz",), path), ("T1",), LABELS)
    assert not problems
    assert sorted(facts.label_volumes) == [1, 2]


@pytest.mark.parametrize("start", [(4, 0, 0), (-1, 0, 0)])
def test_a_file_that_reaches_beyond_its_image_is_named(tmp_path, image, start):
    path = write(tmp_path / "part.seg.nrrd", [("liver", 0, 1)], voxels_of(1)[:, :, :5], start=start)
    sitk.WriteImage(image, str(tmp_path / "image.nii.gz"))
    problems, _ = check_case(Case("case", (tmp_path / "image.nii.gz",), path), ("T1",), LABELS)
    assert "its size is (5, 7, 6) instead of (8, 7, 6)" in problems[0].reason


def test_segments_without_a_name_of_their_own_keep_their_values(tmp_path):
    path = write(tmp_path / "a.seg.nrrd", [("Segment_1", 0, 1)], voxels_of(1))
    assert np.array_equal(array(read_named_label(path, {0: "background", 1: "liver"})), voxels_of(1))
    with pytest.raises(InputError, match="has a segment 'Segment_1', which is none of the labels liver"):
        read_named_label(path, {0: "background", 2: "liver"})


def test_voxels_that_no_segment_has_are_refused(tmp_path):
    path = write(tmp_path / "a.seg.nrrd", [("liver", 0, 1)], voxels_of(1, 7))
    with pytest.raises(InputError, match="holds value 7, which none of its segments has"):
        read_named_label(path, LABELS)


def test_files_of_older_versions_keep_each_segment_in_a_layer(tmp_path):
    image = sitk.GetImageFromArray(np.stack([voxels_of(1), voxels_of(0, 1)], axis=-1), isVector=True)
    image.SetMetaData("Segment0_Name", "tumour")
    image.SetMetaData("Segment1_Name", "liver")
    sitk.WriteImage(image, str(tmp_path / "old.seg.nrrd"))
    assert np.array_equal(array(read_named_label(tmp_path / "old.seg.nrrd", LABELS)), voxels_of(2, 1))


def test_files_without_names_beside_files_that_disagree_cannot_be_read_by_name(data):
    sitk.WriteImage(read_image(data / "labels" / "c0.seg.nrrd"), str(data / "labels" / "c0.nrrd"))
    with pytest.raises(InputError, match=r"c0.nrrd: holds values without names, and files such as .*c1.seg.nrrd"):
        found_labels([data / "labels" / "c0.nrrd", *(data / "labels" / f"c{index}.seg.nrrd" for index in (1, 2))])


def test_values_are_kept_where_all_files_agree_and_others_are_called_after_them(tmp_path):
    named = write(tmp_path / "a.seg.nrrd", [("Left_kidney", 0, 7)], voxels_of(7))
    again = write(tmp_path / "b.seg.nrrd", [("left kidney", 0, 7)], voxels_of(7))
    plain = write(tmp_path / "c.nrrd", [], voxels_of(3, 7))
    assert found_labels([named, again, plain]) == {0: "background", 3: "label 3", 7: "Left_kidney"}


def test_a_segment_called_ignore_is_no_label(data, tmp_path):
    write(data / "labels" / "c0.seg.nrrd", [("liver", 0, 1), ("tumour", 0, 2), ("Ignore", 0, 3)], voxels_of(1, 2, 3))
    found = read_datalist(data)
    assert (found.labels, found.ignored) == (LABELS, (3,))
    assert not check(found, 2).errors
    label = read_named_label(found.cases[0].label, found.values)
    assert np.array_equal(array(blank(label, found.ignored)), voxels_of(1, 2))


def test_names_are_read_from_the_header(tmp_path):
    path = write(tmp_path / "a.seg.nrrd", [("tumour", 0, 1), ("liver", 0, 2)], voxels_of(1))
    assert named_values(path) == {1: "tumour", 2: "liver"}
    assert named_values(write(tmp_path / "plain.nrrd", [("liver", 0, 1)], voxels_of(1))) == {}
    (tmp_path / "broken.seg.nrrd").write_bytes(b"no image")
    assert segments_of(tmp_path / "broken.seg.nrrd") == ()


def test_a_run_whose_labels_have_no_names_reads_values_and_names_the_file_that_disagrees(data):
    labels = {0: "background", 1: "label 1", 2: "label 2"}
    cases = read_datalist(data).cases[:3]
    assert np.array_equal(array(read_named_label(cases[1].label, labels)), voxels_of(2, 1))
    found = name_problems(cases, labels)
    assert {problem.case for problem in found} == {"c1"}
    assert "calls value 1 'Tumour', where it is 'liver' elsewhere" in found[0].reason
    assert not name_problems(cases, LABELS)
