"""What the names of channels tell, and which files they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from dints.data.cases import Case
from dints.data.check import check_case
from dints.data.datalist import kind_of_channel
from dints.data.images import read_channels

from .image_files import save


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


def test_a_file_that_is_given_for_two_channels_is_named(tmp_path: Path) -> None:
    first, other = save(tmp_path / "t1.nii.gz", 1), save(tmp_path / "t2.nii.gz", 2)
    (tmp_path / "link.nii.gz").symlink_to(first)
    sentence = f"{first}: is given for 2 channels; make sure that it is meant for each of them"
    for again in (first, tmp_path / "link.nii.gz"):
        remarks: list[str] = []
        assert len(read_channels([first, other, again], remarks.append)) == 3
        assert sentence in remarks
        problems, _ = check_case(Case("case", (first, other, again)), ("T1", "T2", "FLAIR"), {0: "air", 1: "liver"})
        assert [problem.severity for problem in problems if str(problem) == sentence] == ["warning"]
