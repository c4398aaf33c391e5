"""Slicer's segmentations name their values: files that disagree are not mixed in silence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from dints.data.cases import Case
from dints.data.segment_names import name_problems, named_values


def segmentation(path: Path, names: dict[int, str]) -> Path:
    image = sitk.GetImageFromArray(np.arange(8, dtype=np.uint8).reshape(2, 2, 2) % 3)
    for number, (value, name) in enumerate(names.items()):
        image.SetMetaData(f"Segment{number}_Name", name)
        image.SetMetaData(f"Segment{number}_LabelValue", str(value))
    sitk.WriteImage(image, str(path))
    return path


@pytest.fixture
def cases(tmp_path: Path) -> list[Case]:
    """Three files; the last has its segments in another order."""
    orders = [{1: "liver", 2: "tumour"}, {1: "Liver", 2: "tumour"}, {1: "tumour", 2: "liver"}]
    files = [segmentation(tmp_path / f"case{index}.seg.nrrd", names) for index, names in enumerate(orders)]
    return [Case(f"case{index}", (tmp_path / "image.nrrd",), path) for index, path in enumerate(files)]


def test_names_are_read_from_the_header(cases, tmp_path):
    assert named_values(cases[2].label) == {1: "tumour", 2: "liver"}
    plain = segmentation(tmp_path / "plain.nrrd", {1: "liver"})
    assert named_values(plain) == {}
    (tmp_path / "broken.seg.nrrd").write_bytes(b"no image")
    assert named_values(tmp_path / "broken.seg.nrrd") == {}


@pytest.mark.parametrize(
    "labels", [{0: "background", 1: "liver", 2: "tumour"}, {0: "background", 1: "label 1", 2: "label 2"}]
)
def test_the_file_that_disagrees_is_named_at_its_case(cases, labels):
    found = name_problems(cases, labels)
    assert {problem.case for problem in found} == {"case2"}
    assert "calls value 1 'tumour', where it is 'liver' elsewhere" in found[0].reason
    assert {problem.severity for problem in found} == {"error"}


def test_declared_names_win_over_those_of_most_files(cases):
    found = name_problems(cases, {0: "background", 1: "tumour", 2: "liver"})
    assert {problem.case for problem in found} == {"case0", "case1"}
