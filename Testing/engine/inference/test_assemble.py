"""Labels assembled slab by slab are those of the whole volume's probabilities."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
import torch
import torch.nn.functional as F

from dints.data.grid import Grid
from dints.inference.assemble import LabelAssembler
from dints.inference.band_sums import Band
from dints.inference.vote import elect

NUMERICAL_TIE = 1e-5  # of two probabilities: rounding decides between their classes


def grid(crop_shape=(13, 11, 9), working_shape=(9, 14, 7)) -> Grid:
    return (
        Grid.of(sitk.Image([15, 15, 15], sitk.sitkUInt8))
        .cropped((1, 2, 3), crop_shape)
        .with_working_shape(working_shape)
    )


def logits(grid: Grid, folds: int, classes: int = 3, seed: int = 0) -> torch.Tensor:
    shape = (folds, classes, *grid.working_shape)
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * 3


def assembled(grid: Grid, values: torch.Tensor, rows_per_band: int = 2, **options) -> LabelAssembler:
    assembler = LabelAssembler(grid, **options)
    for first in range(0, values.shape[-1], rows_per_band):
        assembler.add(Band(first, list(values[..., first : first + rows_per_band])))
    return assembler


def whole_probabilities(grid: Grid, values: torch.Tensor) -> torch.Tensor:
    return F.interpolate(values.softmax(1), size=grid.crop_shape, mode="trilinear", align_corners=False)


def naive(probabilities: torch.Tensor, vote: str) -> torch.Tensor:
    mean = probabilities.mean(0)
    if vote == "mean":
        return mean.argmax(0)
    votes = F.one_hot(probabilities.argmax(1), probabilities.shape[1]).sum(0).permute(3, 0, 1, 2)
    return (votes + mean.double() / 2).argmax(0)


def clear(probabilities: torch.Tensor) -> np.ndarray:
    """Where no fold, nor their mean, has its two best classes so close that rounding decides."""
    with_mean = torch.cat([probabilities, probabilities.mean(0, keepdim=True)])
    best = with_mean.topk(2, dim=1).values
    return ((best[:, 0] - best[:, 1]) > NUMERICAL_TIE).all(0).numpy()


@pytest.mark.parametrize("vote", ["majority", "mean"])
@pytest.mark.parametrize("folds", [1, 2, 5])
@pytest.mark.parametrize(
    ("crop_shape", "working_shape"),
    [
        ((13, 11, 9), (9, 14, 7)),
        ((12, 12, 12), (4, 5, 3)),
        ((4, 5, 3), (12, 12, 12)),
        ((6, 6, 6), (6, 6, 6)),
        ((6, 6, 1), (5, 4, 1)),
        ((6, 6, 5), (6, 6, 1)),
    ],
)
def test_labels_equal_those_of_all_probabilities_at_full_resolution(crop_shape, working_shape, folds, vote):
    case = grid(crop_shape, working_shape)
    values = logits(case, folds)
    probabilities = whole_probabilities(case, values)
    labels = assembled(case, values, vote=vote).labels()
    certain = clear(probabilities)
    assert labels.dtype == np.uint8
    assert labels.shape == crop_shape
    assert certain.mean() > 0.99
    np.testing.assert_array_equal(labels[certain], naive(probabilities, vote).numpy()[certain])


@pytest.mark.parametrize("rows_per_band", [1, 3, 7])
@pytest.mark.parametrize("slab_bytes", [1, 20_000, 2**30])
def test_bands_and_slabs_of_any_thickness_give_the_same(rows_per_band, slab_bytes):
    case = grid()
    values = logits(case, 3)
    expected = assembled(case, values).labels()
    np.testing.assert_array_equal(assembled(case, values, rows_per_band, slab_bytes=slab_bytes).labels(), expected)


def test_slabs_stay_within_the_byte_budget(monkeypatch):
    case = grid((16, 16, 15), (8, 8, 8))
    slabs = []
    interpolate = Grid.interpolate_rows

    def recording(self, values, first_row, targets):
        rows = interpolate(self, values, first_row, targets)
        slabs.append(rows.numel() * rows.element_size())
        return rows

    monkeypatch.setattr(Grid, "interpolate_rows", recording)
    assembled(case, logits(case, 2), rows_per_band=8, slab_bytes=40_000)
    whole = 3 * 16 * 16 * 15 * 4
    assert max(slabs) < 40_000 < whole
    assert sum(slabs) == 2 * whole


def test_a_tie_of_the_vote_goes_to_the_higher_mean_probability_of_the_tied_classes():
    folds = torch.tensor(
        [
            [0.55, 0.05, 0.40],  # votes for 0
            [0.51, 0.09, 0.40],  # votes for 0
            [0.00, 0.90, 0.10],  # votes for 1
            [0.10, 0.80, 0.10],  # votes for 1
            [0.25, 0.30, 0.45],  # votes for 2
        ]
    )
    winners = folds.argmax(1).to(torch.uint8)[:, None]
    assert elect(winners, folds.mean(0)[:, None], "majority").tolist() == [1]
    lonely = torch.tensor([[0.6, 0.4, 0.0], [0.0, 0.45, 0.55]])  # the mean prefers 1, for which nobody voted
    winners = lonely.argmax(1).to(torch.uint8)[:, None]
    assert elect(winners, lonely.mean(0)[:, None], "majority").tolist() == [0]
    assert elect(winners, lonely.mean(0)[:, None], "mean").tolist() == [1]


def test_the_majority_outvotes_one_confident_fold():
    folds = torch.tensor([[0.4, 0.6], [0.4, 0.6], [1.0, 0.0]])
    winners = folds.argmax(1).to(torch.uint8)[:, None]
    assert elect(winners, folds.mean(0)[:, None], "majority").tolist() == [1]
    assert elect(winners, folds.mean(0)[:, None], "mean").tolist() == [0]


def test_the_disagreement_map_is_the_percentage_of_outvoted_folds():
    case = grid((2, 1, 1), (2, 1, 1))
    values = torch.zeros(3, 2, 2, 1, 1)
    values[:, 1, 0] = 9.0  # all three folds agree
    values[:2, 1, 1] = 9.0  # one of three does not
    values[2, 0, 1] = 9.0
    assembler = assembled(case, values, disagreement=True)
    assert assembler.labels().ravel().tolist() == [1, 1]
    assert assembler.disagreement().ravel().tolist() == [0, 33]


def test_the_disagreement_map_of_a_single_fold_is_its_relative_entropy():
    case = grid((2, 1, 1), (2, 1, 1))
    values = torch.zeros(1, 3, 2, 1, 1)
    values[0, 1, 0] = 40.0  # certain; the other voxel gives all classes the same
    assert assembled(case, values, disagreement=True).disagreement().ravel().tolist() == [0, 100]
    assert assembled(case, values).disagreement() is None


def test_rows_without_a_band_stay_background():
    case = grid((4, 4, 8), (4, 4, 4))
    values = logits(case, 1)
    values[:, 1] += 100
    assembler = LabelAssembler(case)
    assembler.add(Band(1, list(values[..., 1:3])))
    rows = (assembler.labels() == 1).all((0, 1))
    assert rows.tolist() == [False, False, False, True, True, False, False, False]
