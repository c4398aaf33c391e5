"""Voxels that nobody annotated: whatever their values are, networks, scores and models are the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from dints.config import Config
from dints.config.ignored import IGNORED
from dints.config.sides import sides_of
from dints.data.cache import Cache, build_cache
from dints.data.cases import Case
from dints.data.datalist import read_datalist
from dints.data.images import read_label, write_image
from dints.data.preprocessing import Preprocessor
from dints.errors import InputError
from dints.events import Reporter
from dints.inference.training_range import TrainingRange
from dints.space.architecture import Architecture
from dints.space.network import build_network
from dints.space.search_space import SearchSpace
from dints.training.augmentation import augment
from dints.training.checkpoint import load_checkpoint
from dints.training.retrain import FoldTrainer
from dints.training.validation import _case_dice

CPU = torch.device("cpu")
NONSENSE = (7, 9)  # two values that say the same
STEPS = ("training.iterations=4", "training.schedule_iterations=4", "training.validate_every=4")


@pytest.fixture
def config(tiny_config: Config) -> Config:
    return tiny_config.with_overrides([f"task.ignored={list(NONSENSE)}", *STEPS])


def annotated_in_part(phantoms: Path, config: Config, folder: Path, seed: int) -> Cache:
    """The phantoms with a third of each label not annotated, in values drawn from the seed."""
    generator, cases = np.random.default_rng(seed), []
    for case in read_datalist(phantoms, config.task).cases:
        label = read_label(case.label)
        voxels = sitk.GetArrayFromImage(label)
        part = voxels[: len(voxels) // 3]
        part[...] = generator.choice(NONSENSE, part.shape)
        changed = sitk.GetImageFromArray(voxels)
        changed.CopyInformation(label)
        folder.mkdir(exist_ok=True)
        write_image(changed, folder / f"{case.name}.nii.gz")
        cases.append(Case(case.name, case.images, folder / f"{case.name}.nii.gz"))
    task = config.task
    return build_cache(cases, config.preprocessing, task.labels, folder / "cache", Reporter(), task.ignored)


def test_a_training_learns_the_same_bits_whatever_stands_where_nobody_annotated(phantoms, config, tmp_path):
    def build() -> torch.nn.Module:
        return build_network(Architecture.random(SearchSpace(2, 2), 0), 1, len(config.task.labels), 2)

    states = []
    for seed in range(2):
        cache = annotated_in_part(phantoms, config, tmp_path / str(seed), seed)
        names = sorted(cache.cases)
        assert any((np.asarray(cache.case(name).label) == IGNORED).any() for name in names)
        assert all(set(cache.case(name).samples) <= {1, 2, 3} for name in names)  # patches are centred on classes alone
        folder = tmp_path / f"fold{seed}"
        result = FoldTrainer(config, build, cache, (names[:3], names[3:]), 0, folder, CPU, Reporter()).run()
        states.append((load_checkpoint(folder / "last.pt", CPU)["network"], result.dice))
    (first, dice), (second, other) = states
    assert dice == other
    assert all(torch.equal(first[key], second[key]) for key in first)


def test_validation_counts_no_prediction_where_nobody_annotated(config):
    reference = np.zeros((4, 4, 4), np.uint8)
    reference[:2] = 1
    reference[2] = IGNORED
    prediction = np.where(reference == IGNORED, 1, reference)
    assert _case_dice(prediction, reference, config)[0] == 1.0


def test_preprocessing_keeps_them_apart_at_another_resolution():
    label = sitk.GetImageFromArray(np.repeat(np.array([0, 1, 9, 1], np.uint8), 32).reshape(8, 4, 4))
    _, grid = Preprocessor(Config().preprocessing)([sitk.Cast(label, sitk.sitkFloat32) + 1])
    found = Preprocessor(Config().preprocessing).label(label, grid.with_working_shape((4, 4, 16)), (0, 1), (9,))
    assert set(found.unique().tolist()) == {0, 1, IGNORED}


def test_flips_from_right_to_left_leave_them_what_they_are(tiny_config):
    config = tiny_config.with_overrides(["augmentation.flip_probability=1", "augmentation.flip_axes=[0]"])
    sides = sides_of({0: "background", 1: "left kidney", 2: "right kidney"})
    labels = torch.tensor([0, 1, 2, IGNORED], dtype=torch.uint8).reshape(1, 4, 1, 1)
    quiet = {name: 0.0 for name in vars(config.augmentation) if name.endswith("probability")} | {
        "flip_probability": 1.0
    }
    augmentation = Config.from_mapping({"augmentation": quiet}, "test", config).augmentation
    _, changed = augment(torch.zeros(1, 1, 4, 1, 1), labels, augmentation, lambda _: torch.Generator(), sides=sides)
    assert changed.flatten().tolist() == [IGNORED, 1, 2, 0]


def test_the_range_of_the_training_data_counts_classes_alone(phantoms, config, tmp_path):
    cache = annotated_in_part(phantoms, config, tmp_path / "data", 0)
    cases = [(case.image, case.label, case.grid) for case in cache.cases.values()] * 4
    assert len(TrainingRange.of(cases, len(config.task.labels)).volume) == len(config.task.labels) - 1


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"ignored": [1]}, "task.ignored must hold no value that is a label, not 1"),
        ({"ignored": [0]}, "task.ignored must lie between 1 and 65535, not 0"),
        ({"labels": {index: str(index) for index in range(256)}, "ignored": [300]}, "must have 255 entries at most"),
    ],
)
def test_values_that_cannot_be_ignored_are_refused(values, reason):
    with pytest.raises(InputError, match=reason):
        Config.from_mapping({"task": values})
