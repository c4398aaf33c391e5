"""What `--architecture` takes: names of the zoo, and files."""

from __future__ import annotations

import pytest

from dints import Architecture, InputError, SearchSpace
from dints.zoo.catalogue import entries, find_design
from dints.zoo.shapes import u_shape
from dints.zoo.unet_design import UNetDesign

SPACE = SearchSpace(layers=6, levels=4, finest=1)


def test_the_u_shape_of_six_layers_is_the_one_drawn_by_hand(shared_data):
    drawn = Architecture.load(shared_data / "architectures" / "u_shape_6_layers.json").at(finest=1)
    found = u_shape(SPACE)
    assert (found.edges == drawn.edges).all()
    assert (found.operations[found.edges] == drawn.operations[drawn.edges]).all()


@pytest.mark.parametrize("layers", [1, 2, 3, 6, 9, 12])
@pytest.mark.parametrize("levels", [1, 2, 4, 5])
def test_u_shapes_are_feasible_in_every_space_and_come_back_to_the_finest_level(layers, levels):
    shape = u_shape(SearchSpace(layers, levels))
    assert shape.node_activation[0].tolist() == [True] + [False] * (levels - 1)
    assert shape.node_activation[-1].tolist() == [True] + [False] * (levels - 1)


def test_a_u_shape_that_cannot_come_back_is_refused():
    with pytest.raises(InputError, match="deepest=3: 4 layers reach levels 0 to 2"):
        u_shape(SearchSpace(4, 4), deepest=3)


def test_names_and_files_are_found(tmp_path):
    architecture = Architecture.random(SPACE, 3)
    architecture.save(tmp_path / "own.json")
    assert find_design(tmp_path / "own.json", SPACE) == architecture
    assert find_design("unet", SPACE) == UNetDesign()
    assert find_design("u-shape", SPACE) == u_shape(SPACE)


@pytest.mark.parametrize("delay", [(0, 0, 0), (0, 0, 1), (2, 0, 1)])
@pytest.mark.parametrize("finest", [1, 2])
@pytest.mark.parametrize("levels", [2, 3, 4, 5, 6])
def test_the_u_net_has_the_levels_of_the_space_and_takes_every_patch_that_the_space_does(levels, finest, delay):
    """It had 4 in every space: too few for large patches, and refused for small ones."""
    space = SearchSpace(layers=6, levels=levels, finest=finest, delay=delay)
    design = find_design("unet", space)
    assert (design.levels, design.delay) == (levels, delay)
    assert design.fits([2 * step for step in space.patch_step])


def test_a_name_that_is_not_there_is_refused_with_those_that_are():
    with pytest.raises(InputError, match="nosuch: is neither a file nor one of unet, u-shape"):
        find_design("nosuch", SPACE)


def test_every_entry_says_where_it_comes_from():
    for entry in entries(SPACE):
        assert entry.name
        assert entry.caption
        assert entry.data
