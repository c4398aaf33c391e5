"""What people read of the settings: on the terminal, in the documentation, in the help of commands."""

from __future__ import annotations

from pathlib import Path

import pytest

from dints.cli import build_parser, main
from dints.config import all_settings
from dints.config.listing import accepted, explanation, markdown

PAGE = Path(__file__).resolve().parents[3] / "docs" / "settings.md"


def test_the_page_of_the_documentation_is_up_to_date() -> None:
    written = PAGE.read_text(encoding="utf-8")
    assert written == markdown(), f"write it anew: dints settings --markdown > {PAGE}"


def test_the_page_has_a_line_for_every_setting() -> None:
    page = markdown()
    for key, known in all_settings().items():
        line = next(line for line in page.splitlines() if line.startswith(f"| `{key}` |"))
        assert known.meaning in line
        assert line.count("|") == 6


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("search.layers", "a whole number, between 1 and 100"),
        ("search.memory_budget", "a number, above 0 and at most 1"),
        ("search.finest", "1 or 2"),
        ("training.optimizer", "sgd or adamw"),
        ("inference.overlap", "a number, at least 0 and less than 1"),
        ("inference.stride", "a list of 3 whole numbers or null, each at least 1"),
        ("task.channels", "a list of texts, 1 to 64 entries"),
        ("task.name", "a text"),
        ("search.topology_loss", "true or false"),
        ("preprocessing.intensity", "window or zscore, or a list of such"),
        ("preprocessing.window", "a list of 2 numbers or a list of such, must be [low, high] with low < high"),
    ],
)
def test_what_may_be_given_is_said_in_words(key: str, words: str) -> None:
    assert accepted(key) == words


def test_an_explanation_holds_meaning_unit_and_limits() -> None:
    assert explanation("search.warmup").endswith("learning rate rises (iterations): a whole number, at least 0")


def test_the_command_lists_all_settings(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["settings"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("=")[0] for line in lines[::2]] == list(all_settings())


def test_the_command_lists_the_named_sections_and_settings(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["settings", "sampling", "training.folds"]) == 0
    keys = [line.split("=")[0] for line in capsys.readouterr().out.splitlines()[::2]]
    assert keys == ["sampling.patch", "sampling.foreground_fraction", "sampling.rare_labels", "training.folds"]


def test_the_command_writes_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["settings", "--markdown"]) == 0
    assert capsys.readouterr().out == markdown()


def test_an_unknown_name_gets_the_nearest_known_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["settings", "search.iteration"]) == 2
    assert "did you mean search.iterations?" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["check", "memory", "search", "train"])
def test_the_help_of_commands_names_the_list(command: str) -> None:
    parser = build_parser(command)
    subparser = next(action.choices[command] for action in parser._actions if action.choices)
    assert "`dints settings` lists all" in " ".join(subparser.format_help().split())
