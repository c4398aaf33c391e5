"""Pictures of architectures: what an SVG shows, and what is refused."""

from __future__ import annotations

import re
import sys
from xml.etree import ElementTree

import numpy as np
import pytest

from dints import Architecture, InputError, SearchSpace
from dints.search.drawing import draw_architecture
from dints.space.operations import BY_NAME, OPERATIONS, TABLE

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
LEGEND_ENTRY = 1  # strokes of an operation's colour that the legend adds
STROKES_PER_ARROW = 2  # shaft and head


@pytest.fixture
def architecture() -> Architecture:
    """Two edges on: a 3x3x3 convolution, then a skip connection downwards."""
    operations = [[1, 2, 3, 4], [1, 2, 0, 4]]
    return Architecture(SearchSpace(2, 2), [[1, 0, 0, 0], [0, 0, 1, 0]], operations)


def strokes(svg: str, colour: str) -> int:
    return len(re.findall(f"stroke: {colour}", svg))


def test_selected_edges_have_the_colour_of_their_operation_and_others_none(architecture, tmp_path):
    draw_architecture(architecture, tmp_path / "picture.svg")
    svg = (tmp_path / "picture.svg").read_text(encoding="utf-8")
    selected = np.bincount(architecture.operations[architecture.edges], minlength=len(OPERATIONS))
    for name, count in zip(OPERATIONS, selected, strict=True):
        assert strokes(svg, BY_NAME[name].colour) == LEGEND_ENTRY + STROKES_PER_ARROW * count


def test_the_picture_names_task_layers_resolutions_and_operations(architecture, tmp_path):
    draw_architecture(architecture, tmp_path / "picture.svg", title="pancreas, memory budget 0.8")
    words = [element.text for element in ElementTree.parse(tmp_path / "picture.svg").iter() if element.text]
    for expected in ("pancreas, memory budget 0.8", "stems", "2", "1/2", "1/4", "image", "segmentation", "conv 3×3×3"):
        assert expected in words


def test_the_same_architecture_gives_the_same_file(architecture, tmp_path):
    for name in ("first.svg", "second.svg"):
        draw_architecture(architecture, tmp_path / name)
    assert (tmp_path / "first.svg").read_bytes() == (tmp_path / "second.svg").read_bytes()


def test_a_png_is_written_for_that_suffix(architecture, tmp_path):
    draw_architecture(architecture, tmp_path / "picture.PNG")
    assert (tmp_path / "picture.PNG").read_bytes().startswith(PNG_SIGNATURE)


def test_every_operation_has_its_own_colour():
    assert len({operation.colour for operation in TABLE}) == len(OPERATIONS)


def test_another_suffix_is_refused_by_name(architecture, tmp_path):
    with pytest.raises(InputError, match=r"picture\.gif: pictures are written as \.png or \.svg"):
        draw_architecture(architecture, tmp_path / "picture.gif")


def test_without_matplotlib_the_message_names_the_extra(architecture, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(InputError, match=r"slicer-dints\[pictures\]"):
        draw_architecture(architecture, tmp_path / "picture.png")
    assert list(tmp_path.iterdir()) == []
