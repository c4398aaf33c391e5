"""Reading and writing images: formats, channels, labels, and errors that name the file."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from dints.data import images
from dints.data.dicom import is_dicom_folder
from dints.data.images import as_label, naming, read_channels, read_image, read_label, split_channels, write_image
from dints.data.placement import geometry_difference
from dints.errors import InputError, MemoryShortageError, RunError

SUFFIXES = (".nii", ".nii.gz", ".nrrd", ".mha")


@pytest.fixture
def image() -> sitk.Image:
    """int16 noise, 9 x 8 x 7 voxels, oblique."""
    image = sitk.GetImageFromArray(np.random.default_rng(0).integers(-900, 900, (7, 8, 9)).astype(np.int16))
    image.SetSpacing((0.7, 0.8, 2.5))
    image.SetOrigin((-31.5, 12.25, 100.0))
    image.SetDirection((0.8, -0.6, 0.0, 0.6, 0.8, 0.0, 0.0, 0.0, 1.0))
    return image


def write_series(folder: Path, positions: list[float], series: str = "1.2.3.4") -> None:
    """One axial DICOM slice a position; file names do not follow the order of the slices."""
    folder.mkdir(parents=True, exist_ok=True)
    writer = sitk.ImageFileWriter()
    writer.KeepOriginalImageUIDOn()
    for number, position in enumerate(positions):
        image = sitk.GetImageFromArray(np.full((6, 5), number, np.int16))
        image.SetSpacing((0.7, 0.8))
        tags = {
            "0008|0060": "CT",
            "0008|0018": f"{series}.{number + 1}",
            "0020|000d": "1.2.3",
            "0020|000e": series,
            "0020|0032": f"-10\\-20\\{position}",
            "0020|0037": "1\\0\\0\\0\\1\\0",
        }
        for tag, value in tags.items():
            image.SetMetaData(tag, value)
        writer.SetFileName(str(folder / f"{series} {(number * 7) % len(positions)}.dcm"))
        writer.Execute(image)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_image_written_under_a_non_ascii_name_is_read_back_unchanged(image, suffix, tmp_path):
    path = tmp_path / "Müller 患者" / f"çt 1.5{suffix}"
    write_image(image, path)
    again = read_image(path)
    assert np.array_equal(sitk.GetArrayFromImage(again), sitk.GetArrayFromImage(image))
    assert not geometry_difference(image, again, tolerance=1e-4)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_written_file_is_compressed(tmp_path):
    write_image(sitk.Image((64, 64, 64), sitk.sitkInt16), tmp_path / "zeros.nrrd")
    assert (tmp_path / "zeros.nrrd").stat().st_size < 64**3 / 10


def test_formats_that_need_two_files_are_read_but_not_written(image, tmp_path):
    sitk.WriteImage(image, str(tmp_path / "a.mhd"))
    assert read_image(tmp_path / "a.mhd").GetSize() == image.GetSize()
    with pytest.raises(InputError, match=r"b\.mhd: images cannot be written with this suffix; use one of \.nii\.gz"):
        write_image(image, tmp_path / "b.mhd")


def test_a_failed_write_says_so_and_leaves_what_was_there(image, tmp_path):
    path = tmp_path / "a.nii.gz"
    write_image(image, path)
    before = path.read_bytes()
    with pytest.raises(RunError, match=r"a\.nii\.gz: cannot be written"):
        write_image(sitk.Image((3, 3, 3), sitk.sitkLabelUInt8), path)
    assert path.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.nii\.gz: does not exist; check the path"):
        read_image(tmp_path / "nowhere.nii.gz")


@pytest.mark.parametrize("content", [b"", b"these are no voxels"])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_that_holds_no_image_is_named_in_one_line_with_a_remedy(content, suffix, tmp_path, capfd):
    path = tmp_path / f"text{suffix}"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"text.*cannot be read as an image.*; export or copy it again") as error:
        read_image(path)
    assert "\n" not in str(error.value)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("kept", [0.5, 0.99])
def test_a_truncated_file_is_refused(image, suffix, kept, tmp_path):
    path = tmp_path / f"cut{suffix}"
    write_image(image, path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(InputError, match=rf"cut{suffix}: .*; (copy|export)"):
        read_image(path)


def test_a_nifti_file_of_several_gzip_members_is_read(image, tmp_path):
    write_image(image, tmp_path / "one.nii")
    content = (tmp_path / "one.nii").read_bytes()
    members = gzip.compress(content[:500]) + gzip.compress(content[500:])
    (tmp_path / "two.nii.gz").write_bytes(members)
    assert np.array_equal(sitk.GetArrayFromImage(read_image(tmp_path / "two.nii.gz")), sitk.GetArrayFromImage(image))
    (tmp_path / "two.nii.gz").write_bytes(members[:-40])
    with pytest.raises(InputError, match="is cut off"):
        read_image(tmp_path / "two.nii.gz")


def test_a_dicom_folder_is_one_volume_with_its_slices_in_order(tmp_path):
    write_series(tmp_path / "sér", [30.0 + 3 * number for number in range(9)])
    image = read_image(tmp_path / "sér")
    assert is_dicom_folder(tmp_path / "sér")
    assert image.GetSize() == (5, 6, 9)
    assert image.GetSpacing() == pytest.approx((0.7, 0.8, 3.0))
    assert image.GetOrigin() == pytest.approx((-10, -20, 30))
    assert sitk.GetArrayFromImage(image)[:, 0, 0].tolist() == list(range(9))


def test_a_dicom_series_with_a_missing_slice_is_refused_without_noise(tmp_path, capfd):
    write_series(tmp_path / "gap", [0.0, 3.0, 6.0, 12.0, 15.0])
    with pytest.raises(InputError, match=r"gap: slices are missing or uneven \(3 to 6 mm apart\); export"):
        read_image(tmp_path / "gap")
    assert capfd.readouterr().err == ""


def test_a_folder_without_or_with_several_dicom_series_is_refused(tmp_path, capfd):
    (tmp_path / "none").mkdir()
    with pytest.raises(InputError, match="none: holds no DICOM series; give the folder"):
        read_image(tmp_path / "none")
    assert not is_dicom_folder(tmp_path / "none")
    for series in ("1.2.3.4", "1.2.3.5"):
        write_series(tmp_path / "two", [0.0, 1.0], series)
    with pytest.raises(InputError, match="two: holds 2 DICOM series; give the folder"):
        read_image(tmp_path / "two")
    assert capfd.readouterr().err == ""


def test_a_4d_file_a_vector_file_and_several_files_give_the_same_channels(image, tmp_path):
    channels = [image, image + 5, image * 2]
    for number, channel in enumerate(channels):
        write_image(channel, tmp_path / f"c{number}.nii.gz")
    write_image(sitk.JoinSeries(channels), tmp_path / "4d.nii.gz")
    write_image(sitk.Compose(channels), tmp_path / "vector.nrrd")
    expected = read_channels([tmp_path / f"c{number}.nii.gz" for number in range(3)])
    for name in ("4d.nii.gz", "vector.nrrd"):
        read = read_channels(tmp_path / name)
        assert len(read) == 3
        for one, other in zip(expected, read, strict=True):
            assert np.array_equal(sitk.GetArrayFromImage(one), sitk.GetArrayFromImage(other))
            assert not geometry_difference(one, other, tolerance=1e-4)


def test_channels_on_different_grids_are_refused(image, tmp_path):
    write_image(image, tmp_path / "a.nrrd")
    write_image(image[:-1], tmp_path / "b.nrrd")
    with pytest.raises(InputError, match=r"b\.nrrd: its size is \(8, 8, 7\) instead of \(9, 8, 7\) as in .*a\.nrrd"):
        read_channels([tmp_path / "a.nrrd", tmp_path / "b.nrrd"])
    with pytest.raises(InputError, match="no image file"):
        read_channels([])


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("spacing", (0.7, 0.8, 2.6)),
        ("origin", (-31.5, 12.25, 101.0)),
        ("direction", (0.6, -0.8, 0.0, 0.8, 0.6, 0.0, 0.0, 0.0, 1.0)),
    ],
)
def test_a_geometry_difference_is_named(image, name, values):
    other = sitk.Image(image)
    getattr(other, f"Set{name.capitalize()}")(values)
    assert f"its {name} is ({values[0]:.6g}" in geometry_difference(image, other)
    assert geometry_difference(image, other)


def test_rounded_headers_are_the_same_geometry(image):
    other = sitk.Image(image)
    other.SetOrigin([value + 1e-3 for value in image.GetOrigin()])
    assert not geometry_difference(image, other)


def test_labels_stored_as_whole_floats_are_read_as_integers(image, tmp_path):
    classes = sitk.Cast(image > 100, sitk.sitkFloat32) * 300
    write_image(classes, tmp_path / "l.nii.gz")
    label = read_label(tmp_path / "l.nii.gz")
    assert label.GetPixelID() == sitk.sitkUInt16
    assert set(np.unique(sitk.GetArrayViewFromImage(label))) == {0, 300}


@pytest.mark.parametrize("value", [0.5, -1.0, 70000.0, np.nan])
def test_a_label_value_that_is_none_is_named(value):
    label = sitk.GetImageFromArray(np.full((2, 2, 2), value, np.float32))
    with pytest.raises(InputError, match=r"l\.nrrd: holds .*; label values must"):
        as_label(label, "l.nrrd")


def test_a_label_of_several_volumes_a_2d_and_a_complex_image_are_refused(image, tmp_path):
    write_image(sitk.JoinSeries([image, image]), tmp_path / "4d.nii.gz")
    with pytest.raises(InputError, match=r"4d\.nii\.gz: holds 2 volumes; a label must be one"):
        read_label(tmp_path / "4d.nii.gz")
    with pytest.raises(InputError, match="flat: has 2 dimensions; give a 3D volume"):
        split_channels(image[:, :, 0], "flat")
    with pytest.raises(InputError, match="waves: has complex voxels"):
        split_channels(sitk.Image((2, 2, 2), sitk.sitkComplexFloat32), "waves")


@pytest.mark.parametrize(
    ("owner", "name"), [(sitk.ImageFileReader, "Execute"), (images, "split_channels"), (images, "count_unusable")]
)
@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("Exception thrown in SimpleITK: Failed to allocate memory for image.")]
)
def test_a_file_for_which_memory_does_not_suffice_is_not_said_to_be_damaged(
    image, tmp_path, monkeypatch, owner, name, error
):
    def fail(*_):
        raise error

    path = tmp_path / "large.nii.gz"
    write_image(image, path)
    monkeypatch.setattr(owner, name, fail)
    with pytest.raises(MemoryShortageError, match=r"large\.nii\.gz: memory ran out while it was read .*; close other"):
        read_channels(path)


@pytest.mark.parametrize("kind", [InputError, RunError, MemoryShortageError])
def test_an_error_of_an_image_names_its_files_and_stays_of_its_kind(kind):
    with pytest.raises(kind, match=r"^a\.nii, b\.nii: is large$") as caught, naming([Path("a.nii"), Path("b.nii")]):
        raise kind("image: is large")
    assert type(caught.value) is kind
    with pytest.raises(kind, match=r"^other$"), naming([Path("a.nii")]):
        raise kind("other")
