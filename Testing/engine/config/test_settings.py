from __future__ import annotations

from pathlib import Path

import pytest

from dints.config import Config, preset_names
from dints.errors import InputError


def test_defaults_are_the_papers() -> None:
    config = Config()
    assert (config.search.layers, config.search.levels, config.search.filters) == (12, 4, 16)
    assert (config.search.iterations, config.search.warmup, config.search.weights_only) == (21000, 1000, 11000)
    assert config.search.milestones == (8000, 16000)
    assert config.search.architecture_learning_rate == 0.008
    assert (config.training.filters, config.training.folds) == (32, 5)
    assert config.training.milestones == (8000, 16000, 24000, 32000)


def test_what_is_saved_is_loaded_again(tmp_path: Path) -> None:
    config = Config.load("hippocampus").with_overrides(["search.seed=3", "inference.largest_component=[1]"])
    config.save(tmp_path / "config.yaml")
    assert Config.load(tmp_path / "config.yaml") == config


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_is_valid(name: str) -> None:
    assert Config.load(name).task.labels[0] == "background"


def test_a_file_changes_only_what_it_names(tmp_path: Path) -> None:
    (tmp_path / "short.yaml").write_text("search: {iterations: 7}\n")
    base = Config.load("spleen")
    config = Config.load(tmp_path / "short.yaml", base)
    assert config.search.iterations == 7
    assert config.task == base.task


@pytest.mark.parametrize(
    ("override", "parts"),
    [
        ("inference.stride=[16, 97, 16]", ["inference.stride must not exceed sampling.patch, [96, 96, 96]", "97"]),
        ("search.iteration=3", ["search.iteration", "did you mean search.iterations"]),
        ("serach.iterations=3", ["serach", "did you mean search"]),
        ("search.iterations=many", ["search.iterations", "whole number", "'many'"]),
        ("search.iterations=2.5", ["whole number"]),
        ("search.topology_loss=3", ["true or false"]),
        ("sampling.patch=[32, 32]", ["sampling.patch", "list of 3"]),
        ("sampling.patch=[40, 32, 32]", ["multiples of 16"]),
        ("sampling.patch=[16, 16, 16]", ["at least 32"]),
        ("task.labels={0: a}", ["at least one other label"]),
        ("task.labels={1: a, 2: b}", ["must hold 0"]),
        ("task.labels={0: a, 70000: b}", ["65535"]),
        ("preprocessing.spacing=[1, 0, 1]", ["spacing must lie between"]),
        ("preprocessing.window=[5, 5]", ["low < high"]),
        ("augmentation.gamma_range=[2.0, 1.0]", ["gamma_range"]),
        ("training.optimizer=adam", ["sgd or adamw"]),
        ("training.folds=1", ["training.folds must lie between 2 and 1000, not 1"]),
        ("inference.overlap=1.0", ["overlap"]),
        ("inference.largest_component=[9]", ["declared labels"]),
        ("iterations", ["section.key=value"]),
        ("search.iterations=[1", ["not a valid value"]),
    ],
)
def test_a_wrong_setting_is_refused_in_one_line(override: str, parts: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        Config().with_overrides([override])
    text = str(caught.value)
    assert "\n" not in text
    for part in parts:
        assert part in text


@pytest.mark.parametrize("content", ["search: [1, 2]", "- a", "a: [", "search: !!python/object/apply:os.getcwd []"])
def test_a_file_that_is_no_configuration_is_refused(content: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(content)
    with pytest.raises(InputError, match=r"bad\.yaml") as caught:
        Config.load(path)
    assert "\n" not in str(caught.value)


def test_a_missing_file_names_the_presets() -> None:
    with pytest.raises(InputError, match=r"no_such\.yaml.*hippocampus"):
        Config.load("no_such.yaml")


def test_scalings_may_be_given_for_each_channel_or_for_all() -> None:
    two = Config.from_mapping({"task": {"name": "two", "channels": ["CT", "PET"]}})
    each = two.with_overrides(
        ["preprocessing.intensity=[window, zscore]", "preprocessing.window=[[-100, 300], [0, 7]]"]
    )
    assert [each.preprocessing.window_of(index) for index in range(2)] == [(-100.0, 300.0), None]
    assert Config.from_mapping(each.to_mapping()) == each
    everything = two.with_overrides(["preprocessing.intensity=window", "preprocessing.window=[-100, 300]"])
    assert [everything.preprocessing.window_of(index) for index in range(2)] == [(-100.0, 300.0)] * 2


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("preprocessing.intensity=[window]", r"must have one entry for each channel \(2\), not 1"),
        ("preprocessing.window=[]", r"must have one entry for each channel \(2\), not 0"),
        ("preprocessing.window=[[0, 1], [3, 2]]", "low < high"),
        ("preprocessing.intensity=[window, zscor]", "must be window or zscore, not 'zscor'"),
        ("preprocessing.window=[[0, 1], 3]", "must be a list of 2 numbers"),
    ],
)
def test_scalings_that_do_not_fit_the_channels_are_refused(override, words) -> None:
    two = Config.from_mapping({"task": {"name": "two", "channels": ["CT", "PET"]}})
    with pytest.raises(InputError, match=words):
        two.with_overrides([override])
