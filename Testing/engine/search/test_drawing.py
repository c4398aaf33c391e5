"""Pictures of architectures: what an SVG shows, at any width, and what is refused."""

from __future__ import annotations

import subprocess
import sys
from xml.etree import ElementTree

import numpy as np
import pytest

from dints import Architecture, InputError, SearchSpace
from dints.search.drawing import ACTIVE, INACTIVE, architecture_svg, draw_architecture
from dints.space.operations import BY_NAME, OPERATIONS, TABLE
from dints.zoo.unet_design import UNetDesign

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
SVG = "{http://www.w3.org/2000/svg}"
LEGEND_ENTRY = 1  # strokes of a colour that the legend adds
PANEL = 330  # pixels


@pytest.fixture
def architecture() -> Architecture:
    """Two edges on: a 3x3x3 convolution, then a skip connection downwards."""
    operations = [[1, 2, 3, 4], [1, 2, 0, 4]]
    return Architecture(SearchSpace(2, 2), [[1, 0, 0, 0], [0, 0, 1, 0]], operations)


def elements(svg: str, name: str, **attributes: str) -> list[ElementTree.Element]:
    """Elements of a kind whose attributes have these values."""
    found = ElementTree.fromstring(svg).iter(SVG + name)
    return [element for element in found if attributes.items() <= element.attrib.items()]


def words(svg: str) -> list[str]:
    return [element.text or "" for element in elements(svg, "text")]


def test_selected_edges_have_the_colour_of_their_operation_and_others_none(architecture):
    svg = architecture_svg(architecture)
    selected = np.bincount(architecture.operations[architecture.edges], minlength=len(OPERATIONS))
    for name, count in zip(OPERATIONS, selected, strict=True):
        colour = BY_NAME[name].colour
        assert len(elements(svg, "line", stroke=colour)) == LEGEND_ENTRY + count
        assert len(elements(svg, "polygon", fill=colour)) == count, "heads of the arrows"
    assert len(elements(svg, "line", stroke=INACTIVE)) == LEGEND_ENTRY + (~architecture.edges).sum()


def test_nodes_show_which_are_active(architecture):
    svg = architecture_svg(architecture)
    active = architecture.node_activation.sum()
    assert len(elements(svg, "circle", fill=ACTIVE)) == active
    assert len(elements(svg, "circle", fill=INACTIVE)) == architecture.node_activation.size - active + LEGEND_ENTRY


def test_the_picture_names_task_layers_resolutions_and_operations(architecture):
    found = words(architecture_svg(architecture, title="pancreas, memory budget 0.8"))
    captions = [operation.caption for operation in TABLE]
    expected = ["pancreas, memory budget 0.8", "stems", "1", "2", "1/2", "1/4", "image", "segmentation", *captions]
    assert set(expected) < set(found)


@pytest.mark.parametrize(
    ("space", "resolutions"),
    [
        (SearchSpace(12, 5, finest=1), ["1", "1/2", "1/4", "1/8", "1/16"]),
        (SearchSpace(3, 3, finest=1, delay=(0, 0, 1)), ["1", "1/2 × 1/2 × 1", "1/4 × 1/4 × 1/2"]),
    ],
)
def test_rows_are_named_by_the_search_space(space, resolutions):
    assert set(resolutions) < set(words(architecture_svg(Architecture.random(space))))


@pytest.mark.parametrize("space", [SearchSpace(1, 1), SearchSpace(), SearchSpace(12, 5, 1), SearchSpace(30, 4)])
def test_a_narrow_drawing_keeps_to_its_width(space):
    architecture = Architecture.random(space, density=0.4)
    svg = architecture_svg(architecture, PANEL)
    assert ElementTree.fromstring(svg).get("width") == str(PANEL)
    height = float(ElementTree.fromstring(svg).attrib["height"])
    nodes = elements(svg, "circle")
    assert len(nodes) == architecture.node_activation.size + LEGEND_ENTRY
    columns = sorted({float(node.attrib["cx"]) for node in nodes[:-1]})
    assert len(columns) == space.layers + 1
    for node in nodes:
        x, y, radius = (float(node.attrib[name]) for name in ("cx", "cy", "r"))
        assert radius < x < PANEL - radius
        assert radius < y < height - radius
    below = max(float(node.attrib["cy"]) for node in nodes[:-1])
    captions = [operation.caption for operation in TABLE]
    assert all(float(text.attrib["y"]) > below for text in elements(svg, "text") if text.text in captions)


def test_a_unet_is_drawn_as_a_u():
    svg = architecture_svg(UNetDesign(levels=4, delay=(0, 0, 1)))
    assert len(elements(svg, "circle", fill=ACTIVE)) == 7
    assert len(elements(svg, "line", stroke=BY_NAME["conv_3x3x3"].colour)) == LEGEND_ENTRY + 6
    assert len(elements(svg, "line", stroke=BY_NAME["skip"].colour)) == LEGEND_ENTRY + 3
    assert {"1", "1/2 × 1/2 × 1", "concatenation"} < set(words(svg))


def test_a_title_may_hold_any_character(architecture, tmp_path):
    title = "T2 & <FLAIR> $x^2$"
    draw_architecture(architecture, tmp_path / "picture.svg", title)
    assert title in words((tmp_path / "picture.svg").read_text(encoding="utf-8"))
    draw_architecture(architecture, tmp_path / "picture.png", title)


def test_the_same_architecture_gives_the_same_file(architecture, tmp_path):
    for suffix in ("svg", "png"):
        files = [tmp_path / f"{name}.{suffix}" for name in ("first", "second")]
        for file in files:
            draw_architecture(architecture, file)
        assert files[0].read_bytes() == files[1].read_bytes()


def test_a_png_is_written_for_that_suffix(architecture, tmp_path):
    draw_architecture(architecture, tmp_path / "picture.PNG")
    assert (tmp_path / "picture.PNG").read_bytes().startswith(PNG_SIGNATURE)


def test_every_operation_has_its_own_colour():
    assert len({operation.colour for operation in TABLE}) == len(OPERATIONS)


def test_another_suffix_is_refused_by_name(architecture, tmp_path):
    with pytest.raises(InputError, match=r"picture\.gif: pictures are written as \.png or \.svg"):
        draw_architecture(architecture, tmp_path / "picture.gif")


def test_without_matplotlib_a_png_is_refused_with_the_name_of_the_extra(architecture, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(InputError, match=r"picture\.png: PNG .*slicer-dints\[pictures\]"):
        draw_architecture(architecture, tmp_path / "picture.png")
    assert list(tmp_path.iterdir()) == []


def test_an_svg_needs_neither_matplotlib_nor_pytorch(architecture, tmp_path):
    architecture.save(tmp_path / "architecture.json")
    program = (
        "import sys; sys.modules['torch'] = sys.modules['matplotlib'] = None\n"
        "from dints.search.drawing import architecture_svg; from dints.zoo.catalogue import read_design\n"
        "print(architecture_svg(read_design(sys.argv[1]), 330))"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "architecture.json")]
    done = subprocess.run(command, check=True, capture_output=True, text=True, encoding="utf-8")
    assert done.stdout.strip() == architecture_svg(architecture, PANEL).strip()
