"""Preprocessing: the same array for every way of storing a volume, and no voxel that spoils others."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from dints.config import PreprocessingConfig
from dints.data.images import read_channels
from dints.data.preprocessing import Preprocessor
from dints.errors import InputError

CT = PreprocessingConfig(intensity="window", spacing=(1.5, 1.5, 2.0))
MR = PreprocessingConfig()


def scan(seed: int = 0, size=(13, 11, 9), margin: int = 2) -> sitk.Image:
    """A float32 LPS scan: noise in a box, zero around it."""
    voxels = np.zeros(size[::-1], np.float32)
    inner = tuple(slice(margin, count - margin) for count in size[::-1])
    voxels[inner] = np.random.default_rng(seed).uniform(50, 150, voxels[inner].shape)
    image = sitk.GetImageFromArray(voxels)
    image.SetSpacing((1.2, 0.9, 2.3))
    image.SetOrigin((5.0, -6.0, 7.0))
    return image


def constant(value: float, size=(4, 5, 6), pixel=sitk.sitkFloat32) -> sitk.Image:
    return sitk.Image(size, pixel) + value


@pytest.mark.parametrize("config", [CT, MR])
def test_every_axis_order_of_a_volume_gives_the_same_array_to_the_last_bit(config):
    image = scan()
    expected, _ = Preprocessor(config)([image])
    letters = ("RL", "AP", "IS")
    for order in itertools.permutations(range(3)):
        for ends in itertools.product((0, 1), repeat=3):
            axes = "".join(letters[axis][end] for axis, end in zip(order, ends, strict=True))
            again, _ = Preprocessor(config)([sitk.DICOMOrient(image, axes)])
            assert torch.equal(again, expected), axes


def test_an_oblique_volume_keeps_its_own_axes():
    image = scan()
    expected, _ = Preprocessor(MR)([image])
    oblique = sitk.Image(image)
    oblique.SetDirection((0.8, -0.6, 0.0, 0.6, 0.8, 0.0, 0.0, 0.0, 1.0))
    again, _ = Preprocessor(MR)([oblique])
    assert torch.equal(again, expected)


def test_the_working_shape_follows_spacing_and_crop():
    image, grid = Preprocessor(PreprocessingConfig(spacing=(2.0, 1.0, 0.5)))([scan()])
    assert grid.crop_shape == (9, 7, 5)
    assert grid.working_shape == (round(9 * 1.2 / 2), round(7 * 0.9), round(5 * 2.3 / 0.5)) == tuple(image.shape[1:])
    _, whole = Preprocessor(PreprocessingConfig(crop_foreground=False))([scan()])
    assert whole.crop_shape == (13, 11, 9)


def test_the_crop_holds_the_foreground_of_every_channel():
    first, second = scan(margin=3), scan(margin=3)
    second[1, 5, 5] = 60
    _, grid = Preprocessor(MR)([first, second])
    assert grid.crop_shape == (9, 5, 3)


def test_a_window_is_clipped_and_scaled():
    image = sitk.GetImageFromArray(np.array([[[-1000, -87, 56, 199, 3000]]], np.int16))
    scaled, _ = Preprocessor(PreprocessingConfig(intensity="window", crop_foreground=False))([image])
    assert scaled.flatten().tolist() == [1, 1, 0.5, 0, 0]  # x of RAS runs against x of LPS


def test_zscore_standardises_the_non_zero_voxels_and_leaves_the_others():
    config = PreprocessingConfig(spacing=(1.2, 0.9, 2.3), crop_foreground=False)
    image, _ = Preprocessor(config)([scan()])
    voxels = image[image != 0]
    assert len(voxels) == 9 * 7 * 5
    assert abs(float(voxels.mean())) < 1e-5
    assert float(voxels.std(correction=0)) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("config", [CT, MR])
@pytest.mark.parametrize("value", [0.0, 0.1, -2000.0, 12345.678])
def test_a_constant_volume_gives_finite_values(config, value):
    image, grid = Preprocessor(config)([constant(value)])
    assert grid.crop_shape == (4, 5, 6)
    assert torch.isfinite(image).all()
    assert float(image.max() - image.min()) < 1e-3


@pytest.mark.parametrize("size", [(1, 1, 1), (7, 6, 1), (1, 6, 5)])
@pytest.mark.parametrize("config", [CT, MR, PreprocessingConfig(spacing=(30.0, 30.0, 30.0))])
def test_a_volume_of_one_slice_or_voxel_goes_there_and_back(size, config):
    source = constant(70, size)
    image, grid = Preprocessor(config)([source])
    assert torch.isfinite(image).all()
    back = grid.interpolate_rows(image, 0, range(grid.crop_shape[2]))
    assert tuple(back.shape[1:]) == grid.crop_shape
    assert grid.restore(np.zeros(grid.crop_shape, np.uint8), (0, 1)).GetSize() == size


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
def test_a_voxel_that_is_no_finite_float32_is_refused(value):
    broken = sitk.Cast(scan(), sitk.sitkFloat64)
    broken[0, 0, 0] = value
    with pytest.raises(InputError, match="channel 1 holds NaN or infinite voxels; replace"):
        Preprocessor(MR)([sitk.Cast(scan(), sitk.sitkFloat64), broken])


def test_voxels_too_far_apart_to_be_scaled_are_refused():
    """They became infinite, and the network was blamed for its answer."""
    extreme = sitk.Cast(scan(), sitk.sitkFloat32)
    extreme = extreme * 0 - float(np.finfo(np.float32).max)
    extreme[0, 0, 0] = float(np.finfo(np.float32).max)
    with pytest.raises(InputError, match="channel 1 holds voxels too far apart for single precision; replace"):
        Preprocessor(MR)([sitk.Cast(scan(), sitk.sitkFloat32), extreme])


@pytest.mark.parametrize("pixel", [sitk.sitkInt8, sitk.sitkUInt16, sitk.sitkInt32, sitk.sitkUInt32, sitk.sitkFloat64])
def test_every_voxel_type_is_accepted(pixel):
    image, _ = Preprocessor(MR)([sitk.Cast(scan(), pixel)])
    assert image.dtype == torch.float32


def test_channels_that_do_not_fit_each_other_or_are_not_scalar_are_refused():
    with pytest.raises(InputError, match="channel 1: its size is"):
        Preprocessor(MR)([scan(), scan()[:-1]])
    with pytest.raises(InputError, match="no channel was given"):
        Preprocessor(MR)([])
    with pytest.raises(InputError, match="channel 0 is no scalar 3D image"):
        Preprocessor(MR)([sitk.Compose(scan(), scan())])


def test_a_spacing_that_would_fill_the_memory_is_refused():
    image = scan()
    image.SetSpacing((1000, 1000, 1000))
    with pytest.raises(InputError, match=r"9000 x 7000 x 5000 mm make .* correct the spacing"):
        Preprocessor(MR)([image])


def test_a_label_becomes_class_indices_on_the_grid_of_its_image():
    image = scan()
    _, grid = Preprocessor(PreprocessingConfig(spacing=(1.2, 0.9, 2.3)))([image])
    label = sitk.Cast(image > 100, sitk.sitkUInt16) * 700 + sitk.Cast(image > 140, sitk.sitkUInt16) * 50
    classes = Preprocessor(MR).label(label, grid, (750, 0, 700))
    assert classes.dtype == torch.uint8
    assert classes.is_contiguous()
    restored = grid.restore(classes.numpy(), (0, 700, 750))
    assert np.array_equal(sitk.GetArrayFromImage(restored), sitk.GetArrayFromImage(label))


def test_labels_are_resampled_over_the_same_field_of_view_as_images():
    label = sitk.GetImageFromArray((np.indices((8, 8, 8))[2] < 3).astype(np.uint8))
    _, grid = Preprocessor(PreprocessingConfig(spacing=(2.0, 2.0, 2.0)))([constant(1, (8, 8, 8))])
    fine = Preprocessor(MR).label(label, grid.with_working_shape((16, 16, 16)), (0, 1))
    assert int(fine.sum()) == 6 * 16 * 16


def test_a_label_with_another_grid_or_an_undeclared_value_is_refused():
    _, grid = Preprocessor(MR)([scan()])
    label = sitk.Cast(scan() > 100, sitk.sitkUInt8)
    with pytest.raises(InputError, match=r"label: its size is .* as in its image; resample the label"):
        Preprocessor(MR).label(label[:-1], grid, (0, 1))
    with pytest.raises(InputError, match="label: value 3 is not declared; declare it or keep to 0, 1"):
        Preprocessor(MR).label(label * 3, grid, (0, 1))


@pytest.mark.parametrize(("file", "config"), [("ct/example_ct.nii.gz", CT), ("mr/example_mr.nii.gz", MR)])
def test_real_scans_stored_lps_and_ras_give_the_same_array(file, config, shared_data):
    [image] = read_channels(shared_data / file)
    arrays = [Preprocessor(config)([sitk.DICOMOrient(image, axes)])[0] for axes in ("LPS", "RAS", "SAL")]
    assert torch.equal(arrays[0], arrays[1])
    assert torch.equal(arrays[0], arrays[2])


def test_each_channel_has_a_scaling_of_its_own() -> None:
    generator = np.random.default_rng(0)
    ct, pet = (generator.uniform(*ends, (4, 5, 6)).astype(np.float32) for ends in ((-1000, 1000), (0.5, 7)))
    images = [sitk.GetImageFromArray(voxels) for voxels in (ct, pet)]
    config = PreprocessingConfig(intensity=("window", "zscore"), window=(-100.0, 300.0), crop_foreground=False)
    both, _ = Preprocessor(config)(images)
    for index, alone in enumerate((PreprocessingConfig(intensity="window", window=(-100.0, 300.0)), MR)):
        expected, _ = Preprocessor(dataclasses.replace(alone, crop_foreground=False))([images[index]])
        assert torch.equal(both[index], expected[0])
    each = dataclasses.replace(config, intensity="window", window=((-100.0, 300.0), (0.0, 7.0)))
    scaled, _ = Preprocessor(each)(images)
    assert torch.equal(scaled[0], both[0])
    assert 0.05 < scaled[1].min() < scaled[1].max() <= 1


def test_the_foreground_of_several_kinds_is_what_any_channel_shows() -> None:
    ct, pet = np.full((6, 6, 6), -1000, np.float32), np.zeros((6, 6, 6), np.float32)
    ct[1:3, 2:4, 2:4] = 50
    pet[2:5, 2:4, 2:4] = 3
    config = PreprocessingConfig(intensity=("window", "zscore"), window=(-100.0, 300.0))
    _, grid = Preprocessor(config)([sitk.GetImageFromArray(voxels) for voxels in (ct, pet)])
    assert sorted(grid.crop_shape) == [2, 2, 4]
