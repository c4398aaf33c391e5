"""The presets of the decathlon's ten tasks against the paper's section 4.1 and the challenge's facts."""

from __future__ import annotations

import pytest

from dints.config import Config, preset_names
from dints.config.settings import preset_path
from dints.files.untrusted.yaml_text import parse_yaml

ABDOMEN = (-160.0, 240.0)
TASKS = {  # channels, labels, tolerance in mm, nested, CT window or None for MR
    "brain": (("FLAIR", "T1w", "t1gd", "T2w"), ("edema", "non-enhancing tumor", "enhancing tumour"), 5, True, None),
    "heart": (("MRI",), ("left atrium",), 4, False, None),
    "liver": (("CT",), ("liver", "cancer"), 7, True, ABDOMEN),
    "hippocampus": (("MRI",), ("Anterior", "Posterior"), 1, False, None),
    "prostate": (("T2", "ADC"), ("PZ", "TZ"), 4, False, None),
    "lung": (("CT",), ("cancer",), 2, False, (-1000.0, 400.0)),
    "pancreas": (("CT",), ("pancreas", "cancer"), 5, True, (-87.0, 199.0)),
    "hepatic_vessels": (("CT",), ("Vessel", "Tumour"), 3, False, (-50.0, 250.0)),
    "spleen": (("CT",), ("spleen",), 3, False, ABDOMEN),
    "colon": (("CT",), ("colon cancer primaries",), 4, False, ABDOMEN),
}
PATCH_AND_STRIDE = {"prostate": ((96, 96, 32), (16, 16, 4)), "hippocampus": ((32, 32, 32), (4, 4, 4))}


def test_there_is_a_preset_for_each_of_the_ten_tasks() -> None:
    assert set(TASKS) <= set(preset_names())


@pytest.mark.parametrize("name", TASKS)
def test_a_preset_states_its_task_as_the_decathlon_does(name: str) -> None:
    config = Config.load(name)
    channels, labels, tolerance, nested, window = TASKS[name]
    assert config.task.channels == channels
    assert config.task.labels == dict(enumerate(("background", *labels)))
    assert (config.task.tolerance, config.task.nested) == (tolerance, nested)
    assert config.task.modality == ("CT" if window else "MR")
    assert config.task.description
    assert config.preprocessing.intensity == ("window" if window else "zscore")
    assert config.preprocessing.window == (window or Config().preprocessing.window)


@pytest.mark.parametrize("name", TASKS)
def test_a_preset_takes_spacing_patch_stride_and_schedule_from_the_paper(name: str) -> None:
    config = Config.load(name)
    patch, stride = PATCH_AND_STRIDE.get(name, ((96, 96, 96), (16, 16, 16)))
    assert config.preprocessing.spacing == (1.0, 1.0, 1.0)
    assert (config.sampling.patch, config.inference.stride) == (patch, stride)
    assert (config.search, config.training) == (Config().search, Config().training)


@pytest.mark.parametrize("name", TASKS)
def test_only_pancreas_does_without_rotation_scaling_and_gamma(name: str) -> None:
    augmentation = Config.load(name).augmentation
    assert (augmentation.affine_probability > 0) == (augmentation.gamma_probability > 0) == (name != "pancreas")
    assert augmentation.flip_probability > 0
    assert augmentation.rotate90_probability > 0


RECIPES = [name for name in preset_names() if name.startswith("recipe_")]


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("name", TASKS)
def test_a_recipe_says_how_a_task_is_trained_and_nothing_of_the_task(recipe: str, name: str) -> None:
    task = Config.load(name)
    config = Config.load(recipe, task)
    values = parse_yaml(preset_path(recipe).read_text(encoding="utf-8"))
    assert set(values) == {"augmentation", "training"}
    assert config != task
    for section in ("task", "preprocessing", "sampling", "search", "race", "inference"):
        assert getattr(config, section) == getattr(task, section)
    kept = ("folds", "iterations", "batch_size", "filters", "seed")
    assert all(getattr(config.training, key) == getattr(task.training, key) for key in kept)
    assert config.augmentation.flip_axes == task.augmentation.flip_axes


def test_the_recipe_of_nnunet_switches_all_of_its_parts_on() -> None:
    config = Config.load("recipe_nnunet")
    own = config.augmentation
    parts = (own.noise_probability, own.blur_probability, own.brightness_probability, own.contrast_probability)
    assert all(0 < chance < 1 for chance in (*parts, own.low_resolution_probability, own.inverted_gamma_probability))
    assert (own.rotation_axes, own.gamma_keeps) == ((0, 1, 2), "statistics")
    assert (config.training.deep_supervision, config.training.schedule) == (True, "polynomial")
