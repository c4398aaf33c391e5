"""YAML and JSON that people write by hand: what is meant is read, and what means two things is refused."""

from __future__ import annotations

import pytest

from dints.files.plain_yaml import to_line, to_yaml
from dints.files.untrusted.json_text import parse_json
from dints.files.untrusted.yaml_text import parse_yaml

WORDS = ["no", "Yes", "on", "off", "010", "1:30", "2001-01-01", "0o7", "0b1", "<<", "=", "1e-3", "y"]
VALUES = {
    "true": True,
    "False": False,
    "12": 12,
    "-1_000": -1000,
    "0x1f": 31,
    "0": 0,
    "1.5": 1.5,
    ".5": 0.5,
    "2.0e-3": 2e-3,
    "~": None,
    "null": None,
    "": None,
    "[1, 2]": [1, 2],
}


@pytest.mark.parametrize("word", WORDS)
def test_words_and_days_are_texts(word):
    assert parse_yaml(f"{{1: {word}}}") == {1: word}


@pytest.mark.parametrize("text", VALUES)
def test_plain_values_are_what_they_look_like(text):
    assert parse_yaml(text) == VALUES[text]
    assert type(parse_yaml(text)) is type(VALUES[text])


@pytest.mark.parametrize("value", [*WORDS, *VALUES, *VALUES.values(), "a: b", "- a", "#", "\x85"])
def test_what_the_engine_writes_it_reads(value):
    assert parse_yaml(to_yaml({"key": value})) == {"key": value}
    assert parse_yaml(to_line(value)) == value


@pytest.mark.parametrize("text", ["{a: 1, b: 2, a: 3}", "a: 1\n'a': 1", "- {1: x, 1: y}"])
def test_a_key_of_yaml_that_is_given_twice_is_refused(text):
    with pytest.raises(ValueError, match=r"it gives '[a1]' twice"):
        parse_yaml(text)


@pytest.mark.parametrize("text", ['{"a": 1, "b": 2, "a": 3}', '[{"x": {"a": 1, "a": 2}}]'])
def test_a_name_of_json_that_has_two_values_is_refused(text):
    with pytest.raises(ValueError, match=r"it gives 'a' twice"):
        parse_json(text)


def test_a_name_of_json_may_have_one_value_twice():
    assert parse_json('{"a": [1], "b": 2, "a": [1]}') == {"a": [1], "b": 2}
