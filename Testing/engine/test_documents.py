"""What the documents for developers name is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
NAME = re.compile(r"`([\w./]+\.(?:py|yaml|toml|md|ui|txt))`")
LINK = re.compile(r"\]\(([\w./-]+)\)")
PLACEHOLDERS = {"presets/NAME.yaml", "Resources/UI/MODULE.ui", "labels.yaml"}  # no files of the repository


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "docs/how-to.md", "docs/model-format.md"])
def test_files_that_a_document_names_are_there(document: str) -> None:
    path = REPOSITORY / document
    text = path.read_text(encoding="utf-8")
    named = set(NAME.findall(text)) - PLACEHOLDERS
    assert [name for name in named if not next(REPOSITORY.glob(f"[!.]*/**/{name}"), (REPOSITORY / name).exists())] == []
    assert [link for link in LINK.findall(text) if not (path.parent / link).exists()] == []


def test_the_tables_that_the_how_to_names_are_in_their_files() -> None:
    engine = REPOSITORY / "DiNTSEngine" / "dints"
    text = (REPOSITORY / "docs" / "how-to.md").read_text(encoding="utf-8")
    for table, file in re.findall(r"`(\w+)` (?:in|of) `([\w/]+\.py)`", text):
        assert re.search(rf"\b{table}\b", (engine / file).read_text(encoding="utf-8")), f"{table} in {file}"
