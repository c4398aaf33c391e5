"""What the documents for developers name is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dints.data.formats import IMAGE_SUFFIXES, NIFTI_VOXELS, WRITABLE_SUFFIXES

REPOSITORY = Path(__file__).resolve().parents[2]
NAME = re.compile(r"`([\w./]+\.(?:py|yaml|toml|md|ui|txt))`")
LINK = re.compile(r"\]\(([\w./-]+)\)")
PLACEHOLDERS = {
    "presets/NAME.yaml",
    "Resources/UI/MODULE.ui",
    "labels.yaml",
    "config.yaml",
}  # no files of the repository


@pytest.mark.parametrize(
    "document",
    [
        "README.md",
        "CONTRIBUTING.md",
        "docs/clusters.md",
        "docs/correct-and-learn.md",
        "docs/first-look.md",
        "docs/how-to.md",
        "docs/model-format.md",
        "docs/remote.md",
        "docs/settings.md",
        "docs/time.md",
        "docs/what-is-read.md",
    ],
)
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


def test_every_suffix_and_message_of_the_page_on_files_is_the_engines() -> None:
    page = (REPOSITORY / "docs" / "what-is-read.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("|")]
    table = "\n".join(rows)
    assert [suffix for suffix in (*IMAGE_SUFFIXES, *NIFTI_VOXELS) if f"`{suffix}`" not in table] == []
    assert [suffix for suffix in WRITABLE_SUFFIXES if not re.search(rf"`{re.escape(suffix)}`.*writ", table)] == []
    engine = "\n".join(
        path.read_text(encoding="utf-8") for path in (REPOSITORY / "DiNTSEngine" / "dints").rglob("*.py")
    )
    quoted = [words for row in rows for words in re.findall(r'"([^"]+)"', row.replace('`"whole": [1, 2]`', ""))]
    assert len(quoted) > 40
    assert [words for words in quoted if words not in engine] == []


def test_every_row_of_the_page_on_files_says_since_when() -> None:
    page = (REPOSITORY / "docs" / "what-is-read.md").read_text(encoding="utf-8")
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if re.match(r"\| (?!---|format|habit)", line)]
    assert {len(row) for row in rows} == {3}
    assert [row[0] for row in rows if not re.match(r"(0\.1\.0|next)", row[-1])] == []
