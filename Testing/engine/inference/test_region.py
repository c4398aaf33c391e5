"""A region of the image: the labels of the whole within it, and nothing outside."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from dints.errors import InputError
from dints.inference.case import NOT_COMPUTED
from dints.inference.predictor import Predictor

from .predicting import LPS, OBLIQUE, PERMUTED, Recorder, config, conv_network, noisy, phantom, segment, threshold


@pytest.mark.parametrize("direction", [LPS, OBLIQUE, PERMUTED])
def test_a_region_gives_the_labels_of_the_whole_within_it_and_computes_less(direction):
    network, image = conv_network(), noisy(phantom(direction, size=(32, 32, 64)))
    whole, part = Recorder(), Recorder()
    stride = {"stride": (6, 6, 6)}
    everything = segment(image, [network], whole, **stride)
    boxed = segment(image, [network], part, region=((10, 5, 8), (22, 17, 24)), **stride)
    inside = np.zeros(everything.shape, bool)
    inside[8:24, 5:17, 10:22] = True
    assert (boxed[~inside] == 0).all()
    assert (boxed[inside] == everything[inside]).mean() > 0.98  # windows lie elsewhere, so borders of classes may move
    assert part.steps[-1][2] < whole.steps[-1][2] / 2


def test_a_region_in_the_air_is_background_without_any_work():
    reporter = Recorder()
    assert not segment(phantom(), reporter=reporter, region=((0, 0, 0), (3, 3, 3))).any()
    assert not reporter.steps


@pytest.mark.parametrize(
    "region", [((0, 0, 0), (99, 1, 1)), ((5, 5, 5), (5, 6, 6)), ((-1, 0, 0), (2, 2, 2)), (1, 2, 3), ((1, 2), (3, 4))]
)
def test_a_region_that_is_no_box_of_the_image_is_refused(region):
    with pytest.raises(InputError, match="region"):
        segment(phantom(), region=region)


@pytest.mark.parametrize("networks", [1, 3])
@pytest.mark.parametrize("spacing", [1.0, 2.0])
def test_how_sure_networks_are_of_a_region_is_not_told_by_what_surrounds_it(networks, spacing):
    voxels = np.random.default_rng(0).integers(1, 30, (40, 64, 64)).astype(np.int16)
    voxels[10:20, 20:30, 20:30] = 90
    voxels[26:30, 2:60, 2:60] = 40  # within the windows that the region needs, and unsure
    image = sitk.GetImageFromArray(voxels)
    image.SetSpacing((spacing,) * 3)
    region = ((14, 14, 4), (36, 36, 24))
    members = [threshold, threshold, lambda windows: threshold(windows + 0.05)][-networks:]
    predictor = Predictor(members, config(), "cpu")
    alone = image[14:36, 14:36, 4:24]  # the networks look at each voxel by itself
    found, expected = (
        predictor.predict([scan], region=part, confidence=True).confidence
        for scan, part in ((image, region), (alone, None))
    )
    assert found.expected_dice == pytest.approx(expected.expected_dice, abs=0.03)
    assert found.disagreement == pytest.approx(expected.disagreement, abs=0.03)


@pytest.mark.parametrize("region", [((10, 5, 8), (22, 17, 24)), ((0, 0, 0), (3, 3, 3))], ids=["within", "in the air"])
def test_nothing_is_certain_outside_of_a_region(region):
    predictor = Predictor([threshold, threshold], config(), "cpu")
    found = sitk.GetArrayFromImage(predictor.predict([phantom()], region=region, disagreement=True).disagreement)
    (x, y, z), (x_stop, y_stop, z_stop) = region
    box = np.zeros(found.shape, bool)
    box[z:z_stop, y:y_stop, x:x_stop] = True
    assert (found[~box] == NOT_COMPUTED).all()  # also in the air, which is cropped away
    assert (found[box] == 0).all()
