"""What a user reads: every text can be translated, and every field says what it does."""

from __future__ import annotations

import ast
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
SOURCES = sorted([*REPOSITORY.glob("DiNTS*/DiNTS*.py"), *REPOSITORY.glob("DiNTS*/DiNTS*Lib/*.py")])
DESCRIPTIONS = sorted(REPOSITORY.glob("DiNTS*/Resources/UI/*.ui"))
NO_TEXTS = ("terminology.py", "nrrd.py", "tiny_model.py", "__init__.py")
"""Codes, the words of a file format, a model for tests, and what a Python that is too old is told."""
NAMES = ("Binary labelmap", "DiNTS phantom", "Decathlon hippocampus 001", "The SlicerDiNTS authors")
WORDS = re.compile(r"[A-Za-z]{2,} [A-Za-z]{2,}")  # two words are a text; markup is none
SHOW_ONLY = {"QLabel", "QProgressBar", "QPlainTextEdit", "qMRMLSegmentsTableView"}  # what they show speaks for itself
HOLD_OTHERS = {"QWidget", "QFrame", "QScrollArea", "QGroupBox", "qMRMLWidget", "ctkCollapsibleButton"}


def untranslated(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and text of literals outside of `_(...)` and `translate(...)`, without docstrings."""
    for node in ast.iter_child_nodes(tree):
        is_translated = isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("_", "translate")
        is_docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if is_translated or is_docstring:
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value
        yield from untranslated(node)


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_texts_can_be_translated(source: Path) -> None:
    if source.name in NO_TEXTS:
        return
    found = untranslated(ast.parse(source.read_text(encoding="utf-8")))
    texts = {line: text for line, text in found if WORDS.search(text) and "<" not in text and text not in NAMES}
    assert texts == {}


@pytest.mark.parametrize("description", DESCRIPTIONS, ids=lambda path: path.name)
def test_every_field_has_a_tool_tip(description: Path) -> None:
    widgets = ElementTree.parse(description).getroot().iter("widget")
    fields = [widget for widget in widgets if widget.get("class") not in SHOW_ONLY | HOLD_OTHERS]
    assert len(fields) >= 2
    assert [field.get("name") for field in fields if field.find("property[@name='toolTip']/string") is None] == []


@pytest.mark.parametrize("description", DESCRIPTIONS, ids=lambda path: path.name)
def test_texts_of_descriptions_are_not_kept_from_translation(description: Path) -> None:
    strings = ElementTree.parse(description).getroot().iter("string")
    assert [string.text for string in strings if string.get("notr") == "true"] == []
