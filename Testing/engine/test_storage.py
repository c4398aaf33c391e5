from __future__ import annotations

from pathlib import Path

import pytest

from dints.errors import InputError
from dints.storage import atomic_path, read_json, write_json, write_text


def test_what_stood_there_survives_a_failure_while_writing(tmp_path: Path) -> None:
    path = tmp_path / "scores.nii.gz"
    path.write_text("old")

    def fail_halfway() -> None:
        with atomic_path(path) as temporary:
            temporary.write_text("half of the ne")
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        fail_halfway()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_temporary_file_keeps_the_suffixes_that_choose_the_format(tmp_path: Path) -> None:
    with atomic_path(tmp_path / "case.1.nii.gz") as temporary:
        assert temporary.name.endswith(".nii.gz")
        temporary.write_bytes(b"x")
    assert (tmp_path / "case.1.nii.gz").read_bytes() == b"x"


def test_json_comes_back_and_nan_is_refused(tmp_path: Path) -> None:
    write_json(tmp_path / "a" / "b.json", {"ä": [1, None]})
    assert read_json(tmp_path / "a" / "b.json") == {"ä": [1, None]}
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "nan.json", float("nan"))
    assert not (tmp_path / "nan.json").exists()


def test_a_file_that_is_no_json_is_refused_by_name(tmp_path: Path) -> None:
    write_text(tmp_path / "bad.json", "{")
    with pytest.raises(InputError, match=r"bad\.json: is not valid JSON"):
        read_json(tmp_path / "bad.json")
    with pytest.raises(InputError, match=r"none\.json: cannot be read"):
        read_json(tmp_path / "none.json")
