"""The cache: built once, rebuilt when its entry is stale or damaged, never half a case."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from dints.config import PreprocessingConfig
from dints.data import cache as cache_module
from dints.data.cache import Cache, build_cache
from dints.data.cases import Case
from dints.data.images import read_channels, read_label, write_image
from dints.data.preprocessing import Preprocessor
from dints.errors import InputError, MemoryShortageError, RunError
from dints.events import Reporter

CONFIG = PreprocessingConfig()
VALUES = (0, 2, 5)
SOURCE = cache_module.LabelSource({value: f"label {value}" for value in VALUES}, ())
KILLED_WHILE_WRITING = """
import os, pathlib, signal, sys
from dints.config import PreprocessingConfig
from dints.data.cache import build_cache
from dints.data.cases import Case
from dints.events import Reporter
folder, name = pathlib.Path(sys.argv[1]), sys.argv[2]
case = Case(name, (folder / f"{name}.nrrd",), folder / f"{name}_label.nrrd")
replace, count = os.replace, []
def replace_or_die(source, target):
    count.append(target)
    if len(count) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    replace(source, target)
os.replace = replace_or_die
build_cache([case], PreprocessingConfig(), (0, 2, 5), folder / "cache", Reporter())
"""


@pytest.fixture
def cases(tmp_path) -> list[Case]:
    """Three scans of 12 x 10 x 8 voxels with labels 2 and 5; the second has no 5."""
    made = []
    for number, name in enumerate(("a", "b", "ç 3")):
        generator = np.random.default_rng(number)
        label = generator.choice([0, 2] if name == "b" else [0, 2, 5], size=(8, 10, 12)).astype(np.uint8)
        image = sitk.GetImageFromArray(generator.uniform(1, 100, label.shape).astype(np.float32))
        write_image(image, tmp_path / f"{name}.nrrd")
        write_image(sitk.GetImageFromArray(label), tmp_path / f"{name}_label.nrrd")
        made.append(Case(name, (tmp_path / f"{name}.nrrd",), tmp_path / f"{name}_label.nrrd"))
    return made


@pytest.fixture
def work(monkeypatch) -> list[int]:
    """One entry for each case that is preprocessed."""
    done: list[int] = []

    class Counting(Preprocessor):
        def __call__(self, channels):
            done.append(1)
            return super().__call__(channels)

    monkeypatch.setattr(cache_module, "Preprocessor", Counting)
    return done


def build(cases: list[Case], folder: Path, config: PreprocessingConfig = CONFIG) -> Cache:
    return build_cache(cases, config, VALUES, folder / "cache", Reporter())


def test_a_cached_case_holds_what_preprocessing_gives(cases, tmp_path):
    cache = build(cases, tmp_path)
    for case in cases:
        cached = cache.case(case.name)
        image, grid = Preprocessor(CONFIG)(read_channels(case.images))
        assert isinstance(cached.image, np.memmap)
        assert not cached.image.flags.writeable
        assert np.array_equal(cached.image, image.numpy())
        assert np.array_equal(cached.label, Preprocessor(CONFIG).label(read_label(case.label), grid, VALUES).numpy())
        assert cached.grid == grid
        assert cached.channels == 1


def test_foreground_voxels_lie_in_their_class(cases, tmp_path, monkeypatch):
    monkeypatch.setattr(cache_module, "SAMPLES_PER_CLASS", 50)
    cache = build(cases, tmp_path)
    assert list(cache.case("a").foreground) == [1, 2]
    assert list(cache.case("b").foreground) == [1]
    for cached in cache.cases.values():
        for index, voxels in cached.foreground.items():
            assert voxels.shape == (50, 3)
            assert (cached.label[tuple(voxels.T)] == index).all()
            assert len(np.unique(voxels, axis=0)) == 50


def test_a_case_without_foreground_is_cached_and_found_again(cases, tmp_path, work):
    write_image(sitk.Image((12, 10, 8), sitk.sitkUInt8), cases[0].label)
    assert build(cases[:1], tmp_path).case("a").foreground == {}
    assert build(cases[:1], tmp_path).case("a").foreground == {}
    assert len(work) == 1


def test_a_second_build_does_no_work_and_folds_share_the_entries(cases, tmp_path, work):
    first = build(cases, tmp_path)
    assert len(work) == 3
    second = build(cases[:2], tmp_path)
    third = build(cases[1:], tmp_path)
    assert len(work) == 3
    assert first.case("b") == second.case("b") == third.case("b")


@pytest.mark.parametrize("change", [{"spacing": (2.0, 1.0, 1.0)}, {"crop_foreground": False}, {"intensity": "window"}])
def test_other_settings_get_entries_of_their_own(cases, tmp_path, work, change):
    first = build(cases, tmp_path)
    other = build(cases, tmp_path, dataclasses.replace(CONFIG, **change))
    assert first.case("a").folder != other.case("a").folder
    assert len(work) == 6
    build(cases, tmp_path)
    assert len(work) == 6


def test_a_changed_file_is_preprocessed_again(cases, tmp_path, work):
    build(cases, tmp_path)
    write_image(read_channels(cases[1].images)[0] * 3, cases[1].images[0])
    os.utime(cases[1].images[0], ns=(1, 1))
    build(cases, tmp_path)
    assert len(work) == 4


@pytest.mark.parametrize("name", ["image.npy", "label.npy", "foreground.npy", "case.json"])
@pytest.mark.parametrize("damage", ["missing", "truncated", "empty"])
def test_a_damaged_entry_is_rebuilt(cases, tmp_path, work, name, damage):
    entry = build(cases, tmp_path).case("a")
    expected = np.array(entry.image), {index: np.array(rows) for index, rows in entry.foreground.items()}
    content = (entry.folder / name).read_bytes()
    (entry.folder / name).unlink()
    if damage != "missing":
        (entry.folder / name).write_bytes(content[: -len(content) // 2] if damage == "truncated" else b"")
    again = build(cases, tmp_path).case("a")
    assert len(work) == 4
    assert np.array_equal(again.image, expected[0])
    assert all(np.array_equal(again.foreground[index], rows) for index, rows in expected[1].items())


def test_an_entry_of_a_process_that_was_killed_is_completed(cases, tmp_path, work):
    command = [sys.executable, "-c", KILLED_WHILE_WRITING, str(tmp_path), "a"]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    [entry] = (tmp_path / "cache").iterdir()
    assert (entry / "image.npy").exists()
    assert not (entry / "case.json").exists()
    assert np.array_equal(build(cases, tmp_path).case("a").image, build(cases, tmp_path).case("a").image)
    assert len(work) == 3


def test_what_cannot_be_cached_is_named(cases, tmp_path):
    with pytest.raises(InputError, match="a: has no label"):
        build([dataclasses.replace(cases[0], label=None)], tmp_path)
    with pytest.raises(InputError, match=r"gone\.nrrd: cannot be read"):
        build([dataclasses.replace(cases[0], images=(tmp_path / "gone.nrrd",))], tmp_path)
    with pytest.raises(InputError, match="a: label: value 5 is not declared"):
        build_cache(cases, CONFIG, (0, 2), tmp_path / "cache", Reporter())
    with pytest.raises(InputError, match="other: is not in the cache"):
        build(cases, tmp_path).case("other")
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match=r"cannot be written .*; free disk space or choose another folder"):
        build_cache(cases, CONFIG, VALUES, tmp_path / "file", Reporter())


def test_a_case_for_which_memory_does_not_suffice_is_named(cases, tmp_path, monkeypatch):
    def fail(*_):
        raise MemoryError

    monkeypatch.setattr(Preprocessor, "label", fail)
    with pytest.raises(MemoryShortageError, match=r"^a: memory ran out while it was preprocessed \(MemoryError\);"):
        build(cases, tmp_path / "cache")


def test_the_files_of_a_dicom_folder_are_part_of_the_key(tmp_path, cases):
    folder = tmp_path / "series"
    folder.mkdir()
    (folder / "1.dcm").write_bytes(b"1")
    case = dataclasses.replace(cases[0], images=(folder,))
    before = cache_module._key(case, CONFIG, SOURCE)
    assert before == cache_module._key(case, CONFIG, SOURCE)
    (folder / "2.dcm").write_bytes(b"2")
    assert before != cache_module._key(case, CONFIG, SOURCE)


def test_progress_is_reported_up_to_the_last_case(cases, tmp_path):
    steps = []

    class Recording(Reporter):
        def progress(self, stage, step, total, **metrics):
            steps.append((stage, step, total))

    build_cache(cases, CONFIG, VALUES, tmp_path / "cache", Recording())
    assert steps == [("preprocess", step, 3) for step in range(4)]
