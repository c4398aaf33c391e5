"""Every setting by itself: that what is said of it at its field holds."""

from __future__ import annotations

import dataclasses
import math
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dints.config import Config, Setting, all_settings
from dints.config.listing import default
from dints.config.setting import setting
from dints.errors import InputError
from dints.files.plain_yaml import to_line, to_yaml
from dints.files.untrusted.yaml_text import parse_yaml

SETTINGS = all_settings()


def with_part(known: Setting, part: Any) -> Any:
    """The default with one of its numbers, texts or keys replaced; an empty list, or null, with that one alone."""
    if isinstance(known.default, dict):
        return {**known.default, part: "more"}
    if isinstance(known.default, tuple):
        return (part, *known.default[1:])
    return part


def outside(known: Setting) -> list[float | str]:
    """Values next to the limits that must be refused."""
    beyond = [known.low - 1, math.nextafter(known.low, -math.inf)] if known.low > -math.inf else []
    beyond += [known.high + 1] if known.high < math.inf else []
    beyond += [limit for limit in (known.above, known.below) if math.isfinite(limit)]
    return [*beyond, *(["something else"] if known.choices else [])]


@pytest.mark.parametrize("key", SETTINGS)
def test_the_default_is_accepted(key: str) -> None:
    assert SETTINGS[key].refusal(SETTINGS[key].default) is None
    section, name = key.split(".")
    assert getattr(getattr(Config(), section), name) == SETTINGS[key].default


@pytest.mark.parametrize("key", SETTINGS)
def test_what_lies_outside_of_the_limits_is_refused(key: str) -> None:
    known = SETTINGS[key]
    for part in outside(known):
        refusal = known.refusal(with_part(known, part))
        assert refusal, part
        assert refusal.startswith("must ")
        assert repr(part) in refusal


@pytest.mark.parametrize("key", [key for key, known in SETTINGS.items() if known.rule is None])
def test_the_ends_of_the_limits_and_all_choices_are_accepted(key: str) -> None:
    known = SETTINGS[key]
    for part in (*(end for end in (known.low, known.high) if math.isfinite(end)), *known.choices):
        assert known.refusal(with_part(known, part)) is None


@pytest.mark.parametrize("key", SETTINGS)
def test_every_setting_says_what_it_means(key: str) -> None:
    known = SETTINGS[key]
    assert known.meaning[0].isupper()
    assert not known.meaning.endswith(".")
    assert "|" not in known.meaning + known.unit


@pytest.mark.parametrize("key", SETTINGS)
def test_the_default_as_text_reads_back(key: str) -> None:
    assert Config().with_overrides([f"{key}={default(key)}"]) == Config()


TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=40)


@given(TEXTS)
def test_any_text_reads_back_from_one_line(text: str) -> None:
    line = to_line(text)
    assert "\n" not in line
    assert Config().with_overrides([f"task.description={line}"]).task.description == text


@given(st.dictionaries(st.integers(0, 9), TEXTS))
def test_any_labels_read_back_from_one_line(names: dict[int, str]) -> None:
    labels = {0: "background", 1: "foreground", **names}
    line = to_line(labels)
    assert "\n" not in line
    assert Config().with_overrides([f"task.labels={line}"]).task.labels == labels


@given(TEXTS)
def test_any_text_is_loaded_as_it_was_saved(text: str) -> None:
    assert parse_yaml(to_yaml({"task": {"description": text}})) == {"task": {"description": text}}


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("search.filters=1", "search.filters must lie between 2 and 512, not 1"),
        ("search.memory_budget=0", "search.memory_budget must be above 0 and at most 1, not 0.0"),
        ("training.optimizer=adam", "training.optimizer must be sgd or adamw, not 'adam'"),
        ("search.finest=3", "search.finest must be 1 or 2, not 3"),
        ("task.channels=[]", "task.channels must have 1 to 64 entries, not 0"),
        ("augmentation.flip_axes=[0, 0]", "augmentation.flip_axes must name each axis once at most, not [0, 0]"),
        ("augmentation.flip_axes=[3]", "augmentation.flip_axes must be 0, 1 or 2, not 3"),
        ("augmentation.scale_range=[0, 1]", "augmentation.scale_range must be above 0, not 0.0"),
        ("search.delay=[0, 0, 5]", "search.delay must lie between 0 and search.levels, 4, not 5"),
        ("search.delay=[0, 0, -1]", "search.delay must be at least 0, not -1"),
        ("sampling.patch=[32, 32, 24]", "must be multiples of 16, at least 32 (by search.levels,"),
        ("inference.largest_component=[7]", "inference.largest_component must name declared labels, 0, 1"),
    ],
)
def test_a_refusal_names_the_setting_the_limits_and_the_value(override: str, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        Config().with_overrides([override])
    assert sentence in str(caught.value)


def test_settings_that_fit_only_together_are_taken_together() -> None:
    config = Config().with_overrides(["search.levels=6", "sampling.patch=[128, 128, 128]"])
    assert config.search.levels == 6


def test_a_mapping_is_not_shared_between_configurations() -> None:
    first, second = Config(), Config()
    first.task.labels[2] = "more"
    assert second.task.labels == {0: "background", 1: "foreground"}


def test_an_unknown_limit_is_an_error_of_the_programmer() -> None:
    with pytest.raises(TypeError, match="hgih"):
        setting(1, "A number", hgih=2)


def test_every_field_of_every_section_is_a_setting() -> None:
    sections = [field.default_factory for field in dataclasses.fields(Config)]
    assert len(SETTINGS) == sum(len(dataclasses.fields(section)) for section in sections)


def test_settings_are_known_without_pyyaml() -> None:
    """Slicer gets it later than the panels, whose widgets have the limits of the settings."""
    program = "import sys; sys.modules['yaml'] = None; from dints.config import Config, all_settings; all_settings()"
    subprocess.run([sys.executable, "-c", program], check=True)
