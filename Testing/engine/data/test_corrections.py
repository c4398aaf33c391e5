"""The data set of corrections: what it holds, what it never holds, and that nothing of it is lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from dints import InputError
from dints.cli import main
from dints.data import corrections
from dints.data.check import check
from dints.data.corrections import Origin, add_case, merged_labels
from dints.data.datalist import read_datalist
from dints.data.images import read_image
from dints.files.storage import StorageError

LABELS = {0: "background", 1: "liver", 2: "kidney"}


def scan(seed: int, **metadata: str) -> sitk.Image:
    """Noise, oblique, with a header that says too much."""
    image = sitk.GetImageFromArray(np.random.default_rng(seed).normal(0, 1, (6, 7, 8)).astype(np.float32))
    image.SetSpacing((1, 1.5, 2))
    image.SetOrigin((-3, 4, 5))
    for key, value in metadata.items():
        image.SetMetaData(key, value)
    return image


def segmentation(seed: int, like: sitk.Image, values: int = 3) -> sitk.Image:
    image = sitk.GetImageFromArray(
        np.random.default_rng(seed).integers(0, values, like.GetSize()[::-1]).astype(np.uint8)
    )
    image.CopyInformation(like)
    return image


def added(folder: Path, seed: int, **options):
    image = scan(seed)
    return add_case(folder, image, segmentation(seed, image), LABELS, ("MRI",), **options)


def test_the_folder_is_a_data_set_in_which_every_fourth_case_is_held_out(tmp_path):
    cases = [added(tmp_path / "set", seed) for seed in range(8)]
    assert [case.held_out for case in cases] == [False, False, False, True] * 2
    assert (cases[-1].training, cases[-1].held) == (6, 2)
    datalist = read_datalist(tmp_path / "set")
    assert datalist.labels == LABELS
    assert datalist.channels == ("MRI",)
    assert [case.name for case in datalist.cases] == [f"{number:04d}" for number in range(1, 9)]
    assert datalist.held_out == ("0004", "0008")
    assert check(datalist, 2).problems == ()


def test_voxels_and_grid_come_back_as_they_were(tmp_path):
    image = scan(1)
    label = segmentation(2, image)
    add_case(tmp_path, image, label, LABELS, ("MRI",))
    for name, expected in (("images", image), ("labels", label)):
        found = read_image(tmp_path / name / "0001.nii.gz")
        assert np.array_equal(sitk.GetArrayFromImage(found), sitk.GetArrayFromImage(expected))
        assert np.allclose(found.GetOrigin(), image.GetOrigin())
        assert np.allclose(found.GetSpacing(), image.GetSpacing())


def test_nothing_of_a_header_or_a_file_name_is_kept(tmp_path):
    source = tmp_path / "DOE_JANE_1970.nrrd"
    image = scan(1, **{"0010|0010": "DOE^JANE", "descrip": "DOE^JANE", "aux_file": "DOE^JANE"})
    sitk.WriteImage(image, source)
    add_case(tmp_path / "set", source, segmentation(2, image), LABELS, ("MRI",))
    add_case(tmp_path / "set", scan(3, descrip="DOE^JANE"), segmentation(2, image), LABELS, ("MRI",))
    for path in (tmp_path / "set").rglob("*.nii.gz"):
        written = sitk.ReadImage(str(path))
        assert not any("DOE" in written.GetMetaData(key) for key in written.GetMetaDataKeys())
        assert "DOE" not in str(path.relative_to(tmp_path))
    assert "DOE" not in (tmp_path / "set" / "dataset.json").read_text()


def test_a_record_says_when_by_whom_and_from_which_model(tmp_path):
    model = {"id": "ab", "name": "Liver", "version": 2}
    added(tmp_path, 0, origin=Origin("reader 1", model))
    values = json.loads((tmp_path / "dataset.json").read_text())
    entry = values["training"][0]
    assert (entry["by"], entry["model"]) == ("reader 1", model)
    assert entry["added"].endswith("+00:00")
    assert values["name"] == "Liver"


def test_the_same_image_again_keeps_its_number_and_the_earlier_label(tmp_path):
    for seed in range(5):
        added(tmp_path, seed)
    before = (tmp_path / "labels" / "0004.nii.gz").read_bytes()
    image = scan(3)
    again = add_case(tmp_path, image, segmentation(99, image), LABELS, ("MRI",))
    assert (again.case, again.held_out, again.replaced, again.training, again.held) == ("0004", True, True, 4, 1)
    assert (tmp_path / "earlier" / "0004-1.nii.gz").read_bytes() == before
    found = sitk.GetArrayFromImage(read_image(tmp_path / "labels" / "0004.nii.gz"))
    assert np.array_equal(found, sitk.GetArrayFromImage(segmentation(99, image)))


def test_labels_are_matched_by_name_and_new_ones_added(tmp_path):
    added(tmp_path, 0)
    image = scan(1)
    label = segmentation(1, image)
    add_case(tmp_path, image, label, {0: "background", 1: "Kidney", 2: "spleen"}, ("MRI",))
    assert read_datalist(tmp_path).labels == LABELS | {3: "spleen"}
    found, given = (sitk.GetArrayFromImage(one) for one in (read_image(tmp_path / "labels" / "0002.nii.gz"), label))
    assert np.array_equal(found, np.array([0, 2, 3])[given])


def test_values_of_names_that_are_merged():
    assert merged_labels(LABELS, {0: "background", 2: "LIVER", 7: "aorta"}) == (
        LABELS | {7: "aorta"},
        {0: 0, 2: 1, 7: 7},
    )


def test_several_channels_are_files_of_one_case(tmp_path):
    images = [scan(0), scan(1)]
    add_case(tmp_path, images, segmentation(0, images[0]), LABELS, ("T1", "T2"))
    case = read_datalist(tmp_path).cases[0]
    assert (case.name, [path.name for path in case.images]) == ("0001", ["0001_0000.nii.gz", "0001_0001.nii.gz"])
    with pytest.raises(InputError, match="has 2 channels and the case 1"):
        added(tmp_path, 2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda label: label[1:], "its size is .* export it on the grid"),
        (lambda label: label + sitk.Cast(label == 2, label.GetPixelID()) * 5, "holds value 7, which no label has"),
    ],
)
def test_a_segmentation_that_does_not_fit_is_refused_and_leaves_nothing(tmp_path, change, message):
    image = scan(0)
    with pytest.raises(InputError, match=message):
        add_case(tmp_path / "set", image, change(segmentation(0, image)), LABELS, ("MRI",))
    assert not (tmp_path / "set").exists()


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "images").mkdir()
    with pytest.raises(InputError, match="choose an empty folder"):
        added(tmp_path, 0)
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != ".lock") == ["images"]


@pytest.mark.parametrize("failing", range(4))
def test_a_full_disk_leaves_the_data_set_as_it_was(tmp_path, monkeypatch, failing):
    added(tmp_path, 0)
    before = (tmp_path / "dataset.json").read_bytes()
    calls = iter(range(99))

    def full(original):
        def write(*arguments):
            if next(calls) == failing:
                raise StorageError.of(arguments[-1], "the disk is full")
            return original(*arguments)

        return write

    for name in ("write_image", "write_json"):
        monkeypatch.setattr(corrections, name, full(getattr(corrections, name)))
    if failing < 3:
        with pytest.raises(StorageError):
            added(tmp_path, 1)
        assert (tmp_path / "dataset.json").read_bytes() == before
        assert [case.name for case in read_datalist(tmp_path).cases] == ["0001"]
        monkeypatch.undo()
    assert added(tmp_path, 1).training == 2
    assert check(read_datalist(tmp_path), 2).errors != ()  # too few for folds, and nothing else
    assert all("too few" in problem.reason for problem in check(read_datalist(tmp_path), 2).errors)


KILLED = """
    import os, sys
    import numpy as np, SimpleITK as sitk
    from dints.data import corrections
    stop, folder, count = int(sys.argv[1]), sys.argv[2], 0
    replace = os.replace
    def dying(*names):
        global count
        if count == stop:
            os._exit(9)
        count += 1
        replace(*names)
    os.replace = dying
    image = sitk.GetImageFromArray(np.random.default_rng(5).normal(0, 1, (6, 7, 8)).astype(np.float32))
    label = sitk.GetImageFromArray(np.ones((6, 7, 8), np.uint8))
    corrections.add_case(folder, image, label, {0: "background", 1: "liver", 2: "kidney"}, ("MRI",))
