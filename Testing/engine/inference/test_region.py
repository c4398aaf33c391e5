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


@pytest.mark.parametrize("region", [((10, 5, 8), (22, 17, 24)), ((0, 0, 0), (3, 3, 3))], ids=["within", "in the air"])
def test_nothing_is_certain_outside_of_a_region(region):
    predictor = Predictor([threshold, threshold], config(), "cpu")
    found = sitk.GetArrayFromImage(predictor.predict([phantom()], region=region, disagreement=True).disagreement)
    (x, y, z), (x_stop, y_stop, z_stop) = region
    box = np.zeros(found.shape, bool)
    box[z:z_stop, y:y_stop, x:x_stop] = True
    foreground = (slice(4, 24), slice(3, 16), slice(5, 20))  # around it is air, which is cropped away
    assert (found[foreground][~box[foreground]] == NOT_COMPUTED).all()
    assert (found[box] == 0).all()