"""


@pytest.mark.parametrize("again", [False, True])
def test_killed_at_any_moment_the_data_set_is_intact(tmp_path, again):
    added(tmp_path, 0)
    program = textwrap.dedent(KILLED)
    if again:  # a correction of an image that is there replaces its label
        subprocess.run([sys.executable, "-c", program, "999", str(tmp_path)], check=True, env=os.environ)
    before = [case.name for case in read_datalist(tmp_path).cases]
    for stop in range(12):
        done = subprocess.run([sys.executable, "-c", program, str(stop), str(tmp_path)], check=False, env=os.environ)
        datalist = read_datalist(tmp_path)
        assert all(image.is_file() for case in datalist.cases for image in (*case.images, case.label))
        assert all("too few" in problem.reason for problem in check(datalist, 2).errors)
        if done.returncode == 0:
            break
        assert [case.name for case in datalist.cases] == before
    assert done.returncode == 0
    assert len(read_datalist(tmp_path).cases) == 2


def test_the_command_takes_the_names_of_segments(tmp_path, model_file, capsys):
    image = scan(0)
    sitk.WriteImage(image, tmp_path / "scan.nrrd")
    label = segmentation(0, image)
    for number, name in enumerate(("spleen", "liver")):
        label.SetMetaData(f"Segment{number}_Name", name)
        label.SetMetaData(f"Segment{number}_LabelValue", str(number + 1))
        label.SetMetaData(f"Segment{number}_Layer", "0")
    sitk.WriteImage(label, tmp_path / "result.seg.nrrd")
    command = ["add", "--to", str(tmp_path / "set"), "--image", str(tmp_path / "scan.nrrd")]
    command += ["--labels", str(tmp_path / "result.seg.nrrd"), "--model", str(model_file)]
    assert main(command) == 0
    assert "case 0001 to learn from; 1 to learn from, 0 held out" in capsys.readouterr().out
    datalist = read_datalist(tmp_path / "set")
    assert datalist.labels == {0: "background", 1: "liver", 2: "left kidney", 3: "tumour", 4: "spleen"}
    found = sitk.GetArrayFromImage(read_image(tmp_path / "set" / "labels" / "0001.nii.gz"))
    assert np.array_equal(found, np.array([0, 4, 1])[sitk.GetArrayFromImage(label)])


def test_values_without_names_need_a_model(tmp_path, capsys):
    image = scan(0)
    sitk.WriteImage(image, tmp_path / "scan.nrrd")
    sitk.WriteImage(segmentation(0, image), tmp_path / "result.nrrd")
    command = ["add", "--to", str(tmp_path / "set"), "--image", str(tmp_path / "scan.nrrd")]
    assert main([*command, "--labels", str(tmp_path / "result.nrrd")]) == 2
    assert "does not name its labels; give --model" in capsys.readouterr().err
